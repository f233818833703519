/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Vocabularies, times, counts. */
#include "httpd/rs_words.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define WORD_BYTES_MAX 63
#define NEAR_EDITS_MAX 3

static unsigned smallest(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

/* Edits from one word to the other: a letter more, less or another one; two rows of the usual
 * table. */
static unsigned edits(const char *a, const char *b)
{
    unsigned rows[2][WORD_BYTES_MAX + 1], i, j;
    size_t a_len = strlen(a), b_len = strlen(b);

    if (a_len > WORD_BYTES_MAX || b_len > WORD_BYTES_MAX)
        return WORD_BYTES_MAX;
    for (j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (i = 1; i <= a_len; i++) {
        unsigned *above = rows[(i - 1) & 1], *row = rows[i & 1];
        row[0] = i;
        for (j = 1; j <= b_len; j++)
            row[j] = smallest(above[j] + 1, row[j - 1] + 1,
                              above[j - 1] + (apr_tolower(a[i - 1]) != apr_tolower(b[j - 1])));
    }
    return rows[a_len & 1][b_len];
}

const char *rs_word_nearest(const char *written, const char *const *words, apr_pool_t *p)
{
    const char *nearest = NULL;
    unsigned least = NEAR_EDITS_MAX + 1;

    (void)p;
    for (; *words; words++) {
        unsigned distance = edits(written, *words);
        if (distance < least && distance * 2 <= strlen(*words)) {
            least = distance;
            nearest = *words;
        }
    }
    return nearest;
}

const char *rs_word_find(int *value, const rs_word_t *words, const char *written, apr_pool_t *p)
{
    const char *choices = "", *nearest, *list[32];
    unsigned count = 0;
    const rs_word_t *word;

    for (word = words; word->word; word++)
        if (strcasecmp(word->word, written) == 0) {
            *value = word->value;
            return NULL;
        }
    for (word = words; word->word && count < 31; word++) {
        list[count++] = word->word;
        choices = apr_pstrcat(p, choices,
                              word == words  ? ""
                              : word[1].word ? ", "
                                             : " or ",
                              word->word, NULL);
    }
    list[count] = NULL;
    nearest = rs_word_nearest(written, list, p);
    return apr_psprintf(p, "unknown word \"%s\": write %s%s%s%s", written, choices,
                        nearest ? " (did you mean \"" : "", nearest ? nearest : "",
                        nearest ? "\"?)" : "");
}

static const struct {
    const char *unit;
    apr_interval_time_t length;
} units[] = {
    { "", APR_USEC_PER_SEC },          { "ms", APR_USEC_PER_SEC / 1000 },
    { "s", APR_USEC_PER_SEC },         { "m", 60 * APR_USEC_PER_SEC },
    { "min", 60 * APR_USEC_PER_SEC },  { "h", 3600 * APR_USEC_PER_SEC },
    { "d", 86400 * APR_USEC_PER_SEC },
};

const char *rs_time_parse(apr_interval_time_t *time, const char *written, apr_interval_time_t max,
                          apr_pool_t *p)
{
    char *end;
    apr_int64_t number;
    unsigned i;

    if (!apr_isdigit(*written))
        return apr_psprintf(
            p, "\"%s\" is not a time: write a number and ms, s, m, h or d, as in 30s", written);
    errno = 0;
    number = apr_strtoi64(written, &end, 10);
    for (i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcasecmp(units[i].unit, end) != 0)
            continue;
        if (errno || number > max / units[i].length)
            return apr_psprintf(p, "\"%s\" is too long: at most %" APR_INT64_T_FMT "s", written,
                                (apr_int64_t)apr_time_sec(max));
        *time = number * units[i].length;
        return NULL;
    }
    return apr_psprintf(p, "\"%s\" has an unknown unit: write ms, s, m, h or d, as in 30s",
                        written);
}

const char *rs_count_parse(unsigned *count, const char *written, unsigned min, unsigned max,
                           apr_pool_t *p)
{
    char *end;
    apr_int64_t number;

    errno = 0;
    number = apr_strtoi64(written, &end, 10);
    if (!apr_isdigit(*written) || *end || errno || number < min || number > max)
        return apr_psprintf(p, "\"%s\" is not a number from %u to %u", written, min, max);
    *count = (unsigned)number;
    return NULL;
}
