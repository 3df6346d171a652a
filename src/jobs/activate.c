/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Activation. From STAGING come: keys and chains, after every check that can be made; the account, likewise;
 * which of the configured CAs was used; and the job's record, read member by member. Nothing else of what
 * lies there has any effect.
 *
 * The order makes it safe to be killed anywhere: account, LIVE, DOMAINS, leftovers, STAGING. A set that
 * DOMAINS has already is not archived twice.
 */
#include "jobs/activate.h"

#include <apr_strings.h>
#include <string.h>

#include "acme/account.h"
#include "acme/solver.h"
#include "base/log.h"
#include "ocsp/staple.h"
#include "plan/due.h"
#include "store/creds.h"

#define CLOCKS_DIFFER apr_time_from_sec(24 * 3600)

/** One domain's activation. */
typedef struct moving {
    md_store *store;
    const md_domain *domain;
    apr_time_t now;
    const apr_array_header_t *creds;
    int lacks_names;     /* of those that the domain has by now */
    const char *account; /* folder of the account that was moved, or NULL */
} moving;

md_err *md_facts_check_times(const md_cert_facts *facts, apr_time_t now, apr_pool_t *p)
{
    if (facts->valid.until <= now)
        return md_fail(p, MD_FAULT_REMOTE, "md:bad-certificate", "it expired on %s",
                       md_date_text(facts->valid.until, p));
    if (facts->valid.from > now + CLOCKS_DIFFER)
        return md_fail(p, MD_FAULT_REMOTE, "md:bad-certificate",
                       "it is valid from %s on, which is far in the future",
                       md_date_text(facts->valid.from, p));
    return NULL;
}

/** Whatever names it has. */
static md_err *check(const md_creds *creds, apr_time_t now, apr_pool_t *p)
{
    MD_TRY(md_chain_check_links(creds->chain, p));
    return md_facts_check_times(&creds->facts, now, p);
}

static md_err *bad(const md_err *why, md_group group, const md_domain *domain, const md_key_spec *spec,
                   apr_pool_t *p)
{
    md_err *err = md_wrap(p, why, "%s/%s/%s cannot be used", md_groups[group].dir, domain->name,
                          md_key_spec_file(spec, "pubcert", p));

    err->type = "md:bad-certificate";
    return err;
}

static md_err *has_intent(md_store *store, const md_domain *domain, apr_pool_t *p, int *has)
{
    md_bytes text;

    MD_TRY(md_store_load(store, MD_PLACE(MD_GROUP_STAGING, domain->name, "md.json"), p, &text));
    *has = text.data != NULL;
    return NULL;
}

/** The complete set of a group, with whatever names. Incomplete: *creds NULL. */
static md_err *load_set(md_store *store, md_group group, const md_domain *domain, apr_time_t now,
                        apr_pool_t *p, apr_array_header_t **creds)
{
    const md_key_specs *specs = domain->policy.keys;
    apr_array_header_t *found = apr_array_make(p, specs->nelts, sizeof(md_creds *));
    int has = 1;

    *creds = NULL;
    if (group == MD_GROUP_STAGING)
        MD_TRY(has_intent(store, domain, p, &has));
    for (int i = 0; has && i < specs->nelts; ++i) {
        md_creds *each;
        md_err *why;

        MD_TRY(md_creds_load(store, group, domain->name, MD_SPEC(specs, i), p, &each));
        if (!each)
            return NULL;
        why = check(each, now, p);
        if (why)
            return bad(why, group, domain, MD_SPEC(specs, i), p);
        APR_ARRAY_PUSH(found, md_creds *) = each;
    }
    *creds = has && specs->nelts ? found : NULL;
    return NULL;
}

/** The first that lacks a name of the domain is the failure. */
static md_err *check_names(const apr_array_header_t *creds, md_group group, const md_domain *domain,
                           apr_pool_t *p)
{
    for (int i = 0; i < creds->nelts; ++i) {
        const md_creds *each = APR_ARRAY_IDX(creds, i, const md_creds *);
        md_err *why = md_facts_check_names(&each->facts, domain->names, p);

        if (why)
            return bad(why, group, domain, each->spec, p);
    }
    return NULL;
}

md_err *md_staged_load(md_store *store, md_group group, const md_domain *domain, apr_time_t now,
                       apr_pool_t *p, apr_array_header_t **creds)
{
    md_err *err = load_set(store, group, domain, now, p, creds);

    if (!err && *creds)
        err = check_names(*creds, group, domain, p);
    if (err)
        *creds = NULL;
    return err;
}

static md_err *add_creds(const moving *move, md_group group, apr_array_header_t *files, apr_pool_t *p)
{
    for (int i = 0; i < move->creds->nelts; ++i)
        MD_TRY(
            md_creds_to_files(move->store, group, APR_ARRAY_IDX(move->creds, i, const md_creds *), files, p));
    return NULL;
}

static md_err *publish_copy(const moving *move, apr_pool_t *p)
{
    apr_array_header_t *files = apr_array_make(p, 4, sizeof(md_file));

    MD_TRY(add_creds(move, MD_GROUP_LIVE, files, p));
    return md_store_save_set(move->store, MD_GROUP_LIVE, move->domain->name, files, 0, p);
}

/** Is this very set in DOMAINS already? Then somebody was killed between moving and cleaning up. */
static int is_moved(const moving *move, apr_pool_t *p)
{
    for (int i = 0; i < move->creds->nelts; ++i) {
        const md_creds *staged = APR_ARRAY_IDX(move->creds, i, const md_creds *);
        md_creds *live;

        if (md_creds_load(move->store, MD_GROUP_DOMAINS, move->domain->name, staged->spec, p, &live) ||
            !live || strcmp(live->facts.sha256, staged->facts.sha256) != 0)
            return 0;
    }
    return 1;
}

/** The staged word on which CA was used counts if it is one of ours. */
static const char *used_ca(const moving *move, const json_t *staged, apr_pool_t *p)
{
    const md_names *urls = move->domain->policy.ca_urls.list;
    const char *url = staged ? md_json_text(staged, "ca.url") : NULL;

    for (int i = 0; url && urls && i < urls->nelts; ++i)
        if (!strcmp(MD_NAME(urls, i), url))
            return apr_pstrdup(p, url);
    return md_domain_ca_url(move->domain);
}

/** The account for the next renewal: the one just moved, else the one the staged md.json or the domain names,
 * if it exists. */
static const char *used_account(const moving *move, const json_t *staged, apr_pool_t *p)
{
    const char *id = staged ? md_json_text(staged, "ca.account") : NULL;
    md_bytes record;

    if (move->account)
        return md_account_public_id(move->account);
    if (!id)
        id = move->domain->ca_account;
    if (!id || md_store_load(move->store, MD_PLACE(MD_GROUP_ACCOUNTS, id, "account.json"), p, &record) ||
        !record.data)
        return NULL;
    return apr_pstrdup(p, id);
}

static md_err *find_account(const moving *move, md_domain *as, apr_pool_t *p)
{
    const md_binding *binding = as->ca_url ? md_policy_binding(&as->policy, as->ca_url) : NULL;
    md_account_wish wish = { .ca_url = as->ca_url };
    md_account *account;

    if (as->ca_account)
        return NULL;
    wish.key = as->policy.account_key.account_key;
    if (binding) {
        wish.eab_kid = binding->kid;
        wish.eab_hmac = binding->hmac;
    }
    MD_TRY(md_account_find(move->store, &wish, p, &account));
    if (account && account->group == MD_GROUP_ACCOUNTS)
        as->ca_account = md_account_public_id(account->name);
    return NULL;
}

/** md.json is made from the configuration; the record is what could be understood of it. */
static md_err *add_records(const moving *move, apr_array_header_t *files, apr_pool_t *p)
{
    const md_state state = move->lacks_names ? MD_STATE_INCOMPLETE : MD_STATE_COMPLETE;
    md_domain as = *move->domain;
    json_t *staged = NULL;
    md_job *job;
    md_err *err;

    err = md_store_load_json(move->store, MD_PLACE(MD_GROUP_STAGING, as.name, "md.json"), p, &staged);
    if (err && strcmp(err->type, "md:bad-file") != 0)
        return err;
    as.ca_url = used_ca(move, err ? NULL : staged, p);
    as.ca_account = used_account(move, err ? NULL : staged, p);
    MD_TRY(find_account(move, &as, p));
    MD_TRY(md_job_load(move->store, MD_GROUP_STAGING, as.name, p, &job));
    APR_ARRAY_PUSH(files, md_file) =
        (md_file){ .file = "md.json",
                   .value = md_bytes_of(md_json_text_of(md_domain_to_json(&as, (int)state, p), p)) };
    APR_ARRAY_PUSH(files, md_file) =
        (md_file){ .file = "job.json", .value = md_bytes_of(md_json_text_of(md_job_to_json(job, p), p)) };
    return NULL;
}

static md_err *save(const moving *move, apr_pool_t *p)
{
    apr_array_header_t *files = apr_array_make(p, 6, sizeof(md_file));

    MD_TRY(add_records(move, files, p));
    MD_TRY(add_creds(move, MD_GROUP_DOMAINS, files, p));
    return md_store_save_set(move->store, MD_GROUP_DOMAINS, move->domain->name, files, 1, p);
}

/** The order's setups are believed for names of this domain only. */
static md_err *clean_up(const moving *move, apr_pool_t *p)
{
    const char *name = move->domain->name;
    md_names *ours = md_names_make(p);
    md_order *order;

    MD_TRY(md_order_load(move->store, name, p, &order));
    for (int i = 0; order && i < order->setups->nelts; ++i) {
        const char *rest = strchr(MD_NAME(order->setups, i), ':');

        if (rest && md_domain_covers(move->domain, apr_pstrndup(p, rest + 1, strcspn(rest + 1, " "))))
            md_names_add(ours, MD_NAME(order->setups, i));
    }
    md_solver_take_all(&(md_unsolve){ .store = move->store, .domain = move->domain }, ours, p);
    MD_TRY(md_store_drop(move->store, MD_PLACE(MD_GROUP_CHALLENGES, name, NULL), p));
    return md_store_drop(move->store, MD_PLACE(MD_GROUP_STAGING, name, NULL), p);
}

/** Does every certificate that is live cover all names of the domain? */
static int live_covers_all(const moving *move, apr_pool_t *p)
{
    const md_key_specs *specs = move->domain->policy.keys;

    for (int i = 0; i < specs->nelts; ++i) {
        md_cert_facts *live;

        if (md_creds_load_facts(move->store, MD_GROUP_DOMAINS, move->domain->name, MD_SPEC(specs, i), p,
                                &live) ||
            !live || md_facts_check_names(live, move->domain->names, p))
            return 0;
    }
    return 1;
}

/** Is every certificate that is live within its time? */
static int live_is_good(const moving *move, apr_pool_t *p)
{
    const md_key_specs *specs = move->domain->policy.keys;

    for (int i = 0; i < specs->nelts; ++i) {
        md_cert_facts *live;

        if (md_creds_load_facts(move->store, MD_GROUP_DOMAINS, move->domain->name, MD_SPEC(specs, i), p,
                                &live) ||
            !live || !md_period_has(live->valid, move->now))
            return 0;
    }
    return 1;
}

/** Does the set have any name of the domain at all? */
static int has_some_name(const moving *move, const apr_array_header_t *creds)
{
    const md_cert_facts *first = &APR_ARRAY_IDX(creds, 0, const md_creds *)->facts;

    for (int i = 0; i < first->names->nelts; ++i)
        if (md_domain_covers(move->domain, MD_NAME(first->names, i)))
            return 1;
    return 0;
}

/** The configuration may have got more names since the set was ordered. It is used until the next one is
 * there, unless what is live has them all. */
static md_err *load_staged(moving *move, apr_pool_t *p, apr_array_header_t **creds)
{
    md_err *why;

    MD_TRY(load_set(move->store, MD_GROUP_STAGING, move->domain, move->now, p, creds));
    why = *creds ? check_names(*creds, MD_GROUP_STAGING, move->domain, p) : NULL;
    move->lacks_names = why != NULL;
    return why && (live_covers_all(move, p) || !has_some_name(move, *creds)) ? why : NULL;
}

/** Is it the set's own fault that it cannot be used? */
static int is_unusable(const md_err *err)
{
    return !strcmp(err->type, "md:bad-file") || !strcmp(err->type, "md:bad-certificate");
}

/** MDActivationDelay: a set that waits while what is live is good. The record says until when, the setting
 * says whether it counts. */
static md_err *is_early(const moving *move, apr_pool_t *p, int *early)
{
    md_job *job;

    *early = 0;
    if (move->domain->policy.activation_delay <= 0)
        return NULL;
    MD_TRY(md_job_load(move->store, MD_GROUP_STAGING, move->domain->name, p, &job));
    *early = job->ready_at > move->now && job->ready_at - move->now <= move->domain->policy.activation_delay;
    return NULL;
}

/** A certificate that must be stapled waits for its first response while what is live is good. */
static md_err *lacks_staple(const moving *move, const apr_array_header_t *creds, apr_pool_t *p, int *lacks)
{
    *lacks = 0;
    if (!move->domain->policy.stapling || !live_is_good(move, p))
        return NULL;
    for (int i = 0; i < creds->nelts && !*lacks; ++i) {
        const md_cert_facts *facts = &APR_ARRAY_IDX(creds, i, const md_creds *)->facts;
        md_staple *staple;

        if (!facts->must_staple || !facts->ocsp_uri)
            continue;
        MD_TRY(md_staple_load(move->store, move->domain->name, facts->sha1, p, &staple));
        *lacks = !staple || staple->valid.until <= move->now;
    }
    return NULL;
}

static md_err *move_set(moving *move, int publish, apr_pool_t *p, md_activation *outcome)
{
    apr_array_header_t *creds;
    md_err *err = load_staged(move, p, &creds);
    int early, lacks = 0;

    if (err) {
        if (is_unusable(err))
            MD_TRY(clean_up(move, p));
        return err;
    }
    if (!creds) {
        int has;

        MD_TRY(has_intent(move->store, move->domain, p, &has));
        *outcome = has ? MD_ACTIVATION_INCOMPLETE : MD_ACTIVATION_NOTHING;
        return NULL;
    }
    MD_TRY(is_early(move, p, &early));
    if (!early && !publish)
        MD_TRY(lacks_staple(move, creds, p, &lacks));
    if (early || lacks) {
        *outcome = MD_ACTIVATION_INCOMPLETE;
        return NULL;
    }
    move->creds = creds;
    if (publish)
        MD_TRY(publish_copy(move, p));
    if (!is_moved(move, p))
        MD_TRY(save(move, p));
    MD_TRY(clean_up(move, p));
    *outcome = MD_ACTIVATION_DONE;
    return NULL;
}

/** A set goes live also when its account cannot be moved: the job goes on with it in staging, or makes
 * another one. */
static md_err *move_account(moving *move, apr_pool_t *p)
{
    md_err *err = md_account_promote(move->store, move->domain->name, p, &move->account);

    if (err && is_unusable(err)) {
        md_log_err(
            MD_LOG_WARN, 0, move->domain->name, "moving its account", err,
            "The new account cannot be kept, and another one is made next time. %s:", md_err_advice(err));
        err = NULL;
    }
    return err;
}

md_err *md_activate(md_store *store, const md_domain *domain, int publish, apr_time_t now, apr_pool_t *p,
                    md_activation *outcome)
{
    moving move = { .store = store, .domain = domain, .now = now };
    md_claim *claim;
    md_err *err;

    *outcome = MD_ACTIVATION_NOTHING;
    MD_TRY(md_store_claim(store, apr_pstrcat(p, "renew/", domain->name, NULL), p, &claim));
    if (!claim && publish) {
        *outcome = MD_ACTIVATION_BUSY;
        return NULL;
    }
    err = move_account(
        &move, p); /* at a start, a step of a server that ends is not waited for: it only looks by now */
    if (!err)
        err = move_set(&move, publish, p, outcome);
    md_store_release(store, claim);
    return err;
}
