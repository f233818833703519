/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Where a token may be, besides the Authorization header: OAuth2RSTokenFrom. */
#ifndef RS_PLACES_H
#define RS_PLACES_H

#include <apr_tables.h>
#include <httpd.h>
#include <http_config.h>
#include <stdbool.h>

/* Constant after configuration. */
typedef struct {
    bool authorization, form;
    apr_array_header_t *headers, *cookies; /* const char *: their names */
} rs_places_t;

const char *rs_places_set(cmd_parms *cmd, void *dir, int argc, char *const argv[]);

typedef enum { RS_PLACE_AUTHORIZATION, RS_PLACE_HEADER, RS_PLACE_COOKIE, RS_PLACE_FORM } rs_place_t;

/* What the other places hold: how many tokens, and the first of them. Not APR_SUCCESS: the form
 * cannot be read. A cookie counts only in a
 * request of our own origin: browsers send it along whoever asks them to. */
typedef struct {
    unsigned count;
    const char *token;
    rs_place_t place; /* of that one */
} rs_found_t;
apr_status_t rs_places_look(const rs_places_t *places, rs_found_t *found, request_rec *r);

/* Take the tokens out of what the application will see. */
void rs_places_remove(const rs_places_t *places, request_rec *r);

/* insert_filter and insert_error_filter: the response to a token that was not in Authorization is
 * nobody else's (RFC 9111 3.5 knows that header alone). */
void rs_places_filter_hook(request_rec *r);
void rs_places_register(apr_pool_t *p);

#endif
