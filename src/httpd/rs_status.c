/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The state of this process, as lines of mod_status: for people, or with ?auto for programs. */
#include "httpd/rs_status.h"
#include "httpd/rs_runtime.h"
#include "net/rs_http_curl.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <mod_status.h>
#include <unistd.h>

/* ---- lines ---- */

typedef struct {
    request_rec *r;
    bool brief; /* ?auto */
} page_t;

/* about: what has this state; a provider's name, or "". */
static void line(const page_t *page, const char *about, const char *name, const char *value)
{
    if (page->brief)
        ap_rprintf(page->r, "OAuth2RS%s%s %s: %s\n", *about ? " " : "", about, name, value);
    else
        ap_rprintf(page->r, "<dt>%s%s%s</dt><dd>%s</dd>\n", ap_escape_html(page->r->pool, about),
                   *about ? " " : "", ap_escape_html(page->r->pool, name),
                   ap_escape_html(page->r->pool, value));
}

static void number(const page_t *page, const char *about, const char *name, apr_uint64_t value)
{
    line(page, about, name, apr_psprintf(page->r->pool, "%" APR_UINT64_T_FMT, value));
}

/* ---- what there is to say ---- */

static void tell_keys(const page_t *page, const char *about, const rs_keys_state_t *keys,
                      apr_time_t now)
{
    number(page, about, "Keys", keys->count);
    if (keys->fetched_at)
        number(page, about, "KeysAge", (apr_uint64_t)apr_time_sec(now - keys->fetched_at));
    line(page, about, "KeysFetch",
         keys->failing                         ? "failing"
         : keys->fetched_at || keys->count > 0 ? "well"
                                               : "none yet");
}

static void tell_introspection(const page_t *page, const char *about,
                               const rs_introspection_state_t *state)
{
    line(page, about, "Breaker", state->open ? "open" : "closed");
    number(page, about, "AskedAgainIn", (apr_uint64_t)apr_time_sec(state->wait + 999999));
    number(page, about, "Calls", state->calls);
    number(page, about, "Undecided", state->undecided);
    number(page, about, "Failures", state->failures);
}

static void tell_provider(const page_t *page, const rs_slot_t *slot, apr_time_t now)
{
    rs_provider_state_t state = rs_provider_state(slot->provider, now);

    tell_keys(page, slot->spec->name, &state.keys, now);
    number(page, slot->spec->name, "Waiting", state.waiting);
    if (state.introspects)
        tell_introspection(page, slot->spec->name, &state.introspection);
}

static void tell_caches(const page_t *page, const rs_runtime_t *runtime, apr_time_t now)
{
    rs_cache_t *cache = runtime->services.cache;
    rs_local_t *local = cache ? rs_cache_local(cache) : NULL;
    rs_tier_t *shared = cache ? rs_cache_shared(cache) : NULL;

    if (local) {
        rs_local_stats_t stats = rs_local_stats(local);
        number(page, "", "LocalEntries", stats.entries);
        number(page, "", "LocalInactive", stats.negatives);
        number(page, "", "LocalBytes", stats.bytes);
        number(page, "", "LocalEvictions", stats.evictions);
    }
    line(page, "", "SharedCache", shared ? shared->name : "none");
    if (shared)
        line(page, "", "SharedCacheState", shared->healthy(shared, now) ? "well" : "in trouble");
    if (runtime->services.marks)
        number(page, "", "Revocations", rs_marks_count(runtime->services.marks));
}

static void tell_connections(const page_t *page, const rs_runtime_t *runtime)
{
    rs_http_curl_state_t state;

    if (!runtime->services.http)
        return;
    state = rs_http_curl_state(runtime->services.http);
    number(page, "", "IssuerConnectionsBusy", state.busy);
    number(page, "", "IssuerConnectionsUsed", state.used);
    number(page, "", "IssuerConnectionsMax", state.max);
}

static int status_hook(request_rec *r, int flags)
{
    const rs_runtime_t *runtime = rs_server_config(r->server)->runtime;
    page_t page = { r, (flags & AP_STATUS_SHORT) != 0 };
    apr_time_t now = apr_time_now();
    int i;

    if (!runtime)
        return DECLINED;
    if (!page.brief)
        ap_rprintf(r, "<hr />\n<h2>mod_oauth2_rs in process %" APR_PID_T_FMT "</h2>\n<dl>\n",
                   getpid());
    else
        number(&page, "", "Process", (apr_uint64_t)getpid());
    for (i = 0; i < runtime->slots->nelts; i++)
        tell_provider(&page, APR_ARRAY_IDX(runtime->slots, i, rs_slot_t *), now);
    tell_caches(&page, runtime, now);
    tell_connections(&page, runtime);
    if (!page.brief)
        ap_rputs("</dl>\n", r);
    return OK;
}

int rs_status_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog, (void)ptemp;
    (void)pconf;
    APR_OPTIONAL_HOOK(ap, status_hook, status_hook, NULL, NULL, APR_HOOK_MIDDLE);
    return OK;
}
