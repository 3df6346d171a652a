/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names go through the index of the plan. An alias like *.example.org asks the other way round, which names
 * it matches: for these there is an index of what names end with, made when the first such alias comes.
 */
#include "httpd/match.h"

#include <apr_hash.h>
#include <string.h>

struct md_match {
    const md_plan *plan;
    apr_pool_t *p;
    apr_hash_t *by_ending; /* ".example.org" -> array of md_domain * with names that end so, or NULL */
};

md_match *md_match_make(const md_plan *plan, apr_pool_t *p)
{
    md_match *match = apr_pcalloc(p, sizeof(*match));

    match->plan = plan;
    match->p = p;
    return match;
}

static void add(apr_array_header_t *domains, md_domain *domain)
{
    for (int i = 0; i < domains->nelts; ++i)
        if (APR_ARRAY_IDX(domains, i, md_domain *) == domain)
            return;
    if (domain)
        APR_ARRAY_PUSH(domains, md_domain *) = domain;
}

/** A domain's names come one after the other, so looking at the last one is enough to have it once. */
static void add_ending(md_match *match, const char *ending, md_domain *domain)
{
    apr_array_header_t *domains = apr_hash_get(match->by_ending, ending, APR_HASH_KEY_STRING);

    if (!domains) {
        domains = apr_array_make(match->p, 1, sizeof(md_domain *));
        apr_hash_set(match->by_ending, ending, APR_HASH_KEY_STRING, domains);
    }
    if (!domains->nelts || APR_ARRAY_IDX(domains, domains->nelts - 1, md_domain *) != domain)
        APR_ARRAY_PUSH(domains, md_domain *) = domain;
}

static void add_endings(md_match *match, const char *name, md_domain *domain)
{
    for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.'))
        add_ending(match, dot, domain);
}

static void index_endings(md_match *match)
{
    match->by_ending = apr_hash_make(match->p);
    for (int i = 0; i < match->plan->domains->nelts; ++i) {
        md_domain *domain = MD_DOMAIN(match->plan, i);

        for (int k = 0; k < domain->names->nelts; ++k)
            add_endings(match, MD_NAME(domain->names, k), domain);
    }
}

static int has_match(const md_domain *domain, const char *pattern)
{
    for (int i = 0; i < domain->names->nelts; ++i)
        if (!ap_strcasecmp_match(MD_NAME(domain->names, i), pattern))
            return 1;
    return 0;
}

/** Looks at all names: only for aliases like www?.example.org, which nobody has many of. */
static void add_by_pattern(const md_match *match, const char *pattern, apr_array_header_t *domains)
{
    for (int i = 0; i < match->plan->domains->nelts; ++i)
        if (has_match(MD_DOMAIN(match->plan, i), pattern))
            add(domains, MD_DOMAIN(match->plan, i));
}

/** In an alias, '*' stands for one label or more. */
static void add_by_wildcard(md_match *match, const char *alias, apr_array_header_t *domains)
{
    const apr_array_header_t *found;

    if (!md_is_wildcard(alias) || strpbrk(alias + 1, "*?")) {
        add_by_pattern(match, alias, domains);
        return;
    }
    if (!match->by_ending)
        index_endings(match);
    found = apr_hash_get(match->by_ending, md_lower(alias + 1, match->p), APR_HASH_KEY_STRING);
    for (int i = 0; found && i < found->nelts; ++i)
        add(domains, APR_ARRAY_IDX(found, i, md_domain *));
}

/** Addresses may be written in several ways. */
static md_domain *find_exact(const md_match *match, const char *name)
{
    return md_plan_find_exact(match->plan, md_is_address(name) ? md_name_text(name, match->p) : name);
}

static void add_by_aliases(md_match *match, const server_rec *server, apr_array_header_t *domains)
{
    for (const server_addr_rec *at = server->addrs; at; at = at->next)
        if (at->virthost)
            add(domains, find_exact(match, at->virthost));
    for (int i = 0; server->names && i < server->names->nelts; ++i)
        add(domains, find_exact(match, MD_NAME(server->names, i)));
    for (int i = 0; server->wild_names && i < server->wild_names->nelts; ++i)
        add_by_wildcard(match, MD_NAME(server->wild_names, i), domains);
}

apr_array_header_t *md_match_server(md_match *match, const server_rec *server, apr_pool_t *p)
{
    apr_array_header_t *domains = apr_array_make(p, 1, sizeof(md_domain *));

    if (server->server_hostname)
        add(domains, md_plan_find(match->plan, server->server_hostname));
    if (match->plan->policy.match_names == MD_MATCH_ALL)
        add_by_aliases(match, server, domains);
    return domains;
}
