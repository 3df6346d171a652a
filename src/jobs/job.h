/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The persisted record of work on a domain: stage, errors, next run, log. Loaded for a step, saved,
 * forgotten. It never decides what is true: stages look at facts (files, order, time), the record only says
 * where to look first.
 */
#ifndef MD_JOBS_JOB_H
#define MD_JOBS_JOB_H

#include "store/store.h"

#define MD_JOB_LOG_MAX 128

/** How much it matters that a change of the record is kept. */
typedef enum md_job_change {
    MD_JOB_AS_STORED,
    MD_JOB_PROGRESS, /* for those who look at the status: may be lost with the power */
    MD_JOB_MATTERS   /* errors and the next run, which keep us from pestering a CA; results */
} md_job_change;

typedef struct md_job {
    const char *domain;
    md_group group;    /* STAGING while working; DOMAINS after activation; OCSP for staples */
    const char *file;  /* "job.json", or the record of one of several jobs of a domain */
    const char *stage; /* where it stood when the record was saved, or NULL */
    int finished;      /* a complete verified set is staged */
    int notified, notified_renewed;
    apr_time_t next_run, last_run, valid_from;
    apr_time_t ready_at;  /* the staged set goes live then, not earlier */
    int errors;           /* in a row */
    json_t *last;         /* object, see md_err_to_json; never NULL */
    json_t *log;          /* array, newest first; never NULL */
    md_job_change change; /* against what is stored */
} md_job;

/** A fresh record. */
md_job *md_job_make(md_group group, const char *domain, apr_pool_t *p);
/** Reads what outsiders may have written: members of a wrong type count as absent, numbers and the log are
 * bounded. */
md_job *md_job_from_json(const json_t *doc, md_group group, const char *domain, apr_pool_t *p);
json_t *md_job_to_json(const md_job *job, apr_pool_t *p);
/** Absent or damaged (set aside): a fresh record. `p` owns everything. */
MD_MUST md_err *md_job_load(md_store *store, md_group group, const char *domain, apr_pool_t *p, md_job **out);
/** The same for a record in another file; `place` must live as long as the record. */
MD_MUST md_err *md_job_load_at(md_store *store, md_place place, apr_pool_t *p, md_job **out);
/** Durable when the change matters. */
MD_MUST md_err *md_job_save(md_store *store, md_job *job, apr_pool_t *p);
/** For status: without the log unless `with_log`. */
json_t *md_job_shown(const md_job *job, int with_log, apr_pool_t *p);
/** Was work begun? A record may also be there only because somebody was told of the domain, see its log. */
int md_job_is_begun(const md_job *job);
/** Puts an entry in front of the log: type "progress", "starting", "finished", "renewal-error",
 * "message-<event>" ...; others may be NULL. */
void md_job_note(md_job *job, apr_time_t when, const char *type, const char *status, const char *detail);
/** Time of the newest entry of a type, 0 if none. */
apr_time_t md_job_noted(const md_job *job, const char *type);
/** Sets `last` for progress ("activity", "detail") or from a failure. */
void md_job_doing(md_job *job, const char *activity, const char *detail);
void md_job_failed(md_job *job, const char *activity, const md_err *err, apr_pool_t *p);
/** Notes a change; a lesser one does not hide a greater one. */
void md_job_changed(md_job *job, md_job_change change);

#endif
