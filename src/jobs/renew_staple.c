/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate with the must-staple extension is refused by clients as long as there is no OCSP response for
 * it, so the response comes first. What is live stays meanwhile, as long as it is good.
 */
#include "base/log.h"
#include "jobs/kind_ocsp.h"
#include "jobs/renew.h"

#define ASK_AGAIN    apr_time_from_sec(5)
#define WAIT         apr_time_from_sec(120)
#define WAIT_IN_NEED apr_time_from_sec(20) /* while nothing good is live */

/** The first certificate that waits for its response, or *chain NULL. */
static md_err *find_waiting(const md_step *step, md_chain **chain, md_cert_facts *facts)
{
    const md_key_specs *specs = step->domain->policy.keys;
    md_store *store = step->core->store;
    const char *name = step->domain->name;

    for (int i = 0; i < specs->nelts; ++i) {
        md_staple *staple;

        MD_TRY(md_creds_load_chain(store, MD_GROUP_STAGING, name, MD_SPEC(specs, i), step->p, chain));
        if (!*chain)
            continue;
        MD_TRY(md_chain_facts(*chain, step->p, facts));
        if (!facts->must_staple || !facts->ocsp_uri)
            continue;
        MD_TRY(md_staple_load(store, name, facts->sha1, step->p, &staple));
        if (!staple || staple->valid.until <= step->now)
            return NULL;
    }
    *chain = NULL;
    return NULL;
}

/** Is something live that can go on being served? */
static md_err *has_good(md_step *step, int *good)
{
    apr_array_header_t *facts;
    md_due due;

    MD_TRY(md_core_due(step->core, step->domain, step->now, step->p, &due, &facts));
    *good = md_period_has(md_facts_period(facts), step->now);
    return NULL;
}

/** No response came. */
static md_next wait_or_not(md_step *step, md_err *why)
{
    const apr_time_t begin =
        step->job->ready_at > step->work->since ? step->job->ready_at : step->work->since;
    const apr_interval_time_t waited = step->now - begin;
    int good;
    md_err *err = has_good(step, &good);

    if (err)
        return FAILED(err);
    if (waited < (good ? WAIT : WAIT_IN_NEED))
        return AGAIN_AT(step->now + ASK_AGAIN);
    err =
        md_wrap(step->p, why, "there is no OCSP response yet for the new certificate, which must be stapled");
    err->type = "md:no-first-staple";
    if (good)
        return FAILED(err);
    md_log_err(MD_LOG_WARN, 0, step->domain->name, "fetching the first OCSP response", err,
               "The new certificate goes live without it, since there is no other:");
    return NEXT_STAGE;
}

/** MDActivationDelay: a response that is fetched now may have ended by then. */
static int is_early(md_step *step)
{
    if (!step->domain->policy.must_staple || step->job->ready_at <= step->now)
        return 0;
    step->job->next_run = step->job->ready_at;
    md_job_changed(step->job, MD_JOB_PROGRESS);
    return 1;
}

md_next md_renew_staple(md_step *step)
{
    md_ocsp_turn turn = { .url = NULL };
    md_chain *chain;
    md_cert_facts facts;
    md_err *err;

    if (!step->domain->policy.stapling || step->job->notified)
        return NEXT_STAGE;
    if (is_early(step))
        return AGAIN_AT(step->job->ready_at);
    err = find_waiting(step, &chain, &facts);
    if (err)
        return FAILED(err);
    if (!chain)
        return NEXT_STAGE;
    turn.url = facts.ocsp_uri;
    turn.chain = chain;
    err = md_ocsp_take_turn(step, &turn);
    if (turn.again || turn.otherwise)
        return AGAIN_AT(turn.again ? turn.again : step->now);
    if (!err)
        err = md_staple_save(step->core->store, step->domain->name, facts.sha1, &turn.reply.staple, step->p);
    if (err)
        return err->fault == MD_FAULT_LOCAL ? FAILED(err) : wait_or_not(step, err);
    return AGAIN_AT(step->now); /* there may be another one */
}
