/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a renewal ends: the certificate is checked before it is believed, the set is staged, told about, and
 * proved to be served.
 */
#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "jobs/activate.h"
#include "jobs/asked.h"
#include "jobs/renew.h"

#define PROVE_AFTER apr_time_from_msec(2500)
#define PROVE_PAUSE apr_time_from_msec(1500)
enum { PROVE_TRIES = 3 }; /* all of them before the parent moves the set: MD_PROMOTE_AGE */
_Static_assert(PROVE_TRIES * 1500 + 2500 < 8000, "the record must still be in staging");

static md_err *check_names(const md_step *step, const md_cert_facts *facts)
{
    md_names *ordered = md_domain_order_names(step->domain, step->p);

    MD_TRY(md_facts_check_names(facts, ordered, step->p));
    for (int i = 0; i < facts->names->nelts; ++i)
        if (!md_names_has(ordered, MD_NAME(facts->names, i)))
            return md_fail(step->p, MD_FAULT_REMOTE, "md:bad-certificate",
                           "it has the name %s, which was not ordered",
                           md_excerpt(md_bytes_of(MD_NAME(facts->names, i)), 80, step->p));
    return NULL;
}

static md_err *check_all(const md_step *step, const md_chain *chain, const md_key *key, md_cert_facts *facts)
{
    MD_TRY(md_chain_facts(chain, step->p, facts));
    MD_TRY(md_chain_check_key(chain, key, step->p));
    MD_TRY(check_names(step, facts));
    MD_TRY(md_chain_check_links(chain, step->p));
    MD_TRY(md_facts_check_times(facts, step->now, step->p));
    if (facts->must_staple != step->domain->policy.must_staple)
        return md_fail(step->p, MD_FAULT_CONFIG, "md:bad-certificate",
                       "it %s the must-staple extension, MDMustStaple is %s",
                       facts->must_staple ? "has" : "lacks", facts->must_staple ? "off" : "on");
    return NULL;
}

/** Is this what was ordered: our key, the names, a chain that fits, plausible times? "md:bad-certificate"
 * otherwise. */
static md_err *check_creds(const md_step *step, md_creds *creds)
{
    md_err *why = check_all(step, creds->chain, creds->key, &creds->facts), *err;

    if (!why)
        return NULL;
    err = md_wrap(step->p, why, "the certificate that the CA sent is not accepted");
    err->type = "md:bad-certificate";
    if (err->fault != MD_FAULT_CONFIG)
        err->fault = MD_FAULT_REMOTE;
    return err;
}

static md_err *drop_chain(md_step *step, const md_key_spec *spec, const md_err *why)
{
    const char *file = md_key_spec_file(spec, "pubcert", step->p);

    md_log(MD_LOG_INFO, 0, "%s: the staged %s cannot be used (%s) and is obtained anew", step->domain->name,
           file, md_err_text(why, step->p));
    return md_store_drop(step->core->store, MD_PLACE(MD_GROUP_STAGING, step->domain->name, file), step->p);
}

/** *done: there is a chain for this key spec, and it can be used. Without a chain the key is not looked at:
 * decrypting takes a while. */
static md_err *look_at(md_step *step, const md_key_spec *spec, int *done)
{
    const md_err *bad;
    md_cert_facts *facts;
    md_creds *creds = NULL;
    md_err *err =
        md_creds_load_facts(step->core->store, MD_GROUP_STAGING, step->domain->name, spec, step->p, &facts);

    *done = 0;
    if (!err && !facts)
        return NULL;
    if (!err)
        err = md_creds_load(step->core->store, MD_GROUP_STAGING, step->domain->name, spec, step->p, &creds);
    if (err && strcmp(err->type, "md:bad-file") != 0)
        return err;
    bad = err ? err : creds ? check_creds(step, creds) : NULL;
    if (bad)
        return drop_chain(step, spec, bad);
    *done = creds != NULL;
    return NULL;
}

md_err *md_renew_next_spec(md_step *step, const md_key_spec **spec)
{
    const md_key_specs *specs = step->domain->policy.keys;
    int done = 1;

    *spec = NULL;
    for (int i = 0; i < specs->nelts && done; ++i) {
        MD_TRY(look_at(step, MD_SPEC(specs, i), &done));
        if (!done)
            *spec = MD_SPEC(specs, i);
    }
    return NULL;
}

/** With one key spec, the set is complete. */
static void keep_taken(md_step *step, md_creds *creds)
{
    md_renewal *renewal = step->data;

    if (step->domain->policy.keys->nelts > 1)
        return;
    renewal->taken = apr_array_make(step->p, 1, sizeof(md_creds *));
    APR_ARRAY_PUSH(renewal->taken, md_creds *) = creds;
}

/** Checks the chain against the key that the order was finalized with, and stages it. */
static md_err *take(md_step *step, const md_key_spec *spec, md_chain *chain)
{
    md_store *store = step->core->store;
    const char *name = step->domain->name;
    md_creds *creds = apr_pcalloc(step->p, sizeof(*creds));
    md_err *err;

    creds->spec = spec;
    creds->chain = chain;
    MD_TRY(md_creds_load_key(store, MD_GROUP_STAGING, name, spec, step->p, &creds->key));
    err = creds->key ? check_creds(step, creds)
                     : md_fail(step->p, MD_FAULT_LOCAL, "md:no-key",
                               "the key of the new certificate is not in the store any more");
    if (err) {
        MD_TRY(md_renew_drop_order(step)); /* it has nothing else to give */
        return err;
    }
    MD_TRY(md_creds_save_chain(store, MD_GROUP_STAGING, name, spec, chain, step->p));
    MD_TRY(md_renew_drop_order(step));
    keep_taken(step, creds);
    return NULL;
}

/** A wish that the CA does not fulfil is no failure: the chain is good. */
static void tell_of_chain(const md_step *step, const md_chain *chain)
{
    const char *wanted = step->domain->policy.preferred_chain, *top = md_chain_top_issuer(chain, step->p);

    if (wanted && (!top || strcasecmp(top, wanted) != 0))
        md_log(
            MD_LOG_NOTICE, 0,
            "%s: its CA offers no chain that leads to '%s' (MDPreferredChain); the usual one leads to '%s'",
            step->domain->name, wanted, top ? md_excerpt(md_bytes_of(top), 80, step->p) : "");
}

md_next md_renew_download(md_step *step)
{
    const md_renewal *renewal = step->data;
    const md_key_spec *spec;
    md_order *order = NULL;
    md_chain *chain;
    md_err *err = md_renew_next_spec(step, &spec);

    if (!err && spec && step->work->note)
        err = md_order_load(step->core->store, step->domain->name, step->p, &order);
    if (err)
        return FAILED(err);
    if (!order)
        return GO_TO("order");
    order->certificate = step->work->note;
    err = md_order_download(&renewal->call, order, step->domain->policy.preferred_chain, step->p, &chain);
    if (!err)
        tell_of_chain(step, chain);
    if (!err)
        err = md_renew_pay(step, MD_BUDGET_SETS);
    if (!err)
        err = take(step, spec, chain);
    if (err)
        return FAILED(err);
    md_work_note(step->work, NULL);
    return NEXT_STAGE;
}

/** md.json says which account was used last, for the next renewal. */
static md_err *note_account(md_step *step)
{
    const md_renewal *renewal = step->data;
    const md_account_use *account = renewal->call.account;
    md_domain used = *step->domain;

    if (!account || !account->id ||
        (renewal->staged->ca_account && !strcmp(account->id, renewal->staged->ca_account)))
        return NULL;
    used.ca_url = renewal->staged->ca_url;
    used.ca_account = account->id;
    return md_store_save_json(step->core->store, MD_PLACE(MD_GROUP_STAGING, used.name, "md.json"),
                              md_domain_to_json(&used, MD_STATE_INCOMPLETE, step->p), step->p);
}

/** With MDActivationDelay, a set waits as long as what is live is good, and never longer. */
static md_err *wait_for_delay(md_step *step)
{
    const apr_interval_time_t delay = step->domain->policy.activation_delay;
    apr_array_header_t *facts;
    md_period live;
    md_due due;

    step->job->ready_at = 0;
    if (delay <= 0)
        return NULL;
    MD_TRY(md_core_due(step->core, step->domain, step->now, step->p, &due, &facts));
    live = md_facts_period(facts);
    if (due.state != MD_STATE_COMPLETE || !md_period_has(live, step->now))
        return NULL;
    step->job->ready_at = step->now + delay < live.until ? step->now + delay : live.until;
    return NULL;
}

/** What the CA suggested was about other certificates. */
static md_err *forget_suggestions(md_step *step)
{
    const md_renewal *renewal = step->data;
    md_renewal_info *info;

    MD_TRY(md_renewal_info_load(step->core->store, step->domain->name, step->p, &info));
    md_renewal_info_begin(info, renewal->staged->ca_url);
    return md_renewal_info_save(step->core->store, step->domain->name, info, step->p);
}

static void say_staged(md_step *step)
{
    md_job_doing(step->job, "finished",
                 apr_psprintf(step->p, "%d new certificate(s) staged", step->domain->policy.keys->nelts));
}

static void finish(md_step *step, const apr_array_header_t *creds)
{
    md_job *job = step->job;

    job->finished = 1;
    job->notified = job->notified_renewed = 0;
    job->errors = step->work->errors = 0;
    job->next_run = 0;
    job->last_run = step->now;
    job->valid_from = 0;
    for (int i = 0; i < creds->nelts; ++i) {
        apr_time_t from = APR_ARRAY_IDX(creds, i, const md_creds *)->facts.valid.from;

        job->valid_from = from > job->valid_from ? from : job->valid_from;
    }
    job->stage = "announce";
    say_staged(step);
    md_job_changed(job, MD_JOB_MATTERS);
}

/** Incomplete: NULL. */
static md_err *load_set(md_step *step, apr_array_header_t **creds)
{
    const md_renewal *renewal = step->data;

    *creds = renewal->taken;
    if (*creds)
        return NULL;
    return md_staged_load(step->core->store, MD_GROUP_STAGING, step->domain, step->now, step->p, creds);
}

md_next md_renew_verify(md_step *step)
{
    const md_renewal *renewal = step->data;
    apr_array_header_t *creds;
    md_err *err;

    if (!renewal->staged)
        return GO_TO("choose-ca");
    err = load_set(step, &creds);
    if ((err && (!strcmp(err->type, "md:bad-file") || !strcmp(err->type, "md:bad-certificate"))) ||
        (!err && !creds))
        return GO_TO("order"); /* for the next key, or for what cannot be used */
    if (!err)
        err = md_renew_drop_order(step);
    if (!err)
        err = note_account(step);
    if (!err)
        err = forget_suggestions(step);
    if (!err)
        err = md_asked_done(step->core->store, step->domain->name, step->p);
    if (err)
        return FAILED(err);
    finish(step, creds);
    err = wait_for_delay(step);
    return err ? FAILED(err) : NEXT_STAGE;
}

static int goes_live(const md_step *step)
{
    return step->core->staged && step->domain->policy.live;
}

static md_next rest(md_step *step)
{
    apr_time_t at;
    md_err *err = md_renew_next_look(step, &at);

    if (err)
        return FAILED(err);
    if (step->job->finished) { /* else it was moved, and the record with it */
        step->job->stage = NULL;
        md_job_changed(step->job, MD_JOB_MATTERS);
    }
    return FINISHED(at);
}

/** A command that did not agree at first has agreed. */
static void forget_refusals(md_step *step)
{
    if (step->job->errors)
        say_staged(step);
    step->job->errors = step->work->errors = 0;
}

md_next md_renew_announce(md_step *step)
{
    md_event event = { .name = "renewed",
                       .domain = step->domain->name,
                       .job = step->job,
                       .ca = step->ca_url,
                       .when = step->now };
    md_err *err;

    if (!step->job->finished)
        return GO_TO("choose-ca");
    if (step->job->ready_at > step->now) {
        err = md_asked(step->core->store, step->domain->name, step->p) ? md_renew_decline(step) : NULL;
        if (err)
            return FAILED(err);
        step->job->next_run = step->job->ready_at;
        md_job_changed(step->job, MD_JOB_PROGRESS);
        return AGAIN_AT(step->job->ready_at);
    }
    step->job->next_run = 0;
    if (step->core->staged && !step->job->notified)
        step->core->staged(step->core->self, step->domain);
    if (!step->job->notified)
        md_step_poke(step); /* its staple */
    step->job->notified = 1;
    md_job_changed(step->job, MD_JOB_PROGRESS);
    err = md_ask(step->core->events, &event, step->p);
    if (err && md_event_waits(err))
        return AGAIN_AT(step->now + MD_ASK_AGAIN);
    if (err)
        return FAILED(err);
    md_log(MD_LOG_NOTICE, 10059, "The Managed Domain %s has been setup and %s.", step->domain->name,
           goes_live(step) ? "its certificate is live now"
           : step->core->staged
               ? "changes will be activated on next (graceful) server restart"
               : "is activated now; a server that runs serves it after its next (graceful) restart");
    forget_refusals(step);
    step->job->notified_renewed = 1;
    step->job->stage = "prove";
    md_job_changed(step->job, MD_JOB_MATTERS);
    return NEXT_STAGE;
}

static md_err *prove_all(const md_step *step)
{
    const md_core *core = step->core;
    const md_key_specs *specs = step->domain->policy.keys;

    for (int i = 0; i < specs->nelts; ++i) {
        md_cert_facts *facts;

        MD_TRY(md_creds_load_facts(core->store, MD_GROUP_STAGING, step->domain->name, MD_SPEC(specs, i),
                                   step->p, &facts));
        if (facts)
            MD_TRY(core->prove(core->self, step->domain, MD_SPEC(specs, i), facts->sha256, step->p));
    }
    return NULL;
}

/** The certificate is good and stays; that clients get another one is for the operator to know. */
static void report_unproved(md_step *step, md_err *why)
{
    md_err *err = md_wrap(step->p, why, "the new certificate is not what clients get");

    err->type = "md:not-live";
    md_log_err(MD_LOG_ERROR, 0, step->domain->name, "checking what clients get", err,
               "%s has a new certificate, but %s. %s:", step->domain->name,
               "it could not be seen on this server's own ports", md_err_advice(err));
    md_job_failed(step->job, "checking what clients get", err, step->p);
}

md_next md_renew_prove(md_step *step)
{
    md_event event = {
        .name = "activated", .domain = step->domain->name, .job = step->job, .when = step->now
    };
    md_work *work = step->work;
    md_err *err;

    if (!goes_live(step) || !step->core->prove || !step->job->finished)
        return rest(step);
    if (step->now - work->since < PROVE_AFTER)
        return AGAIN_AT(work->since + PROVE_AFTER);
    err = prove_all(step);
    if (err && !strcmp(err->type, "md:cancelled"))
        return FAILED(err);
    if (err && ++work->index < PROVE_TRIES)
        return AGAIN_AT(step->now + PROVE_PAUSE);
    if (err)
        report_unproved(step, err);
    else
        md_tell(step->core->events, &event, step->p);
    return rest(step);
}
