/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is not understood is refused: a query that is silently about something else misleads.
 */
#include "status/query.h"

#include <apr_strings.h>
#include <string.h>

enum { SHOWN_MAX = 60 };

static const char *set_condition(md_query *query, const char *value, apr_pool_t *p)
{
    md_names *known = md_names_make(p);

    query->condition = md_condition_named(value);
    if (query->condition >= 0)
        return NULL;
    for (int i = 0; i < MD_CONDITIONS; ++i)
        md_names_add(known, md_condition_names[i]);
    return apr_psprintf(p, "state is one of %s, not '%s'", md_names_join(known, ", ", p),
                        md_excerpt(md_bytes_of(value), SHOWN_MAX, p));
}

static const char *set_limit(md_query *query, const char *value, apr_pool_t *p)
{
    char *end;
    const apr_int64_t number = apr_strtoi64(value, &end, 10);

    if (!*value || *end || number < 1 || number > MD_QUERY_LIMIT)
        return apr_psprintf(p, "limit is a number from 1 to %d, not '%s'", MD_QUERY_LIMIT,
                            md_excerpt(md_bytes_of(value), SHOWN_MAX, p));
    query->limit = (int)number;
    return NULL;
}

const char *md_query_set(md_query *query, const char *name, const char *value, apr_pool_t *p)
{
    if (!strcmp(name, "state"))
        return set_condition(query, value, p);
    if (!strcmp(name, "limit"))
        return set_limit(query, value, p);
    if (strcmp(name, "after") != 0)
        return apr_psprintf(p, "'%s' is no parameter: there are state, limit and after",
                            md_excerpt(md_bytes_of(name), SHOWN_MAX, p));
    if (!*value)
        return "after is the name of a domain";
    query->after = md_lower(value, p);
    return NULL;
}
