/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Providers: how they begin, how they are, how they end. */
#include "provider/rs_matter.h"

static apr_status_t create_introspection(rs_provider_t *made, const char **why, apr_pool_t *p)
{
    rs_introspection_parts_t parts = { made->metadata, made->keys, made->decryption,
                                       made->services };

    return rs_introspection_create(&made->introspection, made->spec, &parts, why, p);
}

apr_status_t rs_provider_create(rs_provider_t **provider, const rs_provider_spec_t *spec,
                                const rs_services_t *services, apr_time_t now, const char **why,
                                apr_pool_t *p)
{
    rs_provider_t *made = apr_pcalloc(p, sizeof *made);
    apr_status_t status;

    *why = NULL;
    made->spec = spec;
    made->services = services;
    rs_provider_spec_fingerprint(spec, &made->fingerprint, p);
    made->waiting = rs_waiting_create(spec, services, p);
    status = rs_metadata_create(&made->metadata, spec, services, p);
    if (status == APR_SUCCESS)
        status = rs_keys_create(&made->keys, spec, made->metadata, made->waiting, services, p);
    if (status == APR_SUCCESS)
        status = rs_keys_load_files(made->keys, now, why, p);
    if (status == APR_SUCCESS && spec->keys.decryption_files->nelts)
        status = rs_decryption_create(&made->decryption, spec, services, now, why, p);
    if (status == APR_SUCCESS && rs_provider_spec_introspects(spec))
        status = create_introspection(made, why, p);
    if (status != APR_SUCCESS) {
        if (!*why)
            *why = "there is no memory or no lock for it";
        return status;
    }
    atomic_store(&made->keys_wanted,
                 rs_provider_spec_judges_jwts(spec) && !rs_provider_spec_introspects(spec));
    *provider = made;
    return APR_SUCCESS;
}

const rs_provider_spec_t *rs_provider_spec(const rs_provider_t *provider)
{
    return provider->spec;
}

rs_provider_state_t rs_provider_state(const rs_provider_t *provider, apr_time_t now)
{
    rs_provider_state_t state = { .keys = rs_keys_state(provider->keys),
                                  .waiting = rs_waiting_count(provider->waiting, now),
                                  .introspects = provider->introspection != NULL };

    if (state.introspects)
        state.introspection = rs_introspection_state(provider->introspection, now);
    return state;
}

void rs_provider_tend(rs_provider_t *provider, apr_time_t now, apr_pool_t *ptemp)
{
    /* Where tokens may all be opaque, the issuer need not have keys. */
    if (atomic_load(&provider->keys_wanted))
        rs_keys_tend(provider->keys, now, ptemp);
}

void rs_provider_forget(rs_provider_t *provider)
{
    rs_keys_forget(provider->keys);
    if (provider->decryption)
        rs_decryption_forget(provider->decryption);
    if (provider->introspection)
        rs_introspection_forget(provider->introspection);
}
