/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of names. Two entries tell everything about overlaps in constant time: names as written, and for
 * each name the parent that a wildcard would stand on.
 */
#include "plan/plan.h"

#include <apr_strings.h>
#include <string.h>

md_plan *md_plan_make(apr_pool_t *p)
{
    md_plan *plan = apr_pcalloc(p, sizeof(*plan));

    plan->domains = apr_array_make(p, 16, sizeof(md_domain *));
    plan->by_name = apr_hash_make(p);
    plan->by_parent = apr_hash_make(p);
    plan->by_domain = apr_hash_make(p);
    md_policy_defaults(&plan->policy, p);
    return plan;
}

/** "*.example.org" for "www.example.org", or NULL when no wildcard can match. */
static const char *wildcard_over(const char *name, char buffer[260])
{
    const char *dot = strchr(name, '.');

    if (md_is_wildcard(name) || !dot || dot == name || strlen(dot) > 255)
        return NULL;
    buffer[0] = '*';
    strcpy(buffer + 1, dot);
    return buffer;
}

static md_domain *lookup(apr_hash_t *hash, const char *key)
{
    return key ? apr_hash_get(hash, key, APR_HASH_KEY_STRING) : NULL;
}

/** A domain that shares `name`: by the same name, by its wildcard, or by a name that this wildcard would
 * match. */
static md_domain *find_overlap(const md_plan *plan, const char *name)
{
    char buffer[260];
    md_domain *found = lookup(plan->by_name, name);

    if (!found)
        found = lookup(plan->by_name, wildcard_over(name, buffer));
    if (!found && md_is_wildcard(name))
        found = lookup(plan->by_parent, name);
    return found;
}

static const char *place_text(const md_domain *domain, apr_pool_t *p)
{
    return domain->file ? apr_psprintf(p, "%s:%u", domain->file, domain->line) : "the store";
}

static md_err *overlap(const md_domain *domain, const md_domain *other, const char *name, apr_pool_t *p)
{
    return md_fail(p, MD_FAULT_CONFIG, "md:overlap",
                   "two Managed Domains have an overlap in domain '%s', first definition is %s in %s, second "
                   "is %s in %s",
                   name, other->name, place_text(other, p), domain->name, place_text(domain, p));
}

static void index_name(md_plan *plan, md_domain *domain, const char *name)
{
    apr_pool_t *p = apr_hash_pool_get(plan->by_name);
    char buffer[260];
    const char *parent = wildcard_over(name, buffer);

    if (!lookup(plan->by_name, name))
        apr_hash_set(plan->by_name, name, APR_HASH_KEY_STRING, domain);
    if (parent && !lookup(plan->by_parent, parent))
        apr_hash_set(plan->by_parent, apr_pstrdup(p, parent), APR_HASH_KEY_STRING, domain);
}

md_err *md_plan_add(md_plan *plan, md_domain *domain, int may_overlap, apr_pool_t *p)
{
    for (int i = 0; !may_overlap && i < domain->names->nelts; ++i) {
        md_domain *other = find_overlap(plan, MD_NAME(domain->names, i));

        if (other)
            return overlap(domain, other, MD_NAME(domain->names, i), p);
    }
    domain->index = plan->domains->nelts;
    APR_ARRAY_PUSH(plan->domains, md_domain *) = domain;
    apr_hash_set(plan->by_domain, domain->name, APR_HASH_KEY_STRING, domain);
    for (int i = 0; i < domain->names->nelts; ++i)
        index_name(plan, domain, MD_NAME(domain->names, i));
    return NULL;
}

md_err *md_plan_add_name(md_plan *plan, md_domain *domain, const char *name, apr_pool_t *p)
{
    apr_pool_t *keep = apr_hash_pool_get(plan->by_name);
    md_domain *other;

    if (md_domain_covers(domain, name))
        return NULL;
    name = md_lower(name, keep);
    other = find_overlap(plan, name);
    if (other && other != domain)
        return overlap(domain, other, name, p);
    md_names_add(domain->names, name);
    index_name(plan, domain, name);
    return NULL;
}

md_domain *md_plan_find(const md_plan *plan, const char *name)
{
    char buffer[260], lower[256];
    md_domain *found;
    size_t length = strlen(name);

    if (length >= sizeof(lower))
        return NULL;
    for (size_t i = 0; i <= length; ++i)
        lower[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i];
    found = lookup(plan->by_name, lower);
    return found ? found : lookup(plan->by_name, wildcard_over(lower, buffer));
}

md_domain *md_plan_named(const md_plan *plan, const char *domain_name)
{
    return lookup(plan->by_domain, domain_name);
}
