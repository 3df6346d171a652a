/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which domains somebody asks for.
 */
#ifndef MD_STATUS_QUERY_H
#define MD_STATUS_QUERY_H

#include "status/judge.h"

#define MD_QUERY_LIMIT 100000

typedef struct md_query {
    int condition;     /* md_condition; -1: any */
    int limit;         /* 0: all */
    const char *after; /* only names behind this one, or NULL */
} md_query;
#define MD_QUERY_ALL ((md_query){ .condition = -1 })

/** Takes one parameter. NULL if fine, else a sentence about what is wrong with it. `value` is kept. */
const char *md_query_set(md_query *query, const char *name, const char *value, apr_pool_t *p);

#endif
