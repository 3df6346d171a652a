/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: what is due, when, and a few threads that run one step at a time. Waiting occupies no thread. Orders in progress are
 * bounded by MDRenewConcurrency; those that want to begin queue in order of their due time.
 */
#ifndef MD_JOBS_ENGINE_H
#define MD_JOBS_ENGINE_H

#include "jobs/core.h"

/** What a stage says. */
typedef struct md_next {
    enum { MD_GO_ON, MD_GO_TO, MD_WAIT, MD_DONE, MD_FAILED } verdict;
    apr_time_t at;      /* MD_WAIT: when to run this stage again. MD_DONE: next look, 0: never */
    const char *stage;  /* MD_GO_TO */
    md_err *err;        /* MD_FAILED */
} md_next;
#define NEXT_STAGE ((md_next){ .verdict = MD_GO_ON })
#define GO_TO(s) ((md_next){ .verdict = MD_GO_TO, .stage = (s) })
#define AGAIN_AT(t) ((md_next){ .verdict = MD_WAIT, .at = (t) })
#define FINISHED(t) ((md_next){ .verdict = MD_DONE, .at = (t) })
#define FAILED(e) ((md_next){ .verdict = MD_FAILED, .err = (e) })

/** What a stage sees. Everything lives for one step. */
typedef struct md_step {
    const md_core *core;
    const md_domain *domain;
    md_job *job;
    md_cas *cas;
    md_http *http;      /* the worker's requester */
    apr_time_t now;
    apr_pool_t *p;
    void *data;         /* of the kind, made by its `load` */
} md_step;

typedef md_next md_stage_fn(md_step *step);
typedef struct md_stage {
    const char *name;  /* resume point in job.json */
    const char *doing; /* status text: "placing the order" */
    md_stage_fn *run;
} md_stage;

/** A kind of job. */
typedef struct md_kind {
    const char *name;        /* "renew": part of claims */
    md_group group;          /* where its records are */
    const md_stage *stages;  /* ends with name NULL */
    int heavy;               /* counts as an order in progress from the first step that goes on until done or failed */
    /** Is there something to do? *at in the past or now: begin; later: look again then; 0: never. Also heals records that contradict
     *  the facts. Cheap: called for every domain at start. */
    md_err *(*due)(md_step *step, apr_time_t *at);
    /** When to try again after a failed step. */
    apr_time_t (*retry_at)(const md_step *step, const md_err *err);
} md_kind;

typedef struct md_engine md_engine;

/** Enters every domain of the plan, due after MDInitialDelay (spread by nothing: records are looked at first). Starts no thread yet. */
md_engine *md_engine_make(const md_core *core, const md_kind *const *kinds, apr_pool_t *p);
/** Starts serving: a scheduler thread and up to `max_threads` workers (1..8) on demand. */
MD_MUST md_err *md_engine_start(md_engine *engine, int max_threads);
/** Stops within a second: requests in flight are cut off, threads joined. Nothing is lost: a step cut off is repeated. */
void md_engine_stop(md_engine *engine);
/** Looks at a domain again now (its configuration or facts changed). Thread safe. */
void md_engine_poke(md_engine *engine, const md_domain *domain);
/** For tests and the command line, without threads: runs what is due until nothing is due before `until`; the clock must be a fake one, or
 *  waits are slept. Returns the number of steps. */
int md_engine_run(md_engine *engine, apr_time_t until);
/** Runs exactly one step of a job: claim, load, stage, save. *at: when to call again; 0: never. The engine's heart, and the seam for the crash tests. */
MD_MUST md_err *md_engine_step(const md_core *core, const md_kind *kind, const md_domain *domain, md_cas *cas, md_http *http,
                               apr_pool_t *p, apr_time_t *at, int *in_progress);

#endif
