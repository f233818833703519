/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Our private keys for encrypted tokens and replies (OAuth2RSDecryptionKey): files that are read
 * again when they change, as long as the process may read them. */
#ifndef RS_DECRYPTION_H
#define RS_DECRYPTION_H

#include "jose/rs_jwe.h"
#include "provider/rs_provider_spec.h"
#include "provider/rs_services.h"

typedef struct rs_decryption_t rs_decryption_t;

/* Reads the files of spec, as the user we are now. *why is a sentence when the answer is not
 * APR_SUCCESS. */
apr_status_t rs_decryption_create(rs_decryption_t **decryption, const rs_provider_spec_t *spec,
                                  const rs_services_t *services, apr_time_t now, const char **why,
                                  apr_pool_t *p);

/* rs_jwe_decrypt() with the keys of all files. */
rs_outcome_t rs_decryption_open(rs_decryption_t *decryption, const char *token, apr_size_t len,
                                rs_jwe_plain_t *plain, apr_time_t now, apr_pool_t *p);

/* Give back the keys: for a process that ends without clearing the pool of creation. */
void rs_decryption_forget(rs_decryption_t *decryption);

#endif
