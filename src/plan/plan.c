/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of names. Two entries tell everything about overlaps in constant time: each name as written, and
 * for its parent who has names that a wildcard there would match.
 */
#include "plan/plan.h"

#include <apr_strings.h>
#include <string.h>

enum { NAME_MAX_BYTES = 253 };

/** Who has names just below a parent: one domain, and one that is not the first, if any. That is all a
 * wildcard's owner asks for. */
typedef struct below {
    md_domain *first, *other;
} below;

md_plan *md_plan_make(apr_pool_t *p)
{
    md_plan *plan = apr_pcalloc(p, sizeof(*plan));

    plan->domains = apr_array_make(p, 16, sizeof(md_domain *));
    plan->by_name = apr_hash_make(p);
    plan->below = apr_hash_make(p);
    plan->by_domain = apr_hash_make(p);
    md_policy_defaults(&plan->policy, p);
    return plan;
}

static void *lookup(apr_hash_t *hash, const char *key)
{
    return apr_hash_get(hash, key, APR_HASH_KEY_STRING);
}

/** ".example.org" of a name with at least one label in front; NULL for wildcards and single labels. */
static const char *parent_of(const char *name)
{
    const char *dot = strchr(name, '.');

    return dot && dot != name && dot[1] && !md_is_wildcard(name) ? dot : NULL;
}

/** The domain with the wildcard over `name`, which is lowercase. */
static md_domain *find_wildcard(const md_plan *plan, const char *name)
{
    char wildcard[NAME_MAX_BYTES + 2] = "*";
    const char *parent = parent_of(name);

    if (!parent || strlen(parent) > NAME_MAX_BYTES)
        return NULL;
    apr_cpystrn(wildcard + 1, parent, sizeof(wildcard) - 1);
    return lookup(plan->by_name, wildcard);
}

/** Another domain that a client could mean by a name of `domain`. */
static md_domain *find_rival(const md_plan *plan, const md_domain *domain, const char *name)
{
    md_domain *same = lookup(plan->by_name, name), *over = find_wildcard(plan, name);
    const below *under = md_is_wildcard(name) ? lookup(plan->below, name + 1) : NULL;

    if (same && same != domain)
        return same;
    if (over && over != domain)
        return over;
    if (!under)
        return NULL;
    return under->first != domain ? under->first : under->other;
}

static md_err *overlap(const md_domain *domain, const md_domain *rival, const char *name, apr_pool_t *p)
{
    return md_fail(p, MD_FAULT_CONFIG, "md:overlap",
                   "the name %s of the domain %s (%s) belongs to the domain %s (%s) as well; each name can "
                   "be in one domain only",
                   name, domain->name, md_domain_place(domain, p), rival->name, md_domain_place(rival, p));
}

static void note_below(md_plan *plan, md_domain *domain, const char *parent)
{
    below *under = lookup(plan->below, parent);

    if (!under) {
        under = apr_pcalloc(apr_hash_pool_get(plan->below), sizeof(*under));
        under->first = domain;
        apr_hash_set(plan->below, parent, APR_HASH_KEY_STRING, under);
    } else if (under->first != domain && !under->other) {
        under->other = domain;
    }
}

/** The first domain with a name keeps it. */
static void index_name(md_plan *plan, md_domain *domain, const char *name)
{
    const char *parent = parent_of(name);

    if (!lookup(plan->by_name, name))
        apr_hash_set(plan->by_name, name, APR_HASH_KEY_STRING, domain);
    if (parent)
        note_below(plan, domain, parent);
}

md_err *md_plan_add(md_plan *plan, md_domain *domain, int may_overlap, apr_pool_t *p)
{
    for (int i = 0; !may_overlap && i < domain->names->nelts; ++i) {
        md_domain *rival = find_rival(plan, domain, MD_NAME(domain->names, i));

        if (rival)
            return overlap(domain, rival, MD_NAME(domain->names, i), p);
    }
    domain->index = plan->domains->nelts;
    APR_ARRAY_PUSH(plan->domains, md_domain *) = domain;
    if (!lookup(plan->by_domain, domain->name))
        apr_hash_set(plan->by_domain, domain->name, APR_HASH_KEY_STRING, domain);
    for (int i = 0; i < domain->names->nelts; ++i)
        index_name(plan, domain, MD_NAME(domain->names, i));
    return NULL;
}

void md_plan_add_name(md_plan *plan, md_domain *domain, const char *name, apr_pool_t *p)
{
    md_domain *same, *over;

    name = md_lower(name, p);
    same = lookup(plan->by_name, name);
    over = find_wildcard(plan, name);
    if (same == domain || over == domain)
        return;
    if ((same || over) && md_domain_covers(domain, name))
        return;
    md_names_add(domain->names, name);
    index_name(plan, domain, name);
}

/** Lowercase into `out`; false when the name is too long to be one. */
static int lower_into(const char *name, char out[NAME_MAX_BYTES + 1])
{
    size_t length = strlen(name);

    if (length > NAME_MAX_BYTES)
        return 0;
    for (size_t i = 0; i <= length; ++i)
        out[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i];
    return 1;
}

md_domain *md_plan_find_exact(const md_plan *plan, const char *name)
{
    char lower[NAME_MAX_BYTES + 1];

    return lower_into(name, lower) ? lookup(plan->by_name, lower) : NULL;
}

md_domain *md_plan_find(const md_plan *plan, const char *name)
{
    char lower[NAME_MAX_BYTES + 1];
    md_domain *same;

    if (!lower_into(name, lower))
        return NULL;
    same = lookup(plan->by_name, lower);
    return same ? same : find_wildcard(plan, lower);
}

md_domain *md_plan_named(const md_plan *plan, const char *domain_name)
{
    return lookup(plan->by_domain, domain_name);
}
