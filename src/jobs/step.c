/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a step. Here alone failures of jobs are logged and counted.
 */
#include "jobs/step.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#ifdef MD_TEST_HOOKS
#include <unistd.h>
#endif

#include "base/log.h"
#include "plan/due.h"

/* Somebody else is at work on the job: another server on the same store, or our own generation that is about
 * to end. */
#define CLAIMED_PAUSE apr_time_from_sec(2)
/* A worker turns to other jobs after this time. */
#define STEP_MAX apr_time_from_msec(20)
/* Stages that are left sooner are not worth a record. */
#define WORTH_TELLING apr_time_from_msec(500)

void md_work_note(md_work *work, const char *note)
{
    free(work->note);
    work->note = note ? strdup(note) : NULL;
    if (note && !work->note)
        abort();
}

void md_work_rest(md_work *work, apr_time_t at)
{
    md_work_note(work, NULL);
    work->stage = NULL;
    work->index = work->again = 0;
    work->at = at;
}

void md_step_poke(const md_step *step)
{
    if (step->desk->poke)
        step->desk->poke(step->desk->engine, step->domain);
}

#ifdef MD_TEST_HOOKS
/** For tests that kill the server at a certain stage: the thread stays where it is. */
static void hold_here(const md_stage *stage)
{
    const char *at = getenv("MD_TEST_HOLD_AT");

    if (!at || strcmp(at, stage->name) != 0)
        return;
    md_log(MD_LOG_NOTICE, 0, "held before %s", stage->name);
    for (;;)
        pause();
}
#else
#define hold_here(stage) ((void)0)
#endif

static void enter(md_step *step, const md_stage *stage)
{
    hold_here(stage);
    step->work->stage = stage;
    step->work->since = step->work->at = step->now;
    md_log(MD_LOG_DEBUG, 10052, "%s: %s", step->work->domain->name, stage->doing);
}

static const md_stage *stage_named(const md_kind *kind, const char *name)
{
    const md_stage *stage = kind->stages;

    while (stage->name && strcmp(stage->name, name) != 0)
        ++stage;
    return stage->name ? stage : NULL;
}

static int was_cut_off(const md_err *err)
{
    return err->type && !strcmp(err->type, "md:cancelled");
}

/** A limit of the CA counts once, so that it neither lengthens later delays nor adds to those that lead to
 * another CA. */
static int count_error(const md_step *step, const md_err *err)
{
    int errors = step->job && step->job->errors > step->work->errors ? step->job->errors : step->work->errors;

    return err->fault == MD_FAULT_LIMIT && errors ? errors : errors + 1;
}

/** One line: the whole story with what to do, or, when it is known already, only that it was the same again.
 */
static void report(const md_step *step, const char *doing, const md_err *err, md_level level)
{
    md_work *work = step->work;
    const char *in = md_duration_words(work->at - step->now, step->p);
    const char *when = md_date_text(work->at, step->p);
    const md_err known = { .type = err->type };

    if (md_repeat_in_full(&work->told, doing, err, step->now))
        md_log_err(level, work->kind->failed_id, work->domain->name, doing, err,
                   "%s %s failed, next try in %s (%s). %s:", work->kind->doing, work->domain->name, in, when,
                   md_err_advice(err));
    else
        md_log_err(level, work->kind->failed_id, work->domain->name, doing, &known,
                   "%s %s failed, same error the %s time, next try in %s (%s):", work->kind->doing,
                   work->domain->name, md_repeat_ordinal(work->told.times, step->p), in, when);
    md_log(MD_LOG_INFO, work->kind->failed_id ? 10057 : 0, "%s: %d error(s) in a row, next run in %s",
           work->domain->name, work->errors, in);
}

/** The record of a failure. That it cannot be saved is news only if the failure is another one. */
static void record_failure(md_step *step, const char *doing, const md_err *err)
{
    md_event event = { .name = step->work->kind->errored ? step->work->kind->errored : "errored",
                       .domain = step->domain->name,
                       .job = step->job,
                       .err = err,
                       .ca = step->ca_url ? step->ca_url : md_domain_ca_url(step->domain),
                       .when = step->now };
    md_job *job = step->job;
    md_err *unsaved;

    job->errors = step->work->errors;
    job->next_run = step->work->at;
    job->last_run = step->now;
    job->stage = step->work->stage ? step->work->stage->name : job->stage;
    md_job_failed(job, doing, err, step->p);
    md_tell(step->core->events, &event, step->p);
    unsaved = md_job_save(step->core->store, job, step->p);
    if (unsaved && err->fault != MD_FAULT_LOCAL)
        md_log_err(MD_LOG_ERROR, 0, step->domain->name, "saving the record of a job", unsaved,
                   "The record cannot be saved:");
}

static md_err *fail(md_step *step, md_err *err)
{
    const md_kind *kind = step->work->kind;
    md_level level = MD_LOG_ERROR;
    const char *doing = step->work->stage ? step->work->stage->doing : "looking what is to be done";

    step->changed = 1;
    if (was_cut_off(err)) { /* by the end of the engine */
        md_work_rest(step->work, step->now);
        return err;
    }
    step->work->errors = count_error(step, err);
    step->work->at = kind->retry
                         ? kind->retry(step, err, &level)
                         : md_retry_at(err, step->work->errors, &step->domain->policy, step->core->clock);
    if (step->job)
        record_failure(step, doing, err);
    report(step, doing, err, level);
    md_work_rest(step->work, step->work->at);
    return err;
}

/** Whoever looks at the status sees what a job waits for. */
static void show_wait(md_step *step, const md_stage *stage, apr_time_t until)
{
    if (until - step->work->since < WORTH_TELLING ||
        (step->job->stage && !strcmp(step->job->stage, stage->name)))
        return;
    step->job->stage = stage->name;
    md_job_doing(step->job, stage->doing, NULL);
    md_job_note(step->job, step->now, "progress", NULL, stage->doing);
}

static md_err *apply(md_step *step, const md_stage *stage, const md_next *next)
{
    const md_stage *to;

    step->changed |= next->verdict != MD_WAIT;
    switch (next->verdict) {
    case MD_GO_ON: to = stage[1].name ? stage + 1 : NULL; break;
    case MD_GO_TO: to = stage_named(step->work->kind, next->stage); break;
    case MD_WAIT:
        step->work->at = next->at;
        step->work->aside = next->aside;
        show_wait(step, stage, next->at);
        return NULL;
    case MD_DONE: md_work_rest(step->work, next->at); return NULL;
    default: return next->err;
    }
    if (!to)
        return md_fail(step->p, MD_FAULT_LOCAL, "md:bug", "after the stage %s comes none", stage->name);
    enter(step, to);
    return NULL;
}

static md_err *run_stage(md_step *step, const md_stage *stage)
{
    const md_kind *kind = step->work->kind;
    md_next next = kind->run ? kind->run(step, stage) : stage->run(step);

    return apply(step, stage, &next);
}

static md_err *look(md_step *step)
{
    apr_time_t at = 0;

    MD_TRY(step->work->kind->due(step, &at));
    step->work->at = at;
    if (at && at <= step->now) {
        md_work_rest(step->work, at);
        enter(step, step->work->kind->stages);
        step->work->at = at; /* those that were due first come first */
    }
    return NULL;
}

static md_err *load_record(md_step *step)
{
    const md_group group = step->work->kind->group;
    const char *file;

    if (!step->part)
        return md_job_load(step->core->store, group, step->domain->name, step->p, &step->job);
    file = apr_pstrcat(step->p, "job-", step->part, ".json", NULL);
    return md_job_load_at(step->core->store, MD_PLACE(group, step->domain->name, file), step->p, &step->job);
}

/** For those who look from outside. */
static void tell_progress(md_step *step)
{
    const md_work *work = step->work;
    md_progress now = { .stage = -1, .changed = step->changed };

    if (work->kind->group == MD_GROUP_STAGING) {
        now.stage = work->stage ? (int)(work->stage - work->kind->stages) + 1 : 0;
        now.since = work->stage ? work->since : 0;
    }
    if (step->core->progress && step->domain->index >= 0)
        step->core->progress(step->core->self, step->domain, &now);
    step->changed = 0;
}

static md_err *save_record(md_step *step)
{
    MD_TRY(md_job_save(step->core->store, step->job, step->p));
    step->changed = 1;
    return NULL;
}

/** A stage, or without one a look. What matters is kept before anything follows from it. */
static md_err *run_once(md_step *step, const md_stage *stage)
{
    MD_TRY(stage ? run_stage(step, stage) : look(step));
    if (step->job->change == MD_JOB_MATTERS)
        MD_TRY(save_record(step));
    tell_progress(step);
    return NULL;
}

/** Can the stage that comes next be run at once, without anybody being kept waiting? Whether an order may
 * begin is not for a step to say. */
static int goes_on(md_step *step, const md_stage *after, apr_time_t began)
{
    const md_work *work = step->work;

    step->now = md_now(step->core->clock);
    return after && work->stage && work->stage != after && work->stage->order <= after->order &&
           work->at <= step->now && step->now - began < STEP_MAX;
}

static md_err *run_stages(md_step *step)
{
    const apr_time_t began = step->now;
    const md_stage *stage;

    do {
        stage = step->work->stage;
        MD_TRY(run_once(step, stage));
    } while (goes_on(step, stage, began));
    return NULL;
}

static md_err *run_claimed(md_step *step)
{
    md_err *err;

    MD_TRY(load_record(step));
    err = run_stages(step);
    if (err && !was_cut_off(err))
        return err;
    if (step->job->change != MD_JOB_AS_STORED)
        MD_TRY(save_record(step));
    if (!err && !step->work->stage) {
        step->work->errors = 0;
        step->work->told = (md_repeat){ .times = 0 };
    }
    return err;
}

md_err *md_step_run(const md_desk *desk, md_work *work, apr_pool_t *p)
{
    md_step step = { .desk = desk, .core = desk->core, .domain = work->domain, .work = work, .p = p };
    md_claim *claim = NULL;
    md_err *err;

    step.now = md_now(desk->core->clock);
    work->aside = 0;
    err = work->kind->open ? work->kind->open(&step) : NULL;
    if (!err)
        err = md_store_claim(desk->core->store,
                             apr_pstrcat(p, work->kind->name, "/", work->domain->name, step.part ? "/" : NULL,
                                         step.part, NULL),
                             p, &claim);
    work->busy = !err && !claim;
    if (work->busy) {
        work->at = step.now + CLAIMED_PAUSE;
        return NULL;
    }
    if (!err)
        err = run_claimed(&step);
    if (err)
        err = fail(&step, err);
    tell_progress(&step);
    md_store_release(desk->core->store, claim);
    return err;
}
