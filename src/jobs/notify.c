/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which events are told how often is a table; everything else is the same for all of them.
 */
#include "jobs/notify.h"

#include <apr_strings.h>
#include <string.h>

#include "base/log.h"

#define HOUR           apr_time_from_sec(3600)
#define TIMEOUT        apr_time_from_sec(120)
#define PATIENCE       apr_time_from_sec(5) /* of an event that is told once, for its turn */
#define LOOK_EACH      apr_time_from_msec(50)
#define NOTIFY_FAILED  "urn:org:apache:httpd:log:AH10108:"
#define MESSAGE_FAILED "urn:org:apache:httpd:log:AH10109:"

static const struct {
    const char *event;
    apr_interval_time_t gap; /* within which it is not told again */
    int once;                /* nobody asks again: it waits for its turn */
} events[] = {
    { "renewing", HOUR, 0 },          { "renewed", 24 * HOUR, 0 },  { "installed", 24 * HOUR, 1 },
    { "activated", 24 * HOUR, 1 },    { "expiring", 24 * HOUR, 1 }, { "errored", HOUR, 1 },
    { "ocsp-renewed", 24 * HOUR, 1 }, { "ocsp-errored", HOUR, 1 },
};

static int row_of(const char *event)
{
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); ++i)
        if (!strcmp(events[i].event, event))
            return (int)i;
    return -1;
}

static const char *note_of(const char *event, char *into, size_t size)
{
    apr_snprintf(into, size, "message-%s", event);
    return into;
}

int md_notify_is_due(const md_job *job, const char *event, apr_time_t now)
{
    const int row = row_of(event);
    char note[32];
    apr_time_t told;

    if (!job || row < 0)
        return 1;
    told = md_job_noted(job, note_of(event, note, sizeof(note)));
    return !told || told > now || now - told >= events[row].gap;
}

void md_notify_told(md_job *job, const char *event, apr_time_t now)
{
    char note[32];

    if (job && row_of(event) >= 0)
        md_job_note(job, now, note_of(event, note, sizeof(note)), NULL, NULL);
}

void md_notify_init(md_notify *notify, const md_policy *policy, const md_exec_limits *limits)
{
    *notify = (md_notify){ policy->notify_cmd, policy->message_cmd, limits };
}

/** A command, and what its failure is called. */
typedef struct calling {
    const char *directive, *problem;
    md_exec_limits limits;
} calling;

static md_err *run(const calling *as, const md_names *argv, apr_pool_t *p)
{
    md_exec_result result;
    md_err *err = md_exec(argv, &as->limits, p, &result);

    if (err && (!strcmp(err->type, "md:cancelled") || !strcmp(err->type, "md:busy")))
        return err;
    if (err) {
        err = md_wrap(p, err, "%s failed", as->directive);
        err->type = as->problem;
        return err;
    }
    if (!result.exit_code)
        return NULL;
    return md_fail(p, MD_FAULT_LOCAL, as->problem, "%s (%s) ended with exit code %d%s%s", as->directive,
                   MD_NAME(argv, 0), result.exit_code, *result.last_words ? ": " : "",
                   md_excerpt(md_bytes_of(result.last_words), 200, p));
}

md_err *md_notify_message(const md_notify *notify, const char *event, const char *domain, apr_pool_t *p,
                          md_names **argv)
{
    *argv = NULL;
    if (!notify->message_cmd)
        return NULL;
    MD_TRY(md_command_words(notify->message_cmd, p, argv));
    md_names_add(*argv, event);
    md_names_add(*argv, domain);
    return NULL;
}

static md_err *run_notify(const md_notify *notify, const md_event *event, const md_exec_limits *limits,
                          apr_pool_t *p)
{
    const calling as = { "MDNotifyCmd", NOTIFY_FAILED, *limits };
    md_names *argv;

    if (!notify->notify_cmd || strcmp(event->name, "renewed") != 0)
        return NULL;
    MD_TRY(md_command_words(notify->notify_cmd, p, &argv));
    md_names_add(argv, event->domain);
    return run(&as, argv, p);
}

static md_err *run_message(const md_notify *notify, const md_event *event, const md_exec_limits *limits,
                           apr_pool_t *p)
{
    const calling as = { "MDMessageCmd", MESSAGE_FAILED, *limits };
    md_names *argv;

    MD_TRY(md_notify_message(notify, event->name, event->domain, p, &argv));
    return argv ? run(&as, argv, p) : NULL;
}

md_err *md_notify_on_event(void *self, const md_event *event, apr_pool_t *p)
{
    const md_notify *notify = self;
    md_exec_limits limits = *notify->limits;
    const int row = row_of(event->name);

    if (!md_notify_is_due(event->job, event->name, event->when)) {
        md_log(MD_LOG_DEBUG, 10267, "%s: \"%s\" was told not long ago and is not told again", event->domain,
               event->name);
        return NULL;
    }
    limits.patience = row >= 0 && events[row].once ? PATIENCE : 0;
    MD_TRY(run_notify(notify, event, &limits, p));
    MD_TRY(run_message(notify, event, &limits, p));
    md_notify_told(event->job, event->name, event->when);
    return NULL;
}
