/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every domain's entry as text, kept by each process, so that a question about thousands of domains costs
 * neither thousands of files nor the making of their texts. An entry is made anew when its glance has moved
 * or its time has come; a few of the oldest are with each question, for changes that nobody tells: those by
 * a2md, or by a server that shares the store.
 *
 * The parent fills it before it forks: children begin with its pages, and pay for those that change.
 */
#ifndef MD_STATUS_CACHE_H
#define MD_STATUS_CACHE_H

#include "status/query.h"
#include "status/status.h"

typedef struct md_cache md_cache;

/** Empty; for all threads of a process. `core` and its plan must live as long as `p`. */
md_cache *md_cache_make(const md_core *core, apr_pool_t *p);
/** Makes what is missing. */
void md_cache_fill(md_cache *cache);

/** What was found for a query. */
typedef struct md_found {
    md_bytes text;            /* entries, with a comma between; two steps indented */
    apr_array_header_t *each; /* of md_bytes, within `text` */
    md_summary summary;       /* of all domains */
    const char *next;         /* the last name, if there are more; or NULL */
    json_t *others;           /* staples of certificates that belong to no domain: an array */
    apr_uint64_t digest;      /* of `text` */
} md_found;
/** Everything is copied to `p`. */
void md_cache_find(md_cache *cache, const md_query *query, apr_pool_t *p, md_found *out);

/** The document as text, and a text that is another one when the document is. */
md_bytes md_cache_document(md_cache *cache, const md_query *query, apr_pool_t *p, const char **tag);
/** The same for a text of one's own. */
const char *md_cache_tag(md_bytes text, apr_pool_t *p);
/** When the domain's first certificate ends, 0 without any. */
apr_time_t md_cache_expires(md_cache *cache, const md_domain *domain);

#endif
