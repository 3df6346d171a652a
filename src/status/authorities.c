/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts are read from the store, where children may read all but their keys.
 */
#include "status/authorities.h"

#include <apr_hash.h>
#include <apr_strings.h>

#include "acme/account.h"

enum { ACCOUNTS_MAX = 64 };

/** Where the domain gets its certificates. */
static const md_names *urls_of(const md_domain *domain, apr_pool_t *p)
{
    const md_names *configured = domain->policy.ca_urls.list;
    md_names *one;

    if (!domain->ca_url && configured && configured->nelts)
        return configured;
    one = md_names_make(p);
    md_names_add(one, domain->ca_url ? domain->ca_url : md_domain_ca_url(domain));
    return one;
}

static json_t *new_authority(const char *url, apr_pool_t *p)
{
    json_t *authority = md_json_object(p);

    md_json_set_text(authority, "name", md_ca_shown(url, p));
    md_json_set_text(authority, "url", url);
    return authority;
}

json_t *md_authorities_of(const md_domain *domain, apr_pool_t *p)
{
    const md_names *urls = urls_of(domain, p);
    json_t *list = md_own_json(p, json_array());

    for (int i = 0; i < urls->nelts; ++i)
        json_array_append(list, new_authority(MD_NAME(urls, i), p));
    return list;
}

/** The authorities found so far. */
typedef struct finding {
    json_t *list;
    apr_hash_t *by_url;
    apr_pool_t *p;
} finding;

static json_t *authority_at(const finding *found, const char *url)
{
    json_t *authority = apr_hash_get(found->by_url, url, APR_HASH_KEY_STRING);

    if (authority)
        return authority;
    authority = new_authority(url, found->p);
    md_json_set_int(authority, "domains", 0);
    md_json_set(authority, "accounts", json_array());
    json_array_append(found->list, authority);
    apr_hash_set(found->by_url, apr_pstrdup(found->p, url), APR_HASH_KEY_STRING, authority);
    return authority;
}

static void count_domain(const finding *found, const md_domain *domain)
{
    const md_names *urls = urls_of(domain, found->p);

    for (int i = 0; i < urls->nelts; ++i) {
        json_t *authority = authority_at(found, MD_NAME(urls, i));

        md_json_set_int(authority, "domains", md_json_int(authority, "domains", 0) + 1);
    }
}

/** An account that cannot be read is left out: who works with it says so in the log. */
static void add_account(const finding *found, const md_core *core, const char *id)
{
    md_account *account = NULL;
    json_t *doc = NULL, *shown;
    md_err *err =
        md_store_load_json(core->store, MD_PLACE(MD_GROUP_ACCOUNTS, id, MD_ACCOUNT_FILE), found->p, &doc);

    if (!err && doc)
        account = md_account_from_json(doc, found->p);
    if (!account)
        return;
    shown = json_object();
    md_json_set_text(shown, "id", id);
    md_json_set_text(shown, "url", account->url);
    md_json_set_text(shown, "status", account->status);
    md_json_set_names(shown, "contact", account->contacts);
    md_json_set_text(shown, "eab-kid", account->eab_kid);
    json_array_append_new(json_object_get(authority_at(found, account->ca_url), "accounts"), shown);
}

json_t *md_authorities_all(const md_core *core, apr_pool_t *p)
{
    finding found = { md_own_json(p, json_array()), apr_hash_make(p), p };
    md_names *ids = NULL;
    md_err *err = md_store_list(core->store, MD_GROUP_ACCOUNTS, NULL, p, &ids);

    for (int i = 0; i < core->plan->domains->nelts; ++i)
        count_domain(&found, MD_DOMAIN(core->plan, i));
    for (int i = 0; !err && ids && i < ids->nelts && i < ACCOUNTS_MAX; ++i)
        add_account(&found, core, MD_NAME(ids, i));
    return found.list;
}
