/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watchdog's thread only starts and stops the engine, which has threads of its own. Its mutex is given
 * back by the system when the process ends in whatever way, so the engine is never lost for longer than
 * another child needs to notice.
 */
#include "httpd/watch.h"

#include <http_config.h>
#include <mod_watchdog.h>
#include <pthread.h>

#include "base/log.h"
#include "jobs/asked.h"
#include "jobs/engine.h"
#include "jobs/kind_ocsp.h"
#include "jobs/kind_renew.h"

#define WATCHDOG_NAME "_md_renew_"
#define LOOK_EVERY    apr_time_from_sec(1)

enum { ENGINE_THREADS = 8 };

static const md_kind *const kinds[] = { &md_kind_renew, &md_kind_ocsp, NULL };

/** The engine of this child, if it has it. */
struct md_watch {
    const md_run *run;
    pthread_mutex_t
        lock; /* of what follows: the watchdog's thread and the one that ends the child meet here */
    int closed;
    apr_pool_t *pool;
    md_engine *engine;
    apr_hash_t *heard; /* name of a domain -> time of the request for it that the engine was told of */
    atomic_int ending;
};

static void begin(md_watch *here)
{
    md_err *err;

    if (here->engine || here->closed)
        return;
    atomic_store(&here->ending, 0);
    apr_pool_create(&here->pool, NULL);
    here->heard = apr_hash_make(here->pool);
    here->engine = md_engine_make(&here->run->core, kinds, here->pool);
    err = md_engine_start(here->engine, ENGINE_THREADS);
    if (!err) {
        md_log(MD_LOG_DEBUG, 10054, "this process looks after %d managed domain(s)", here->run->watched);
        return;
    }
    md_log_err(MD_LOG_ERROR, 10062, NULL, "starting the engine", err,
               "Certificates cannot be renewed, next try in %d s:", (int)apr_time_sec(LOOK_EVERY));
    here->engine = NULL;
    apr_pool_destroy(here->pool);
}

static void hear(md_watch *here, const md_domain *domain, apr_pool_t *p)
{
    const apr_time_t asked = md_asked(here->run->core.store, domain->name, p);
    apr_time_t *known = apr_hash_get(here->heard, domain->name, APR_HASH_KEY_STRING);

    if (!asked || (known && *known == asked))
        return;
    if (!known)
        known = apr_palloc(here->pool, sizeof(*known));
    *known = asked;
    apr_hash_set(here->heard, domain->name, APR_HASH_KEY_STRING, known);
    md_log(MD_LOG_INFO, 0, "%s: its renewal is asked for by a2md", domain->name);
    md_engine_poke(here->engine, domain);
}

/** Renewals that a2md asks for. That the folder cannot be read is not the end of the world. */
static void listen_to_others(md_watch *here)
{
    md_names *names = NULL;
    apr_pool_t *p;

    if (!here->engine)
        return;
    apr_pool_create(&p, NULL);
    if (!md_asked_all(here->run->core.store, p, &names))
        for (int i = 0; i < names->nelts; ++i) {
            const md_domain *domain = md_plan_named(here->run->plan, MD_NAME(names, i));

            if (domain)
                hear(here, domain, p);
        }
    apr_pool_destroy(p);
}

/** For the status pages of all children. */
static void tell_load(const md_watch *here)
{
    md_load load = { .beat = md_now(here->run->core.clock) };
    int in_progress, queued;

    if (!here->engine)
        return;
    md_engine_load(here->engine, &in_progress, &queued);
    load.in_progress = (unsigned)in_progress;
    load.queued = (unsigned)queued;
    load.next = md_engine_next(here->engine);
    md_board_set_load(here->run->board, &load);
}

/** A loss of counts is nobody's trouble: it is tried again, and the store's troubles are told elsewhere. */
static void save_counts(const md_watch *here)
{
    apr_pool_t *p;
    md_err *err;

    apr_pool_create(&p, NULL);
    err = md_counts_save(here->run->counts, here->run->core.store, p);
    if (err)
        md_log_err(MD_LOG_DEBUG, 0, NULL, "saving counts", err, "Metrics are behind:");
    apr_pool_destroy(p);
}

static void end(md_watch *here)
{
    if (!here->engine)
        return;
    atomic_store(&here->ending, 1);
    md_engine_stop(here->engine);
    save_counts(here);
    here->engine = NULL;
    apr_pool_destroy(here->pool);
    md_log(MD_LOG_DEBUG, 10058, "this process has stopped looking after managed domains");
}

const atomic_int *md_watch_ending(const md_watch *watch)
{
    return &watch->ending;
}

static apr_status_t on_watchdog(int state, void *data, apr_pool_t *p)
{
    md_watch *here = data;

    (void)p;
    pthread_mutex_lock(&here->lock);
    switch (state) {
    case AP_WATCHDOG_STATE_STARTING:
    case AP_WATCHDOG_STATE_RUNNING:
        begin(here);
        listen_to_others(here);
        tell_load(here);
        save_counts(here);
        break;
    case AP_WATCHDOG_STATE_STOPPING: end(here); break;
    default: break;
    }
    pthread_mutex_unlock(&here->lock);
    return APR_SUCCESS;
}

static apr_status_t close_watch(void *data)
{
    md_watch *here = data;

    pthread_mutex_lock(&here->lock);
    here->closed = 1;
    end(here);
    pthread_mutex_unlock(&here->lock);
    return APR_SUCCESS;
}

void md_watch_child(md_watch *watch, apr_pool_t *child)
{
    apr_pool_pre_cleanup_register(child, watch, close_watch);
}

md_err *md_watch_register(const md_run *run, md_watch **out)
{
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) *instance =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) *callback =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
    md_watch *made = apr_pcalloc(run->p, sizeof(*made));
    ap_watchdog_t *watchdog;
    apr_status_t status;

    *out = NULL;
    if (!instance || !callback) {
        md_log(
            MD_LOG_CRIT, 10061,
            "mod_watchdog is needed to obtain and renew certificates, and to staple: add it with LoadModule");
        return md_fail(run->p, MD_FAULT_CONFIG, "md:no-watchdog", "mod_watchdog is not loaded");
    }
    *out = made;
    made->run = run;
    pthread_mutex_init(&made->lock, NULL);
    status = instance(&watchdog, WATCHDOG_NAME, 0, 1, run->p);
    if (status) {
        md_log(MD_LOG_CRIT, 10066, "mod_watchdog gives no watchdog for renewals");
        return md_fail_status(run->p, status, "mod_watchdog gives no watchdog for renewals");
    }
    status = callback(watchdog, LOOK_EVERY, made, on_watchdog);
    md_log(status ? MD_LOG_CRIT : MD_LOG_DEBUG, 10067, "%d managed domain(s) are looked after", run->watched);
    return status ? md_fail_status(run->p, status, "mod_watchdog refuses the watchdog for renewals") : NULL;
}
