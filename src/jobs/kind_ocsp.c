/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A staple is due when there is none or its end comes near. What came last stays in use as long as it is
 * valid, whatever happens to the responder.
 */
#include "jobs/kind_ocsp.h"

#include <apr_strings.h>

#include "base/log.h"
#include "plan/due.h"

/* Of md_work.again, beyond what renewals keep there: the certificate is named by SHA-256 in this attempt. */
enum { AGAIN_SHA256 = 1 << 24 };

/** What a step works on; md_step.data. */
typedef struct work {
    const md_stapled *which;
    md_stapled_now is;
    md_staple *staple; /* the kept one, NULL when there is none */
} work;

static int count(const md_core *core)
{
    return core->stapling ? core->stapling->count : 0;
}

static void enter(const md_core *core, int i, md_work *into)
{
    const md_stapled *which = &core->stapling->each[i];

    into->domain = which->domain;
    into->item = which;
}

static int of_domain(const md_core *core, const md_domain *domain, int *first)
{
    if (!core->stapling || domain->index < 0)
        return 0;
    *first = core->stapling->first[domain->index];
    return core->stapling->first[domain->index + 1] - *first;
}

static const md_kind_jobs jobs = { count, enter, of_domain };

static md_err *open_work(md_step *step)
{
    work *opened = apr_pcalloc(step->p, sizeof(*opened));

    opened->which = step->work->item;
    step->data = opened;
    MD_TRY(md_stapled_find(step->core, opened->which, step->now, step->p, &opened->is));
    step->part = opened->is.sha1;
    return NULL;
}

/** A response may have come from elsewhere: from a renewal that waits for it, or from a server that shares
 * the store. It is verified before it is given out. */
static md_err *verify(md_step *step)
{
    work *at = step->data;
    md_ocsp_answer answer;
    md_err *err;

    if (!at->staple || at->staple->valid.until <= step->now)
        return NULL;
    MD_TRY(md_stapled_chain(at->which, &at->is, step->p));
    err =
        md_ocsp_check(at->is.chain, at->staple->response, (md_bytes){ NULL, 0 }, step->now, step->p, &answer);
    if (err) {
        md_log(MD_LOG_INFO, 0, "%s: the kept OCSP response is not used: %s", step->domain->name,
               md_err_text(err, step->p));
        at->staple = NULL;
        return NULL;
    }
    at->staple->status = answer.status;
    at->staple->valid = answer.valid;
    return NULL;
}

static md_err *load(md_step *step)
{
    work *at = step->data;

    MD_TRY(md_staple_load(step->core->store, step->domain->name, at->is.sha1, step->p, &at->staple));
    return verify(step);
}

static md_period valid_of(const work *at)
{
    return at->staple ? at->staple->valid : (md_period){ 0, 0 };
}

static void put(const md_step *step)
{
    const md_stapling *stapling = step->core->stapling;
    const work *at = step->data;

    if (stapling->put && at->staple && at->staple->valid.until > step->now)
        stapling->put(stapling->self, at->which, at->is.sha1, at->staple);
}

/** What the record says is believed as far as it makes sense beside the response. */
static apr_time_t when_due(const md_step *step)
{
    const work *at = step->data;
    const md_job *job = step->job;
    const md_period valid = valid_of(at);
    apr_time_t due = step->now;

    if (valid.until > step->now)
        due = md_staple_renew_at(valid, step->domain->policy.staple_window, at->is.sha1);
    if (job->next_run > due && !step->work->urged && (job->errors || valid.until > step->now))
        due =
            md_staple_retry(valid.until > step->now ? valid : (md_period){ 0, 0 }, job->next_run, step->now);
    return due;
}

static md_err *due(md_step *step, apr_time_t *at)
{
    work *opened = step->data;

    *at = 0;
    if (!opened->is.sha1)
        return NULL; /* poked when a certificate comes */
    MD_TRY(load(step));
    put(step);
    *at = when_due(step);
    return NULL;
}

/** Is there another way to ask? Whether POST is refused is remembered for all certificates of the responder.
 */
static int other_way(const md_step *step, md_responder *gate, const md_ocsp_reply *reply)
{
    if (reply->refuses_post) {
        md_responder_set_get(gate);
        return 1;
    }
    if (!reply->knows_not || (step->work->again & AGAIN_SHA256))
        return 0;
    step->work->again |= AGAIN_SHA256;
    return 1;
}

/** What is to be done about a failure is up to whoever waits for the answer. */
md_err *md_ocsp_take_turn(const md_step *step, md_ocsp_turn *turn)
{
    const md_policy *policy = &step->domain->policy;
    const md_http_route route = { .proxy_url = policy->proxy_url, .proxy_ca_file = policy->proxy_ca_file };
    md_responder *gate = md_responders_gate(step->desk->responders, turn->url, step->p);
    md_ocsp_way way = { .http = step->desk->http, .route = &route, .url = turn->url };
    md_err *err;

    turn->again = 0;
    turn->otherwise = 0;
    if (!md_responder_enter(gate, step->now, &turn->again))
        return NULL;
    turn->again = 0;
    way.get = md_responder_wants_get(gate);
    way.sha256 = (step->work->again & AGAIN_SHA256) != 0;
    err = md_ocsp_ask(&way, turn->chain, step->now, step->p, &turn->reply);
    md_responder_leave(gate, turn->reply.reached, md_now(step->core->clock), err ? err->not_before : 0);
    turn->otherwise = err && other_way(step, gate, &turn->reply);
    return err;
}

/** A revoked certificate is replaced, and nobody has to be told twice. */
static void act_on_status(const md_step *step, const md_staple *before, const md_staple *now)
{
    if (now->status != MD_OCSP_REVOKED)
        return;
    if (!before || before->status != MD_OCSP_REVOKED)
        md_log(MD_LOG_WARN, 10500, "%s: the certificate of %s was revoked, its OCSP responder says%s",
               step->domain->name, ((const work *)step->data)->is.shown,
               step->domain->index >= 0 && md_domain_renews(step->domain)
                   ? "; it is replaced by a new one now"
                   : "; replace it, because clients refuse it");
    if (step->domain->index >= 0)
        md_step_poke(step);
}

/** A cache may know less than we do. */
static int is_older(const md_staple *said, const md_staple *kept, apr_time_t now)
{
    return kept && kept->valid.until > now && said->valid.from < kept->valid.from;
}

static md_err *keep(md_step *step, const md_staple *said)
{
    work *at = step->data;
    const md_staple *before = at->staple;

    if (is_older(said, before, step->now))
        return NULL;
    MD_TRY(md_staple_save(step->core->store, step->domain->name, at->is.sha1, said, step->p));
    at->staple = apr_pmemdup(step->p, said, sizeof(*said));
    put(step);
    act_on_status(step, before, said);
    return NULL;
}

static void finish(md_step *step, apr_time_t next)
{
    const work *at = step->data;
    md_event event = {
        .name = "ocsp-renewed", .domain = step->domain->name, .job = step->job, .when = step->now
    };
    md_job *job = step->job;

    event.text =
        apr_psprintf(step->p, "the certificate is %s until %s", md_ocsp_status_name(at->staple->status),
                     md_date_text(at->staple->valid.until, step->p));
    job->finished = 1;
    job->errors = 0;
    job->stage = NULL;
    job->last_run = step->now;
    job->next_run = next;
    md_job_doing(job, "finished", event.text);
    md_log(MD_LOG_DEBUG, 0, "%s: has a new OCSP response: %s", step->domain->name, event.text);
    md_tell(step->core->events, &event, step->p);
}

static md_next ask(md_step *step)
{
    work *at = step->data;
    md_ocsp_turn turn = { .url = at->is.responder };
    apr_time_t next;
    md_err *err;

    if (!at->is.sha1)
        return FINISHED(0);
    err = load(step);
    if (!err)
        err = md_stapled_chain(at->which, &at->is, step->p);
    if (err)
        return FAILED(err);
    turn.chain = at->is.chain;
    err = md_ocsp_take_turn(step, &turn);
    if (turn.again)
        return AGAIN_AT(turn.again);
    if (err)
        err = md_wrap(step->p, err, "there is no new OCSP response for the certificate of %s", at->is.shown);
    if (turn.otherwise)
        return AGAIN_AT(step->now);
    if (!err)
        err = keep(step, &turn.reply.staple);
    if (err)
        return FAILED(err);
    next =
        md_staple_next(at->staple->valid,
                       md_staple_renew_at(at->staple->valid, step->domain->policy.staple_window, at->is.sha1),
                       turn.reply.no_sooner, step->now);
    finish(step, next);
    return FINISHED(next);
}

/** As for renewals, but sooner when time is short. Many certificates have one responder: it is told of once.
 */
static apr_time_t retry(md_step *step, const md_err *err, md_level *level)
{
    const work *at = step->data;
    const md_period valid = valid_of(at);
    const apr_time_t wanted = md_retry_at(err, step->work->errors, &step->domain->policy, step->core->clock);
    md_responder *gate;

    *level = valid.until > step->now ? MD_LOG_WARN : MD_LOG_ERROR;
    if (!at->is.responder)
        return wanted;
    gate = md_responders_gate(step->desk->responders, at->is.responder, step->p);
    if (!md_responder_is_news(gate, step->now))
        *level = MD_LOG_INFO;
    return md_staple_retry(valid, wanted, step->now);
}

static const md_stage stages[] = {
    { "ask", "asking the OCSP responder", ask, 0, 0 },
    { NULL, NULL, NULL, 0, 0 },
};

const md_kind md_kind_ocsp = { .name = "ocsp",
                               .doing = "Fetching the OCSP response for",
                               .group = MD_GROUP_OCSP,
                               .stages = stages,
                               .due = due,
                               .jobs = &jobs,
                               .open = open_work,
                               .errored = "ocsp-errored",
                               .retry = retry };
