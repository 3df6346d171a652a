/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job.json. The keys are those that administrators and tools know; `stage` is ours.
 */
#include "jobs/job.h"

#include <apr_strings.h>
#include <string.h>

#define FILE_NAME  "job.json"
#define ERRORS_MAX 1000000

md_job *md_job_make(md_group group, const char *domain, apr_pool_t *p)
{
    md_job *job = apr_pcalloc(p, sizeof(*job));

    job->domain = apr_pstrdup(p, domain);
    job->group = group;
    job->file = FILE_NAME;
    job->last = md_json_object(p);
    job->log = md_own_json(p, json_array());
    return job;
}

static void read_log(const json_t *doc, md_job *job)
{
    const json_t *entries = md_json_at(doc, "log.entries");
    size_t count = json_array_size(entries);

    for (size_t i = 0; i < count && json_array_size(job->log) < MD_JOB_LOG_MAX; ++i) {
        json_t *entry = json_array_get(entries, i);

        if (md_json_text(entry, "type"))
            json_array_append(job->log, entry);
    }
}

static int read_errors(const json_t *doc)
{
    json_int_t errors = md_json_int(doc, "errors", 0);

    return errors < 0 ? 0 : errors > ERRORS_MAX ? ERRORS_MAX : (int)errors;
}

md_job *md_job_from_json(const json_t *doc, md_group group, const char *domain, apr_pool_t *p)
{
    md_job *job = md_job_make(group, domain, p);
    json_t *last = json_object_get(doc, "last");

    job->stage = apr_pstrdup(p, md_json_text(doc, "stage"));
    job->finished = md_json_flag(doc, "finished", 0);
    job->notified = md_json_flag(doc, "notified", 0);
    job->notified_renewed = md_json_flag(doc, "notified-renewed", 0);
    job->next_run = md_json_date(doc, "next-run");
    job->last_run = md_json_date(doc, "last-run");
    job->valid_from = md_json_date(doc, "valid-from");
    job->ready_at = md_json_date(doc, "ready-at");
    job->errors = read_errors(doc);
    if (json_is_object(last))
        job->last = md_own_json(p, json_incref(last));
    read_log(doc, job);
    return job;
}

/** Everything but the log. */
static json_t *head_to_json(const md_job *job, apr_pool_t *p)
{
    json_t *doc = md_json_object(p);

    md_json_set_text(doc, "name", job->domain);
    md_json_set_flag(doc, "finished", job->finished);
    md_json_set_flag(doc, "notified", job->notified);
    md_json_set_flag(doc, "notified-renewed", job->notified_renewed);
    md_json_set_date(doc, "next-run", job->next_run);
    md_json_set_date(doc, "last-run", job->last_run);
    md_json_set_date(doc, "valid-from", job->valid_from);
    md_json_set_date(doc, "ready-at", job->ready_at);
    md_json_set_int(doc, "errors", job->errors);
    md_json_set_text(doc, "stage", job->stage);
    if (json_object_size(job->last))
        md_json_set(doc, "last", json_incref(job->last));
    return doc;
}

json_t *md_job_to_json(const md_job *job, apr_pool_t *p)
{
    json_t *doc = head_to_json(job, p);

    md_json_set(doc, "log.entries", json_incref(job->log));
    return doc;
}

json_t *md_job_shown(const md_job *job, int with_log, apr_pool_t *p)
{
    return with_log ? md_job_to_json(job, p) : head_to_json(job, p);
}

md_err *md_job_load(md_store *store, md_group group, const char *domain, apr_pool_t *p, md_job **out)
{
    return md_job_load_at(store, MD_PLACE(group, domain, FILE_NAME), p, out);
}

md_err *md_job_load_at(md_store *store, md_place place, apr_pool_t *p, md_job **out)
{
    const md_err *damage;
    md_bytes text;
    json_t *doc;

    *out = NULL;
    MD_TRY(md_store_load(store, place, p, &text));
    *out = md_job_make(place.group, place.name, p);
    (*out)->file = place.file;
    if (!text.data)
        return NULL;
    damage = md_json_read(text, p, &doc);
    if (!damage && !json_is_object(doc))
        damage = md_fail(p, MD_FAULT_LOCAL, "md:bad-file", "it is no JSON object");
    if (damage) {
        md_store_set_aside(store, place, md_err_text(damage, p), p);
        return NULL;
    }
    *out = md_job_from_json(doc, place.group, place.name, p);
    (*out)->file = place.file;
    return NULL;
}

md_err *md_job_save(md_store *store, md_job *job, apr_pool_t *p)
{
    md_place place = MD_PLACE(job->group, job->domain, job->file);
    const char *text = md_json_text_of(md_job_to_json(job, p), p);

    if (job->change == MD_JOB_MATTERS)
        MD_TRY(md_store_save_text(store, place, text, p));
    else
        MD_TRY(md_store_save_scratch(store, place, &(md_file){ .value = md_bytes_of(text) }, p));
    job->change = MD_JOB_AS_STORED;
    return NULL;
}

int md_job_is_begun(const md_job *job)
{
    return job->finished || job->errors || job->stage || job->last_run || job->next_run ||
           json_object_size(job->last) || md_job_noted(job, "starting");
}

void md_job_changed(md_job *job, md_job_change change)
{
    if (job->change < change)
        job->change = change;
}

void md_job_note(md_job *job, apr_time_t when, const char *type, const char *status, const char *detail)
{
    json_t *entry = json_object();

    md_json_set_date(entry, "when", when);
    md_json_set_text(entry, "type", type);
    md_json_set_text(entry, "status", status);
    md_json_set_text(entry, "detail", detail);
    json_array_insert_new(job->log, 0, entry);
    while (json_array_size(job->log) > MD_JOB_LOG_MAX)
        json_array_remove(job->log, json_array_size(job->log) - 1);
    md_job_changed(job, MD_JOB_PROGRESS);
}

apr_time_t md_job_noted(const md_job *job, const char *type)
{
    for (size_t i = 0; i < json_array_size(job->log); ++i) {
        const json_t *entry = json_array_get(job->log, i);
        const char *is = md_json_text(entry, "type");

        if (is && !strcmp(is, type))
            return md_json_date(entry, "when");
    }
    return 0;
}

void md_job_doing(md_job *job, const char *activity, const char *detail)
{
    json_object_clear(job->last);
    md_json_set_int(job->last, "status", 0);
    md_json_set_text(job->last, "activity", activity);
    md_json_set_text(job->last, "detail", detail);
    md_job_changed(job, MD_JOB_PROGRESS);
}

void md_job_failed(md_job *job, const char *activity, const md_err *err, apr_pool_t *p)
{
    json_object_clear(job->last);
    md_json_set_text(job->last, "activity", activity);
    md_err_to_json(err, job->last, p);
    md_job_changed(job, MD_JOB_MATTERS);
}
