/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* WWW-Authenticate, one parameter after the other. */
#include "token/rs_challenge.h"

#include <apr_strings.h>
#include <string.h>

/* RFC 9110 5.6.4: a quoted-string may hold anything printable, with quotes and backslashes escaped.
 */
static const char *escaped(const char *text, apr_pool_t *p)
{
    char *copy = apr_palloc(p, strlen(text) * 2 + 1), *at = copy;

    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            *at++ = '\\';
        *at++ = (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text;
    }
    *at = '\0';
    return copy;
}

/* RFC 6750 3: %x20-21 / %x23-5B / %x5D-7E in error, error_description and scope. */
static const char *restricted(const char *text, apr_pool_t *p)
{
    char *copy = apr_pstrdup(p, text), *at;

    for (at = copy; *at; at++)
        if ((unsigned char)*at < 0x20 || (unsigned char)*at > 0x7e || *at == '"' || *at == '\\')
            *at = '?';
    return copy;
}

const char *rs_challenge_format(const rs_challenge_t *challenge, apr_pool_t *p)
{
    const struct {
        const char *name, *value;
    } parameters[] = {
        { "realm", challenge->realm ? escaped(challenge->realm, p) : NULL },
        { "error", challenge->error },
        { "error_description", challenge->error_description },
        { "scope", challenge->scope },
        { "acr_values", challenge->acr_values },
        { "max_age", challenge->max_age },
        { "resource_metadata", challenge->resource_metadata },
    };
    const char *line = challenge->scheme, *separator = " ";
    unsigned i;

    for (i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        if (!parameters[i].value || (i > 0 && !*parameters[i].value))
            continue;
        line = apr_pstrcat(p, line, separator, parameters[i].name, "=\"",
                           i == 0 ? parameters[i].value : restricted(parameters[i].value, p), "\"",
                           NULL);
        separator = ", ";
    }
    return line;
}
