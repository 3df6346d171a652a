/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions are independent of each other; what needs attention is the first row that applies.
 */
#include "status/judge.h"

#include <apr_strings.h>
#include <string.h>

const char *const md_condition_names[MD_CONDITIONS] = {
    "expired", "errored", "expiring", "incomplete", "renewing", "ready", "ok",
};

#define BIT(condition) (1u << (condition))

int md_condition_named(const char *name)
{
    for (int i = 0; i < MD_CONDITIONS; ++i)
        if (!strcmp(md_condition_names[i], name))
            return i;
    return -1;
}

md_condition md_condition_worst(unsigned conditions)
{
    int i = 0;

    while (i < MD_IS_OK && !MD_HAS(conditions, i))
        ++i;
    return (md_condition)i;
}

static int has_failed(const md_job *job)
{
    return job && (job->errors || md_json_int(job->last, "status", 0) != 0);
}

/** What was staged is not served yet: it waits for a restart, or for MDActivationDelay. */
static int waits_to_go_live(const md_case *of)
{
    return of->job && of->job->finished &&
           (!of->domain->policy.live || of->job->ready_at > of->now || !of->job->notified);
}

/** What is wrong. */
static unsigned troubles_of(const md_case *of)
{
    const md_due *due = of->due;
    const apr_time_t end = md_facts_end(of->facts);
    unsigned troubles = 0;

    if (end && end <= of->now)
        troubles |= BIT(MD_IS_EXPIRED);
    if (has_failed(of->job) || due->state == MD_STATE_ERROR || of->glance.proof == MD_PROOF_BAD)
        troubles |= BIT(MD_IS_ERRORED);
    if (end > of->now && due->warn_at && due->warn_at <= of->now)
        troubles |= BIT(MD_IS_EXPIRING);
    if (due->state == MD_STATE_INCOMPLETE)
        troubles |= BIT(MD_IS_INCOMPLETE);
    return troubles;
}

static int is_renewing(const md_case *of)
{
    /* the first stage only asks the CA when to renew */
    return of->glance.stage > 1 || (of->due->renew_at && of->due->renew_at <= of->now) ||
           (of->job && !of->job->finished);
}

static unsigned conditions_of(const md_case *of)
{
    unsigned conditions = troubles_of(of);

    if (!conditions)
        conditions = BIT(MD_IS_OK);
    if (is_renewing(of))
        conditions |= BIT(MD_IS_RENEWING);
    if (waits_to_go_live(of))
        conditions |= BIT(MD_IS_READY);
    return conditions;
}

static const char *status_of(const md_case *of, unsigned conditions, apr_pool_t *p)
{
    switch (of->due->state) {
    case MD_STATE_COMPLETE: return MD_HAS(conditions, MD_IS_EXPIRED) ? "expired" : "good";
    case MD_STATE_INCOMPLETE: return apr_pstrcat(p, "incomplete: ", of->due->why, NULL);
    case MD_STATE_ERROR: return "error";
    case MD_STATE_MISSING_INFORMATION: return "missing information";
    default: return "unknown";
    }
}

/** Who must move after a failure, by the name of its fault. */
static const char *actor(const char *fault)
{
    static const struct {
        const char *fault, *who;
    } rows[] = {
        { "config", "operator" },  { "validation", "operator" }, { "local", "operator" },
        { "remote", "authority" }, { "limit", "nobody" },
    };

    for (size_t i = 0; fault && i < sizeof(rows) / sizeof(rows[0]); ++i)
        if (!strcmp(rows[i].fault, fault))
            return rows[i].who;
    return "operator"; /* the record is of another version */
}

static md_attention after_failure(const md_job *job)
{
    const char *detail = md_json_text(job->last, "detail"), *advice = md_json_text(job->last, "advice");

    return (md_attention){ .reason = detail ? detail : "the last attempt failed",
                           .advice = advice ? advice : "See the log of the job and of the server",
                           .who = actor(md_json_text(job->last, "fault")) };
}

static md_attention about_damage(const md_case *of)
{
    const md_err *bad = NULL;

    for (int i = 0; !bad && i < of->facts->nelts; ++i)
        bad = APR_ARRAY_IDX(of->facts, i, md_cert_fact).bad;
    return (md_attention){ .reason = of->due->why,
                           .advice = bad ? md_err_advice(bad) : "Restore the files from a backup",
                           .who = "operator" };
}

static md_attention about_proof(void)
{
    static const md_err not_live = { .fault = MD_FAULT_LOCAL, .type = "md:not-live" };

    return (md_attention){ .reason = "clients do not get the new certificate",
                           .advice = md_err_advice(&not_live),
                           .who = "operator" };
}

/** Nobody will renew it by itself. */
static md_attention about_end(const md_case *of, unsigned conditions, apr_pool_t *p)
{
    const char *end = md_date_text(md_facts_end(of->facts), p);

    return (md_attention){
        .reason = MD_HAS(conditions, MD_IS_EXPIRED)
                      ? apr_pstrcat(p, "its certificate has expired on ", end, NULL)
                      : apr_pstrcat(p, "its certificate expires on ", end, NULL),
        .advice = of->due->renew_at
                      ? "It is being renewed; look at the log if this lasts"
                      : "Bring a new certificate, or let this server renew it: 'MDRenewMode always'",
        .who = of->due->renew_at ? "nobody" : "operator"
    };
}

static md_attention attention_of(const md_case *of, unsigned conditions, apr_pool_t *p)
{
    if (has_failed(of->job))
        return after_failure(of->job);
    if (of->due->state == MD_STATE_ERROR)
        return about_damage(of);
    if (of->glance.proof == MD_PROOF_BAD)
        return about_proof();
    if (of->obstacle)
        return (md_attention){ .reason = apr_pstrcat(
                                   p, "it cannot be renewed: ", md_err_text(of->obstacle, p), NULL),
                               .advice = md_err_advice(of->obstacle),
                               .who = "operator" };
    if (MD_HAS(conditions, MD_IS_EXPIRED) || MD_HAS(conditions, MD_IS_EXPIRING))
        return about_end(of, conditions, p);
    if (MD_HAS(conditions, MD_IS_READY) && !of->domain->policy.live)
        return (md_attention){ .reason = "a new certificate waits for a restart (MDLiveActivation off)",
                               .advice = "Restart the server gracefully",
                               .who = "operator" };
    if (MD_HAS(conditions, MD_IS_INCOMPLETE) && !of->due->renew_at)
        return (md_attention){ .reason = of->due->why,
                               .advice =
                                   "Bring a certificate, or let this server get one: 'MDRenewMode always'",
                               .who = "operator" };
    return (md_attention){ .reason = NULL };
}

static apr_time_t first_after(apr_time_t now, apr_time_t first, apr_time_t at)
{
    return at > now && (!first || at < first) ? at : first;
}

/** When time alone makes it another one. */
static apr_time_t holds_until(const md_case *of)
{
    apr_time_t first = first_after(of->now, 0, of->due->renew_at);

    first = first_after(of->now, first, of->due->warn_at);
    for (int i = 0; i < of->facts->nelts; ++i) {
        const md_cert_facts *cert = APR_ARRAY_IDX(of->facts, i, md_cert_fact).cert;

        first = cert ? first_after(of->now, first, cert->valid.until) : first;
    }
    return of->job ? first_after(of->now, first, of->job->ready_at) : first;
}

md_verdict md_judge(const md_case *of, apr_pool_t *p)
{
    const unsigned conditions = conditions_of(of);

    return (md_verdict){ .conditions = conditions,
                         .status = status_of(of, conditions, p),
                         .attention = attention_of(of, conditions, p),
                         .until = holds_until(of) };
}
