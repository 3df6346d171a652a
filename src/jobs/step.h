/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One step of a job: claim it, load its record, run a stage and those that can follow at once, apply what
 * they say, save. Kinds of jobs are tables of stages; a stage makes at most one request, is safe to run
 * twice, and says what next.
 */
#ifndef MD_JOBS_STEP_H
#define MD_JOBS_STEP_H

#include "base/log.h"
#include "jobs/core.h"
#include "jobs/repeat.h"
#include "ocsp/responder.h"

/** What a stage says. */
typedef struct md_next {
    enum { MD_GO_ON, MD_GO_TO, MD_WAIT, MD_DONE, MD_FAILED } verdict;
    apr_time_t at;     /* MD_WAIT: when to run this stage again. MD_DONE: next look, 0: never */
    int aside;         /* MD_WAIT: others may have the turn of its order until then */
    const char *stage; /* MD_GO_TO */
    md_err *err;       /* MD_FAILED */
} md_next;
#define NEXT_STAGE          ((md_next){ .verdict = MD_GO_ON })
#define GO_TO(s)            ((md_next){ .verdict = MD_GO_TO, .stage = (s) })
#define AGAIN_AT(t)         ((md_next){ .verdict = MD_WAIT, .at = (t) })
#define STEP_ASIDE_UNTIL(t) ((md_next){ .verdict = MD_WAIT, .at = (t), .aside = 1 })
#define FINISHED(t)         ((md_next){ .verdict = MD_DONE, .at = (t) })
#define FAILED(e)           ((md_next){ .verdict = MD_FAILED, .err = (e) })

typedef struct md_step md_step;
typedef md_next md_stage_fn(md_step *step);

typedef struct md_stage {
    const char *name;  /* in job.json and for GO_TO */
    const char *doing; /* status text: "placing the order" */
    md_stage_fn *run;
    int calls; /* talks to the CA: runs only while the CA's gate is open */
    int order; /* belongs to an order in progress, whose number is bounded */
} md_stage;

typedef struct md_work md_work;

/** The jobs of a kind that has not one for each domain of the plan. */
typedef struct md_kind_jobs {
    int (*count)(const md_core *core);
    /** Sets domain and item of the i-th. */
    void (*enter)(const md_core *core, int i, md_work *work);
    /** Those of a domain: how many, and the first of them. */
    int (*of_domain)(const md_core *core, const md_domain *domain, int *first);
} md_kind_jobs;

/** A kind of job. */
typedef struct md_kind {
    const char *name;       /* "renew": part of claims */
    const char *doing;      /* for messages: "Renewing" */
    md_group group;         /* where its records are */
    const md_stage *stages; /* ends with name NULL */
    /** Is there something to do? *at in the past or now: begin; later: look again then; 0: never. Also heals
     * records that contradict the facts. Cheap: called for every domain at start. */
    md_err *(*due)(md_step *step, apr_time_t *at);
    /** Runs a stage together with what surrounds each of this kind. NULL: nothing does. */
    md_next (*run)(md_step *step, const md_stage *stage);
    const md_kind_jobs *jobs; /* NULL: one for each domain of the plan */
    /** Comes first in each step, before claim and record: sets `part`, and `data` if it likes. NULL: not
     * needed.
     */
    md_err *(*open)(md_step *step);
    const char *errored; /* event of a failure; NULL: "errored" */
    int failed_id;       /* log id of a failure, or 0 */
    /** When to try again after a failure, and how loudly it is told. NULL: as for renewals. */
    apr_time_t (*retry)(md_step *step, const md_err *err, md_level *level);
} md_kind;

/**
 * What is remembered of a job between two steps, in memory alone. Losing it costs a repeated request, never a
 * result: without it a job begins at its first stage, and each stage sees from the store what is done
 * already.
 */
struct md_work {
    const md_kind *kind;
    const md_domain *domain;
    const void *item;      /* of the kind: what the job is about, if not the domain */
    const md_stage *stage; /* to run next; NULL: look first whether something is due */
    apr_time_t at;         /* when; 0: never */
    apr_time_t since;      /* when this stage was entered */
    int errors;            /* in a row, also when they could not be recorded */
    md_repeat told;        /* of its failures, in the log */
    int urged;             /* by a person: does not wait because of earlier failures */
    int aside;             /* while it waits, others may have the turn of its order */
    int busy;              /* the last step was not run: somebody else has the job's claim */
    int index;             /* of the stage: which one of several */
    int again;             /* of the kind: bits of what was repeated once in this attempt */
    char *note;            /* of the kind: malloc'd text for the stage that comes next, or NULL */
};

/** What the steps of one thread share. */
typedef struct md_desk {
    const md_core *core;
    md_cas *cas;
    md_responders *responders;
    md_http *http;
    /** Looks at all jobs of a domain again now; NULL: there are no others. */
    void (*poke)(void *engine, const md_domain *domain);
    void *engine;
} md_desk;

/** What a stage sees. Everything but `desk`, `work` and `domain` lives for one step. */
struct md_step {
    const md_desk *desk;
    const md_core *core;
    const md_domain *domain;
    md_work *work;
    const char *part; /* which of the domain's jobs, set by the kind; NULL: it has only one */
    md_job *job;
    apr_time_t now;
    apr_pool_t *p;
    void *data;         /* of the kind */
    const char *ca_url; /* of the kind: the CA at work, or NULL */
    int changed;        /* something of the domain in the store may be another now */
};

/**
 * Runs one step and sets `work` for the next one. A failure of the step was logged and recorded already; it
 * is returned for those who want to show it.
 */
md_err *md_step_run(const md_desk *desk, md_work *work, apr_pool_t *p);
/** Looks at the domain's other jobs again now: something that they care for has changed. */
void md_step_poke(const md_step *step);
/** Sets or removes (NULL) the note. */
void md_work_note(md_work *work, const char *note);
/** Forgets the attempt: the next step looks first whether something is due. */
void md_work_rest(md_work *work, apr_time_t at);

#endif
