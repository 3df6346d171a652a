/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All intent: the domains, checked and frozen, with an index from DNS name to domain. Made once per
 * configuration, then read-only for all threads. Everything here is linear in the number of names.
 */
#ifndef MD_PLAN_PLAN_H
#define MD_PLAN_PLAN_H

#include <apr_hash.h>
#include "plan/domain.h"

typedef struct md_plan {
    apr_array_header_t *domains; /* of md_domain * */
    md_policy policy;            /* global settings, defaults filled */
    int can_http, can_https;     /* reachable from outside, by listeners and MDPortMap */
    apr_hash_t *by_name;         /* lowercase DNS name (wildcards as written) -> md_domain * */
    apr_hash_t *below; /* ".example.org" -> who has names just below it, which *.example.org would match */
    apr_hash_t *by_domain; /* name of a domain -> md_domain * */
} md_plan;
#define MD_DOMAIN(plan, i) APR_ARRAY_IDX((plan)->domains, (i), md_domain *)

md_plan *md_plan_make(apr_pool_t *p);
/** Adds a domain, sets its index and indexes its names. A name that belongs to another domain already (also
 * by wildcard, either way round) is an "md:overlap" failure that names both places; the domain is not added
 * then. With `may_overlap` (MDMatchNames servernames) the first domain keeps the name and all is fine. */
MD_MUST md_err *md_plan_add(md_plan *plan, md_domain *domain, int may_overlap, apr_pool_t *p);
/** Adds a name to a domain of the plan (from a virtual host) unless one of its names or wildcards covers it
 * already. Where another domain has that name, too, it stays the one that is found by it. */
void md_plan_add_name(md_plan *plan, md_domain *domain, const char *name, apr_pool_t *p);
/** Domain that has this very name or a wildcard over it; NULL if none. Constant time. */
md_domain *md_plan_find(const md_plan *plan, const char *name);
/** Domain that has this very name, wildcards as written. */
md_domain *md_plan_find_exact(const md_plan *plan, const char *name);
/** By domain name. */
md_domain *md_plan_named(const md_plan *plan, const char *domain_name);

#endif
