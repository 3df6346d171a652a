/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which events are told how often is a table; everything else is the same for all of them.
 */
#include "jobs/notify.h"

#include <apr_strings.h>
#include <string.h>
#include <unistd.h>

#include "base/exec.h"

#define HOUR           apr_time_from_sec(3600)
#define TIMEOUT        apr_time_from_sec(120)
#define PATIENCE       apr_time_from_sec(5) /* of an event that is told once, for its turn */
#define LOOK_EACH      apr_time_from_msec(50)
#define NOTIFY_FAILED  "urn:org:apache:httpd:log:AH10108:"
#define MESSAGE_FAILED "urn:org:apache:httpd:log:AH10109:"

enum { COMMANDS_AT_ONCE = 4 };

static const struct {
    const char *event;
    apr_interval_time_t gap; /* within which it is not told again */
    int once;                /* nobody asks again: it waits for its turn */
} events[] = {
    { "renewing", HOUR, 0 },       { "renewed", 24 * HOUR, 0 },  { "installed", 24 * HOUR, 1 },
    { "activated", 24 * HOUR, 1 }, { "expiring", 24 * HOUR, 1 }, { "errored", HOUR, 1 },
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

void md_notify_init(md_notify *notify, const md_policy *policy)
{
    *notify = (md_notify){ .notify_cmd = policy->notify_cmd,
                           .message_cmd = policy->message_cmd,
                           .timeout = TIMEOUT,
                           .most = COMMANDS_AT_ONCE };
}

/** True and counted, or false: too many run. */
static int take_turn(md_notify *notify, int once)
{
    const apr_time_t end = apr_time_now() + (once ? PATIENCE : 0);

    for (;;) {
        int running = atomic_load(&notify->running);

        while (running < notify->most)
            if (atomic_compare_exchange_weak(&notify->running, &running, running + 1))
                return 1;
        if (apr_time_now() >= end)
            return 0;
        usleep((useconds_t)LOOK_EACH);
    }
}

static md_err *run(const md_notify *notify, const char *directive, const char *problem, const md_names *argv,
                   apr_pool_t *p)
{
    const md_exec_limits limits = { notify->timeout, notify->cancelled };
    md_exec_result result;
    md_err *err = md_exec(argv, &limits, p, &result);

    if (err && !strcmp(err->type, "md:cancelled"))
        return err;
    if (err) {
        err = md_wrap(p, err, "%s failed", directive);
        err->type = problem;
        return err;
    }
    if (!result.exit_code)
        return NULL;
    return md_fail(p, MD_FAULT_LOCAL, problem, "%s (%s) ended with exit code %d%s%s", directive,
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

static md_err *run_notify(const md_notify *notify, const md_event *event, apr_pool_t *p)
{
    md_names *argv;

    if (!notify->notify_cmd || strcmp(event->name, "renewed") != 0)
        return NULL;
    MD_TRY(md_command_words(notify->notify_cmd, p, &argv));
    md_names_add(argv, event->domain);
    return run(notify, "MDNotifyCmd", NOTIFY_FAILED, argv, p);
}

static md_err *run_message(const md_notify *notify, const md_event *event, apr_pool_t *p)
{
    md_names *argv;

    MD_TRY(md_notify_message(notify, event->name, event->domain, p, &argv));
    return argv ? run(notify, "MDMessageCmd", MESSAGE_FAILED, argv, p) : NULL;
}

md_err *md_notify_on_event(void *self, const md_event *event, apr_pool_t *p)
{
    md_notify *notify = self;
    const int row = row_of(event->name);
    md_err *err;

    if (!md_notify_is_due(event->job, event->name, event->when))
        return NULL;
    if (!notify->notify_cmd && !notify->message_cmd) {
        md_notify_told(event->job, event->name, event->when);
        return NULL;
    }
    if (!take_turn(notify, row >= 0 && events[row].once))
        return md_fail(p, MD_FAULT_LOCAL, "md:busy", "%d commands are running already", notify->most);
    err = run_notify(notify, event, p);
    if (!err)
        err = run_message(notify, event, p);
    atomic_fetch_sub(&notify->running, 1);
    if (!err)
        md_notify_told(event->job, event->name, event->when);
    return err;
}
