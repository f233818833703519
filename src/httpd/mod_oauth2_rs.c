#include <httpd.h>
#include <http_config.h>
AP_DECLARE_MODULE(oauth2_rs) = { STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, NULL, 0 };
