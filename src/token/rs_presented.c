/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The form of a token. */
#include "token/rs_presented.h"

#include <apr_lib.h>
#include <string.h>

bool rs_token_is_b64token(const char *text, apr_size_t len)
{
    apr_size_t i = 0;

    while (i < len && (apr_isalnum(text[i]) || (text[i] && strchr("-._~+/", text[i]))))
        i++;
    if (i == 0)
        return false;
    while (i < len && text[i] == '=')
        i++;
    return i == len;
}
