/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events become entries of the types that administrators know (status format, "Log entry types").
 */
#include "jobs/joblog.h"

#include <apr_strings.h>
#include <string.h>

static const struct {
    const char *event, *type;
} entries[] = {
    { "renewing", "starting" },     { "renewed", "finished" },        { "errored", "renewal-error" },
    { "ocsp-renewed", "finished" }, { "ocsp-errored", "ocsp-error" },
};

static const char *type_of(const char *event)
{
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); ++i)
        if (!strcmp(entries[i].event, event))
            return entries[i].type;
    return "progress";
}

static md_err *note(void *self, const md_event *event, apr_pool_t *p)
{
    const char *text = event->text ? event->text : event->name;

    (void)self;
    if (!event->job)
        return NULL;
    md_job_note(event->job, event->when, type_of(event->name), event->err ? event->err->type : NULL,
                event->err ? md_err_text(event->err, p) : text);
    return NULL;
}

const md_subscriber md_joblog = { "the job's log", note, NULL };
const md_events md_joblog_only = { &md_joblog, 1 };
