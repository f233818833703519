/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A verdict that threads share: one malloc'ed block, immutable, reference-counted. */
#ifndef RS_ENTRY_H
#define RS_ENTRY_H

#include "token/rs_record.h"

typedef struct rs_entry_t rs_entry_t;

/* Both return an entry with one reference, or NULL (no memory, no record of ours, too large). */
rs_entry_t *rs_entry_of_verdict(const rs_verdict_t *verdict, apr_pool_t *ptemp);
rs_entry_t *rs_entry_of_record(const unsigned char *bytes, apr_size_t len);

rs_entry_t *rs_entry_retain(rs_entry_t *entry);
void rs_entry_release(rs_entry_t *entry);
/* Release when p is cleared. */
void rs_entry_release_with(rs_entry_t *entry, apr_pool_t *p);

/* Valid while the caller holds a reference. */
const rs_verdict_t *rs_entry_verdict(const rs_entry_t *entry);
apr_size_t rs_entry_bytes(const rs_entry_t *entry); /* what it takes in memory */

#endif
