/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The budgets of a renewal (plan/budget). What is spent is kept in the store, so that neither a restart nor a
 * crash gives it back: a new order is paid for before the CA is asked for it, a failed validation and a
 * certificate before the order that they are of is forgotten.
 */
#include <apr_hash.h>
#include <apr_strings.h>

#include "base/log.h"
#include "jobs/asked.h"
#include "jobs/renew.h"
#include "plan/budget.h"

#define OF_DOMAINS "budgets"
#define OF_CAS     "budgets-of-cas"

static const char *ca_url_of(const md_step *step)
{
    return ((const md_renewal *)step->data)->staged->ca_url;
}

static md_place of_domain(const md_step *step)
{
    return MD_PLACE(MD_GROUP_CLAIMS, OF_DOMAINS, step->domain->name);
}

/** Of a CA and a kind of account there (NULL: all). */
static md_place of_ca(const md_step *step, const char *kind)
{
    const char *url = ca_url_of(step), *text = apr_pstrcat(step->p, url, " ", kind, NULL);
    apr_ssize_t length = APR_HASH_KEY_STRING;

    return MD_PLACE(
        MD_GROUP_CLAIMS, OF_CAS,
        apr_psprintf(step->p, "%s-%08x", md_url_host(url, step->p), apr_hashfunc_default(text, &length)));
}

/** A damaged record is as good as none. */
static md_err *load(const md_step *step, md_place place, json_t **doc)
{
    md_err *err = md_store_load_json(step->core->store, place, step->p, doc);

    if (err && strcmp(err->type, "md:bad-file") != 0)
        return err;
    if (err)
        md_store_set_aside(step->core->store, place, md_err_text(err, step->p), step->p);
    if (err || !json_is_object(*doc))
        *doc = md_json_object(step->p);
    return NULL;
}

static md_err *save(const md_step *step, md_place place, const json_t *doc)
{
    const md_file file = { .value = md_bytes_of(md_json_text_of(doc, step->p)), .scratch = 1 };

    return md_store_save_scratch(step->core->store, place, &file, step->p);
}

/** What a domain has spent at the CA. */
static json_t *at_ca(json_t *doc, const char *ca_url)
{
    json_t *entry = json_object_get(doc, ca_url);

    if (!json_is_object(entry)) {
        entry = json_object();
        json_object_set_new(doc, ca_url, entry);
    }
    return entry;
}

/** Differs for different sets of names, whatever their order. */
static const char *mark_of_names(const md_step *step)
{
    const md_names *names = md_domain_order_names(step->domain, step->p);
    unsigned mark = (unsigned)names->nelts;

    for (int i = 0; i < names->nelts; ++i) {
        apr_ssize_t length = APR_HASH_KEY_STRING;

        mark += apr_hashfunc_default(MD_NAME(names, i), &length);
    }
    return apr_psprintf(step->p, "%08x", mark);
}

static apr_time_t spent_of(const md_step *step, const json_t *entry, const md_rate *rate, md_budget which)
{
    if (which == MD_BUDGET_SETS && !md_text_equal(md_json_text(entry, "names"), mark_of_names(step)))
        return 0;
    return md_json_date(entry, rate->key);
}

/** The rate that counts for the domain, by value; count 0: there is none. */
static md_err *rate_for(const md_step *step, md_budget which, md_rate *out)
{
    const md_rate *rate = md_budget_rate(&step->domain->policy, ca_url_of(step), which);
    md_due due = { .lifetime = 0 };

    *out = (md_rate){ .count = 0 };
    if (!rate)
        return NULL;
    if (which == MD_BUDGET_SETS)
        MD_TRY(md_core_due(step->core, step->domain, step->now, step->p, &due, NULL));
    *out = md_budget_within(rate, due.lifetime);
    return NULL;
}

/** People see what the CA says; they know what they do. */
static int is_by_hand(const md_step *step)
{
    return step->work->urged ||
           apr_time_from_sec(apr_time_sec(md_asked(step->core->store, step->domain->name, step->p))) >
               step->job->last_run;
}

static md_err *held_back(const md_step *step, const md_rate *rate, apr_time_t until)
{
    md_err *err =
        md_fail(step->p, MD_FAULT_LIMIT, "md:budget",
                "%s is left alone until %s, so as not to use up what it allows: %s within %s (MDCABudget)",
                md_ca_shown(ca_url_of(step), step->p), md_date_text(until, step->p), rate->of,
                md_duration_words(rate->period, step->p));

    err->not_before = until;
    return err;
}

/** Does one of the budgets of the domain hold it back? */
static md_err *ask_domain(const md_step *step)
{
    static const md_budget each[] = { MD_BUDGET_FAILURES, MD_BUDGET_SETS };
    json_t *doc, *entry;

    MD_TRY(load(step, of_domain(step), &doc));
    entry = at_ca(doc, ca_url_of(step));
    for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); ++i) {
        apr_time_t opens;
        md_rate rate;

        MD_TRY(rate_for(step, each[i], &rate));
        opens = rate.count ? md_budget_opens(&rate, spent_of(step, entry, &rate, each[i]), step->now) : 0;
        if (opens > step->now)
            return held_back(step, &rate, opens);
    }
    return NULL;
}

static void tell_of_orders(const md_step *step, const md_rate *rate)
{
    md_ca *gate = ((const md_renewal *)step->data)->gate;

    if (md_ca_tell_budget(gate, step->now))
        md_log(MD_LOG_NOTICE, 0,
               "new orders at %s go on one by one, so as not to use up what it allows: %s within %s "
               "(MDCABudget)",
               md_ca_shown(ca_url_of(step), step->p), rate->of, md_duration_words(rate->period, step->p));
}

md_next md_renew_pay_order(md_step *step)
{
    md_ca *gate = ((const md_renewal *)step->data)->gate;
    const int by_hand = is_by_hand(step);
    md_err *err = by_hand ? NULL : ask_domain(step);
    apr_time_t spent;
    md_place place;
    json_t *doc;
    md_rate rate;

    if (!err)
        err = rate_for(step, MD_BUDGET_ORDERS, &rate);
    if (err)
        return FAILED(err);
    if (!rate.count)
        return NEXT_STAGE;
    place = of_ca(step, md_ca_kind(gate));
    err = load(step, place, &doc);
    if (err)
        return FAILED(err);
    spent = md_json_date(doc, rate.key);
    if (!md_ca_pay_order(gate, &rate, by_hand, step->now, &spent)) {
        tell_of_orders(step, &rate);
        return STEP_ASIDE_UNTIL(spent);
    }
    md_json_set_date(doc, rate.key, spent);
    err = save(step, place, doc);
    return err ? FAILED(err) : NEXT_STAGE;
}

md_err *md_renew_pay(md_step *step, md_budget which)
{
    json_t *doc, *entry;
    md_rate rate;

    MD_TRY(rate_for(step, which, &rate));
    if (!rate.count)
        return NULL;
    MD_TRY(load(step, of_domain(step), &doc));
    entry = at_ca(doc, ca_url_of(step));
    md_json_set_date(entry, rate.key, md_budget_spend(&rate, spent_of(step, entry, &rate, which), step->now));
    if (which == MD_BUDGET_SETS)
        md_json_set_text(entry, "names", mark_of_names(step));
    return save(step, of_domain(step), doc);
}

md_err *md_renew_may_register(md_step *step)
{
    apr_time_t opens;
    json_t *doc;
    md_rate rate;

    MD_TRY(rate_for(step, MD_BUDGET_ACCOUNTS, &rate));
    if (!rate.count || is_by_hand(step))
        return NULL;
    MD_TRY(load(step, of_ca(step, NULL), &doc));
    opens = md_budget_opens(&rate, md_json_date(doc, rate.key), step->now);
    if (opens <= step->now)
        return NULL;
    md_ca_rest_orders(((const md_renewal *)step->data)->gate, opens); /* nobody else needs to ask */
    return held_back(step, &rate, opens);
}

md_err *md_renew_registered(md_step *step)
{
    md_place place = of_ca(step, NULL);
    json_t *doc;
    md_rate rate;

    MD_TRY(rate_for(step, MD_BUDGET_ACCOUNTS, &rate));
    if (!rate.count)
        return NULL;
    MD_TRY(load(step, place, &doc));
    md_json_set_date(doc, rate.key, md_budget_spend(&rate, md_json_date(doc, rate.key), step->now));
    return save(step, place, doc);
}
