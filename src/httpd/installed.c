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

/** One domain to tell about, in a list. */
typedef struct telling {
    md_installed *of;
    const md_domain *domain;
    apr_proc_t process; /* pid 0: not begun */
    apr_time_t since;
    int ended;
} telling;

struct md_installed {
    md_store *store;
    const md_plan *plan;
    const md_notify *notify;
    apr_pool_t *p;
    telling *each;          /* one a domain */
    unsigned char *waiting; /* of each: 1 to be told, 2 is being told */
    int count, running;
};

enum { IDLE, WAITS, RUNS };

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
    made->waiting = apr_pcalloc(p, (apr_size_t)plan->domains->nelts);
    return made;
}

void md_installed_add(md_installed *installed, const md_domain *domain)
{
    if (!installed->each || installed->waiting[domain->index] != IDLE)
        return;
    installed->each[domain->index] = (telling){ .of = installed, .domain = domain };
    installed->waiting[domain->index] = WAITS;
    ++installed->count;
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

static void on_end(int reason, void *data, int status)
{
    telling *of = data;
    apr_pool_t *p;

    if (reason == APR_OC_REASON_UNREGISTER || reason == APR_OC_REASON_RESTART || of->ended)
        return; /* the configuration ends; the command may go on */
    of->ended = 1;
    --of->of->running;
    of->of->waiting[of->domain->index] = IDLE;
    apr_pool_create(&p, NULL);
    if (reason != APR_OC_REASON_DEATH)
        say_failed(of, "was lost");
    else if (status) /* httpd does not tell which of both it is */
        say_failed(of, apr_psprintf(p, "ended with %d (its exit code, or the signal that ended it)", status));
    else
        note_told(of, p);
    apr_pool_destroy(p);
    apr_proc_other_child_unregister(of);
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

static void begin(telling *of, apr_time_t now, apr_pool_t *p)
{
    md_installed *installed = of->of;
    md_err *err = start(of, p);

    --installed->count;
    installed->waiting[of->domain->index] = err ? IDLE : RUNS;
    of->since = now;
    if (err)
        say_failed(of, md_err_text(err, p));
    else
        ++installed->running;
}

void md_installed_round(md_installed *installed, apr_time_t now, apr_pool_t *p)
{
    if (!installed->each || (!installed->count && !installed->running))
        return;
    for (int i = 0; i < installed->plan->domains->nelts; ++i) {
        telling *of = &installed->each[i];

        if (installed->waiting[i] == WAITS && installed->running < installed->notify->limits->turns->most)
            begin(of, now, p);
        else if (installed->waiting[i] == RUNS && now - of->since > installed->notify->limits->timeout)
            kill(of->process.pid, SIGKILL);
    }
}
