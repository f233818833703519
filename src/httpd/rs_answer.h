/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What a client hears that does not get through: status, challenge, caching headers; and the notes
 * that log formats use. */
#ifndef RS_ANSWER_H
#define RS_ANSWER_H

#include "httpd/rs_request.h"

typedef struct {
    rs_outcome_t outcome;
    const char *description;         /* instead of the table's; NULL: the table's */
    apr_interval_time_t retry_after; /* of an undecided one; 0: no idea */
    const char *scope;               /* for the challenge, likewise below; NULL or "": none */
    const char *acr_values, *max_age;
} rs_answer_t;

/* Compose the response's headers and give back its status. In an ErrorDocument the headers of the
 * error stay. */
int rs_answer(request_rec *r, const rs_answer_t *answer);

/* The notes oauth2-outcome, oauth2-token (fingerprint), oauth2-client and oauth2-provider. */
void rs_answer_note(request_rec *r, rs_outcome_t outcome);

#endif
