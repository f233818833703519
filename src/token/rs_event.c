/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Events as text. */
#include "token/rs_event.h"

#include <apr_strings.h>

static const char *with(const char *text, const char *before, const char *value, apr_pool_t *p)
{
    return value && *value ? apr_pstrcat(p, text, before, value, NULL) : text;
}

static const char *with_rule(const char *text, const rs_event_t *event, apr_pool_t *p)
{
    if (!event->rule)
        return text;
    return apr_psprintf(p, "%s: \"%s\" (%s:%d) is not met", text, event->rule, event->file,
                        event->line);
}

const char *rs_event_text(const rs_event_t *event, apr_pool_t *p)
{
    const rs_outcome_row_t *row = rs_outcome_row(event->outcome);
    const char *text = apr_psprintf(p, "%s (%d): token %s", row->name, row->status,
                                    event->token ? event->token : "-");

    text = with(text, ", user ", event->user, p);
    text = with(text, ", client ", event->client, p);
    text = with(text, ", provider ", event->provider, p);
    text = with(text, ", ", event->method, p);
    text = with(text, " ", event->uri, p);
    text = with_rule(text, event, p);
    text = with(text, ": ", event->detail, p);
    text = with(text, "; needed: scope ", event->scope, p);
    text = with(text, "; needed: acr ", event->acr_values, p);
    return with(text, "; needed: max_age ", event->max_age, p);
}
