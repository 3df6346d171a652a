/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands are children of the parent like those that serve requests; httpd, which waits for all of them,
 * tells us when one has ended.
 */
#include "httpd/installed.h"

#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <signal.h>
#include <string.h>

#include "base/log.h"

#define EVENT "installed"

enum { RUNNING_MAX = 16 };

/** One domain to tell about. */
typedef struct telling {
    md_installed *of;
    const md_domain *domain; /* NULL: nothing to tell */
    apr_proc_t process;
    apr_time_t since;
} telling;

struct md_installed {
    md_store *store;
    const md_plan *plan;
    const md_notify *notify;
    apr_pool_t *p;
    telling *each;   /* one a domain; NULL without a command */
    telling **queue; /* a ring with room for all domains */
    int head, count; /* of the queue */
    telling *running[RUNNING_MAX];
};

md_installed *md_installed_make(md_store *store, const md_plan *plan, const md_notify *notify, apr_pool_t *p)
{
    md_installed *made = apr_pcalloc(p, sizeof(*made));

    made->store = store;
    made->plan = plan;
    made->notify = notify;
    made->p = p;
    if (!notify->message_cmd)
        return made;
    made->each = apr_pcalloc(p, (apr_size_t)plan->domains->nelts * sizeof(*made->each));
    made->queue = apr_pcalloc(p, (apr_size_t)plan->domains->nelts * sizeof(telling *));
    return made;
}

void md_installed_add(md_installed *installed, const md_domain *domain)
{
    telling *add = installed->each ? &installed->each[domain->index] : NULL;

    if (!add || add->domain)
        return;
    *add = (telling){ .of = installed, .domain = domain };
    installed->queue[(installed->head + installed->count++) % installed->plan->domains->nelts] = add;
}

void md_installed_find(md_installed *installed, apr_pool_t *p)
{
    apr_pool_t *each;

    if (!installed->each)
        return;
    apr_pool_create(&each, p);
    for (int i = 0; i < installed->plan->domains->nelts; ++i) {
        const md_domain *domain = MD_DOMAIN(installed->plan, i);
        md_job *job;

        apr_pool_clear(each);
        if (!md_job_load(installed->store, MD_GROUP_DOMAINS, domain->name, each, &job) && job->finished &&
            !md_job_noted(job, "message-" EVENT))
            md_installed_add(installed, domain);
    }
    apr_pool_destroy(each);
}

/** The record in DOMAINS says that it was told. */
static void note_told(const telling *of, apr_pool_t *p)
{
    md_store *store = of->of->store;
    md_job *job;
    md_err *err = md_job_load(store, MD_GROUP_DOMAINS, of->domain->name, p, &job);

    if (!err) {
        md_notify_told(job, EVENT, apr_time_now());
        err = md_job_save(store, job, p);
    }
    if (err)
        md_log_err(MD_LOG_WARN, 0, of->domain->name, "noting that MDMessageCmd was called", err,
                   "It is called again after the next start:");
}

static void say_failed(const telling *of, const char *why)
{
    md_log(MD_LOG_ERROR, 10109,
           "%s: MDMessageCmd for \"" EVENT "\" %s; it is called again after the next start", of->domain->name,
           why);
}

static int place_of(const md_installed *installed, const telling *of)
{
    for (int i = 0; i < RUNNING_MAX; ++i)
        if (installed->running[i] == of)
            return i;
    return -1;
}

static void begin_next(md_installed *installed, apr_time_t now, apr_pool_t *p);

static void on_end(int reason, void *data, int status)
{
    telling *of = data;
    const int place = place_of(of->of, of);
    apr_pool_t *p;

    if (reason == APR_OC_REASON_UNREGISTER || reason == APR_OC_REASON_RESTART || place < 0)
        return; /* the configuration ends; the command may go on */
    of->of->running[place] = NULL;
    apr_pool_create(&p, NULL);
    if (reason != APR_OC_REASON_DEATH)
        say_failed(of, "was lost");
    else if (status) /* httpd does not tell which of both it is */
        say_failed(of, apr_psprintf(p, "ended with %d (its exit code, or the signal that ended it)", status));
    else
        note_told(of, p);
    apr_proc_other_child_unregister(of);
    of->domain = NULL;
    begin_next(of->of, apr_time_now(), p);
    apr_pool_destroy(p);
}

static const char *const *vector_of(const md_names *words, apr_pool_t *p)
{
    const char **vector = apr_pcalloc(p, ((apr_size_t)words->nelts + 1) * sizeof(*vector));

    for (int i = 0; i < words->nelts; ++i)
        vector[i] = MD_NAME(words, i);
    return vector;
}

/** Its output goes where ours does. */
static md_err *start(telling *of, apr_pool_t *p)
{
    apr_procattr_t *how;
    md_names *argv;
    apr_status_t status;

    MD_TRY(md_notify_message(of->of->notify, EVENT, of->domain->name, p, &argv));
    status = apr_procattr_create(&how, p);
    if (!status)
        status = apr_procattr_cmdtype_set(how, APR_PROGRAM_ENV);
    if (!status)
        status = apr_procattr_error_check_set(how, 1);
    if (!status)
        status = apr_proc_create(&of->process, MD_NAME(argv, 0), vector_of(argv, p), NULL, how, p);
    if (status)
        return md_fail_status(p, status, "MDMessageCmd: %s cannot be run", MD_NAME(argv, 0));
    apr_proc_other_child_register(&of->process, on_end, of, NULL, of->of->p);
    return NULL;
}

/** Starts what waits as long as there is a place. */
static void begin_next(md_installed *installed, apr_time_t now, apr_pool_t *p)
{
    const int most = installed->notify->limits->turns->most;

    for (int place = 0; installed->count && place < most && place < RUNNING_MAX; ++place) {
        telling *of = installed->queue[installed->head];
        md_err *err;

        if (installed->running[place])
            continue;
        installed->head = (installed->head + 1) % installed->plan->domains->nelts;
        --installed->count;
        of->since = now;
        err = start(of, p);
        installed->running[place] = err ? NULL : of;
        if (err) {
            say_failed(of, md_err_text(err, p));
            of->domain = NULL;
        }
    }
}

void md_installed_round(md_installed *installed, apr_time_t now, apr_pool_t *p)
{
    for (int i = 0; i < RUNNING_MAX; ++i)
        if (installed->running[i] && now - installed->running[i]->since > installed->notify->limits->timeout)
            kill(installed->running[i]->process.pid, SIGKILL);
    begin_next(installed, now, p);
}
