/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Paths of sections, compared. */
#include "httpd/rs_sections.h"

#include <string.h>

/* The path that a section names, without slashes at its end; NULL: it is a pattern, or no path. */
static const char *path_of(const ap_directive_t *section, apr_pool_t *ptemp)
{
    const char *arguments = section->args;
    char *path = ap_getword_conf(ptemp, &arguments);
    apr_size_t len = strlen(path);

    while (len && (path[len - 1] == '>' || path[len - 1] == '/'))
        path[--len] = '\0';
    return (len && *path != '/') || strpbrk(path, "*?[") || strstr(path, "//") ? NULL : path;
}

static bool is_within(const char *inner, const char *outer)
{
    apr_size_t len = strlen(outer);

    return strncmp(inner, outer, len) == 0 && (!inner[len] || inner[len] == '/');
}

static bool are_apart(const ap_directive_t *a, const ap_directive_t *b, apr_pool_t *ptemp)
{
    const char *first = path_of(a, ptemp), *second = path_of(b, ptemp);

    return first && second && !is_within(first, second) && !is_within(second, first);
}

/* The innermost section of that kind around a directive; NULL: there is none. */
static const ap_directive_t *around(const ap_directive_t *at, const char *kind)
{
    for (at = at->parent; at && strcasecmp(at->directive, kind) != 0; at = at->parent)
        ;
    return at;
}

bool rs_sections_meet(const ap_directive_t *a, const ap_directive_t *b, apr_pool_t *ptemp)
{
    static const char *const kinds[] = { "<Location", "<Directory" };
    unsigned i;

    for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const ap_directive_t *first = around(a, kinds[i]), *second = around(b, kinds[i]);
        if (first && second && first != second && are_apart(first, second, ptemp))
            return false;
    }
    return true;
}
