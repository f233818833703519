/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What post_config will do, done once before in check_config. `apachectl configtest` ends there: a
 * file that only post_config found broken would be "Syntax OK", and the restart that follows would
 * stop the server. */
#ifndef RS_REHEARSAL_H
#define RS_REHEARSAL_H

#include "httpd/rs_config.h"

/* Works on copies, in a pool that is gone when it returns; opens no connection and runs no command:
 * what comes from exec: is left out. OK, or a line that says what is wrong. */
int rs_rehearse(server_rec *main_server, apr_pool_t *ptemp);

#endif
