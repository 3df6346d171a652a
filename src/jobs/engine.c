/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two heaps: jobs by the time they are due, and orders that wait for their turn by the time they became due.
 * Idle workers wait in two ways: one, the lead, until the earliest job is due; the others to be called.
 * Whoever takes a job while nobody leads calls the next one, or starts it, so somebody looks at the clock as
 * long as not all workers are busy; and each of those looks when it has finished.
 */
#include "jobs/engine.h"

#include <apr_allocator.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "jobs/heap.h"

#define IDLE_MAX  apr_time_from_sec(10)
#define LOOK_MAX  apr_time_from_sec(30)  /* clocks are set and machines sleep: look again */
#define LONG_WAIT apr_time_from_sec(600) /* an order that waits longer gives its turn to others */
#define SLEEP_MAX apr_time_from_msec(100)
#define SET_BACK  apr_time_from_sec(5) /* clocks that are adjusted step back by less */

enum { STEP_MEMORY = 256 * 1024 /* kept between the steps of a worker */ };

typedef struct entry {
    md_heap_item item; /* first: heaps give this back */
    md_work work;
    int running, queued, poked;
    int in_progress;              /* is one of the orders in progress */
    apr_interval_time_t set_back; /* of the engine, when its step began */
} entry;

typedef struct worker {
    enum { UNUSED, AT_WORK, ENDED } state;
    pthread_t thread;
    md_engine *engine;
} worker;

struct md_engine {
    apr_pool_t *p;
    const md_core *core;
    md_cas *cas;
    md_responders *responders;
    md_http_options http;
    atomic_int cancelled;
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t lead, follow;
    entry *jobs;
    int count;
    int kinds;
    const md_kind *const *each_kind;
    int *first; /* of each kind: where its jobs begin */
    md_heap due, queue;
    int turns;                    /* orders that may begin */
    apr_time_t seen;              /* the latest time that was seen */
    apr_interval_time_t set_back; /* by how much the clock was, in all */
    int stopping, idle, has_lead;
    int max_workers;
    worker workers[MD_ENGINE_THREADS];
};

static int wants_turn(const entry *job)
{
    return job->work.stage && job->work.stage->order && !job->in_progress;
}

static void call_lead(md_engine *engine)
{
    if (engine->has_lead)
        pthread_cond_signal(&engine->lead);
}

static void schedule(md_engine *engine, entry *job, apr_time_t when)
{
    md_heap_push(&engine->due, &job->item, when);
    if (md_heap_top(&engine->due) == &job->item)
        call_lead(engine);
}

/** When the clock was set back, what waits does not wait for longer. Clocks that jump ahead make things due.
 */
static void follow_clock(md_engine *engine, apr_time_t now)
{
    const apr_interval_time_t earlier = engine->seen - now;

    if (earlier > SET_BACK) {
        md_log(MD_LOG_NOTICE, 0, "the clock was set back by %s", md_duration_words(earlier, engine->p));
        md_heap_shift(&engine->due, earlier);
        md_heap_shift(&engine->queue, earlier);
        engine->set_back += earlier;
        for (int i = 0; i < engine->count; ++i)
            if (!engine->jobs[i].running)
                engine->jobs[i].work.since -= earlier;
    }
    if (earlier > SET_BACK || now > engine->seen)
        engine->seen = now;
}

/** A job that can run now, or NULL. Orders that have to wait for their turn are put into the queue on the
 * way. */
static entry *next_job(md_engine *engine, apr_time_t now)
{
    md_heap_item *top;

    follow_clock(engine, now);
    while ((top = md_heap_top(&engine->due)) && top->when <= now) {
        entry *next = (entry *)md_heap_pop(&engine->due);

        if (wants_turn(next) && !engine->turns) {
            next->queued = 1;
            md_heap_push(&engine->queue, &next->item, next->item.when);
            continue;
        }
        if (wants_turn(next)) {
            --engine->turns;
            next->in_progress = 1;
        }
        next->running = 1;
        next->set_back = engine->set_back;
        return next;
    }
    return NULL;
}

static void free_turn(md_engine *engine, entry *job)
{
    md_heap_item *waits;

    job->in_progress = 0;
    ++engine->turns;
    waits = md_heap_pop(&engine->queue);
    if (waits) {
        ((entry *)waits)->queued = 0;
        schedule(engine, (entry *)waits, waits->when);
    }
}

/** Takes a job back after its step. */
static void take_back(md_engine *engine, entry *job, apr_time_t now)
{
    md_work *work = &job->work;

    follow_clock(engine, now);
    if (work->at && job->set_back != engine->set_back) {
        work->at -= engine->set_back - job->set_back;
        work->since -= engine->set_back - job->set_back;
    }
    job->running = 0;
    if (job->in_progress &&
        (!work->stage || !work->stage->order || work->aside || work->at - now > LONG_WAIT))
        free_turn(engine, job);
    if (work->at || job->poked)
        schedule(engine, job, job->poked && (!work->at || work->at > now) ? now : work->at);
    job->poked = 0;
}

/** Waits at most `delay`. Zero when the time is over. */
static int wait_for(pthread_cond_t *condition, pthread_mutex_t *lock, apr_interval_time_t delay)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)apr_time_sec(delay);
    until.tv_nsec += (long)apr_time_usec(delay) * 1000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        ++until.tv_sec;
    }
    return pthread_cond_timedwait(condition, lock, &until) == 0;
}

static apr_interval_time_t until_due(const md_engine *engine)
{
    const md_heap_item *top = md_heap_top(&engine->due);
    apr_interval_time_t delay = top ? top->when - md_now(engine->core->clock) : LOOK_MAX;

    return delay > LOOK_MAX ? LOOK_MAX : delay < 0 ? 0 : delay;
}

/** Waits for something to do. False: this worker has waited long enough and is not needed. */
static int idle(md_engine *engine)
{
    int stay = 1;

    ++engine->idle;
    if (!engine->has_lead) {
        engine->has_lead = 1;
        wait_for(&engine->lead, &engine->lock, until_due(engine));
        engine->has_lead = 0;
    } else {
        stay = wait_for(&engine->follow, &engine->lock, IDLE_MAX) || !engine->has_lead;
    }
    --engine->idle;
    return stay;
}

static void *work_on(void *data);

/** A new worker, if there may be one; under the lock. */
static int start_worker(md_engine *engine)
{
    sigset_t all, before;
    int failed = 0;

    for (int i = 0; i < engine->max_workers; ++i) {
        worker *each = &engine->workers[i];

        if (each->state == AT_WORK)
            continue;
        if (each->state == ENDED)
            pthread_join(each->thread, NULL);
        each->engine = engine;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all,
                        &before); /* inherited: signals are for the process's own threads */
        failed = pthread_create(&each->thread, NULL, work_on, each);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        each->state = failed ? UNUSED : AT_WORK;
        break;
    }
    return failed;
}

/** The next job for a worker, NULL when it should end; under the lock. */
static entry *await_job(md_engine *engine)
{
    while (!engine->stopping) {
        entry *next = next_job(engine, md_now(engine->core->clock));

        if (next) {
            if (engine->idle && !engine->has_lead)
                pthread_cond_signal(&engine->follow);
            else if (!engine->idle)
                start_worker(engine); /* without one more it just takes longer */
            return next;
        }
        if (!idle(engine))
            return NULL;
    }
    return NULL;
}

static int out_of_memory(int status)
{
    (void)status;
    fputs("mod_md: out of memory\n", stderr);
    abort();
}

static apr_pool_t *make_step_pool(void)
{
    apr_allocator_t *allocator;
    apr_pool_t *pool;

    if (apr_allocator_create(&allocator))
        out_of_memory(0);
    apr_allocator_max_free_set(allocator, STEP_MEMORY);
    if (apr_pool_create_unmanaged_ex(&pool, out_of_memory, allocator))
        out_of_memory(0);
    apr_allocator_owner_set(allocator, pool);
    return pool;
}

static void poke(void *engine, const md_domain *domain)
{
    md_engine_poke(engine, domain);
}

static md_desk desk_of(md_engine *engine)
{
    return (md_desk){ .core = engine->core,
                      .cas = engine->cas,
                      .responders = engine->responders,
                      .http = md_http_open(&engine->http),
                      .poke = poke,
                      .engine = engine };
}

static void *work_on(void *data)
{
    worker *self = data;
    md_engine *engine = self->engine;
    md_desk desk = desk_of(engine);
    apr_pool_t *pool = make_step_pool();
    entry *next;

    pthread_mutex_lock(&engine->lock);
    while ((next = await_job(engine))) {
        pthread_mutex_unlock(&engine->lock);
        md_step_run(&desk, &next->work, pool);
        apr_pool_clear(pool);
        pthread_mutex_lock(&engine->lock);
        take_back(engine, next, md_now(engine->core->clock));
    }
    pthread_mutex_unlock(&engine->lock);
    apr_pool_destroy(pool);
    md_http_close(desk.http);
    pthread_mutex_lock(&engine->lock);
    self->state = ENDED;
    pthread_mutex_unlock(&engine->lock);
    return NULL;
}

static apr_status_t unmake(void *data)
{
    md_engine *engine = data;

    for (int i = 0; i < engine->count; ++i)
        md_work_note(&engine->jobs[i].work, NULL);
    md_heap_free(&engine->due);
    md_heap_free(&engine->queue);
    free(engine->jobs);
    md_cas_close(engine->cas);
    md_responders_close(engine->responders);
    pthread_cond_destroy(&engine->lead);
    pthread_cond_destroy(&engine->follow);
    pthread_mutex_destroy(&engine->lock);
    return APR_SUCCESS;
}

static int count_jobs(const md_core *core, const md_kind *kind)
{
    return kind->jobs ? kind->jobs->count(core) : core->plan->domains->nelts;
}

/** Says what the i-th job of a kind is about. */
static void enter_job(const md_core *core, const md_kind *kind, int i, md_work *work)
{
    work->kind = kind;
    if (kind->jobs)
        kind->jobs->enter(core, i, work);
    else
        work->domain = MD_DOMAIN(core->plan, i);
}

static void enter_jobs(md_engine *engine)
{
    apr_time_t first = md_now(engine->core->clock) + engine->core->plan->policy.initial_delay;
    int at = 0;

    engine->first = apr_pcalloc(engine->p, ((apr_size_t)engine->kinds + 1) * sizeof(int));
    for (int kind = 0; kind < engine->kinds; ++kind)
        engine->first[kind + 1] = engine->first[kind] + count_jobs(engine->core, engine->each_kind[kind]);
    engine->count = engine->first[engine->kinds];
    engine->jobs = calloc((size_t)engine->count + 1, sizeof(entry));
    if (!engine->jobs)
        abort();
    md_heap_make(&engine->due, (unsigned)engine->count);
    md_heap_make(&engine->queue, (unsigned)engine->count);
    for (int kind = 0; kind < engine->kinds; ++kind)
        for (; at < engine->first[kind + 1]; ++at) {
            enter_job(engine->core, engine->each_kind[kind], at - engine->first[kind],
                      &engine->jobs[at].work);
            md_heap_push(&engine->due, &engine->jobs[at].item, first);
        }
}

md_engine *md_engine_make(const md_core *core, const md_kind *const *kinds, apr_pool_t *p)
{
    md_engine *engine = apr_pcalloc(p, sizeof(*engine));
    pthread_condattr_t monotonic;

    engine->p = p;
    engine->core = core;
    engine->cas = md_cas_open();
    engine->responders = md_responders_open();
    engine->http = *core->http;
    engine->http.cancelled = &engine->cancelled;
    pthread_mutex_init(&engine->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&engine->lead, &monotonic);
    pthread_cond_init(&engine->follow, &monotonic);
    pthread_condattr_destroy(&monotonic);
    while (kinds[engine->kinds])
        ++engine->kinds;
    engine->each_kind = kinds;
    engine->turns = core->plan->policy.concurrency;
    enter_jobs(engine);
    apr_pool_cleanup_register(p, engine, unmake, apr_pool_cleanup_null);
    return engine;
}

md_err *md_engine_start(md_engine *engine, int max_threads)
{
    int failed;

    md_http_global_init();
    pthread_mutex_lock(&engine->lock);
    engine->max_workers = max_threads < 1                   ? 1
                          : max_threads > MD_ENGINE_THREADS ? MD_ENGINE_THREADS
                                                            : max_threads;
    failed = start_worker(engine);
    pthread_mutex_unlock(&engine->lock);
    return failed ? md_fail_status(engine->p, failed, "a thread cannot be started") : NULL;
}

void md_engine_stop(md_engine *engine)
{
    int started[MD_ENGINE_THREADS] = { 0 };

    pthread_mutex_lock(&engine->lock);
    engine->stopping = 1;
    atomic_store(&engine->cancelled, 1);
    pthread_cond_broadcast(&engine->lead);
    pthread_cond_broadcast(&engine->follow);
    for (int i = 0; i < engine->max_workers; ++i)
        started[i] = engine->workers[i].state != UNUSED;
    pthread_mutex_unlock(&engine->lock); /* from here on nobody starts a worker any more */
    for (int i = 0; i < engine->max_workers; ++i)
        if (started[i])
            pthread_join(engine->workers[i].thread, NULL);
    engine->max_workers = 0;
}

static void poke_job(md_engine *engine, entry *job, apr_time_t now)
{
    if (job->running)
        job->poked = 1;
    else if (!job->item.place)
        schedule(engine, job, now);
    else if (!job->queued && job->item.when > now) {
        md_heap_move(&engine->due, &job->item, now);
        call_lead(engine);
    }
}

void md_engine_poke(md_engine *engine, const md_domain *domain)
{
    apr_time_t now = md_now(engine->core->clock);

    pthread_mutex_lock(&engine->lock);
    for (int kind = 0; kind < engine->kinds; ++kind) {
        const md_kind_jobs *jobs = engine->each_kind[kind]->jobs;
        int first = domain->index, count = 1;

        if (jobs)
            count = jobs->of_domain(engine->core, domain, &first);
        for (int i = 0; i < count; ++i)
            poke_job(engine, &engine->jobs[engine->first[kind] + first + i], now);
    }
    pthread_mutex_unlock(&engine->lock);
}

int md_engine_run(md_engine *engine, apr_time_t until)
{
    md_desk desk = desk_of(engine);
    apr_pool_t *pool = make_step_pool();
    int steps = 0;

    for (;;) {
        apr_time_t now = md_now(engine->core->clock), due = md_engine_next(engine);
        entry *next = next_job(engine, now);

        if (next) {
            md_step_run(&desk, &next->work, pool);
            apr_pool_clear(pool);
            take_back(engine, next, md_now(engine->core->clock));
            ++steps;
        } else if (due && due <= until && due > now) {
            apr_sleep(due - now > SLEEP_MAX ? SLEEP_MAX : due - now);
        } else if (!due || due > until) {
            break;
        }
    }
    apr_pool_destroy(pool);
    md_http_close(desk.http);
    return steps;
}

apr_time_t md_engine_next(md_engine *engine)
{
    const md_heap_item *top;
    apr_time_t when;

    pthread_mutex_lock(&engine->lock);
    top = md_heap_top(&engine->due);
    when = top ? top->when : 0;
    pthread_mutex_unlock(&engine->lock);
    return when;
}

void md_engine_load(md_engine *engine, int *in_progress, int *queued)
{
    pthread_mutex_lock(&engine->lock);
    *in_progress = engine->core->plan->policy.concurrency - engine->turns;
    *queued = (int)engine->queue.count;
    pthread_mutex_unlock(&engine->lock);
}

md_err *md_engine_drive(const md_core *core, const md_kind *kind, const md_domain *domain, apr_pool_t *p)
{
    md_desk desk = { .core = core,
                     .cas = md_cas_open(),
                     .responders = md_responders_open(),
                     .http = md_http_open(core->http) };
    md_work work = { .kind = kind, .domain = domain, .urged = 1 };
    apr_pool_t *step = make_step_pool();
    md_err *err;

    do {
        apr_interval_time_t wait = work.at - md_now(core->clock);

        if (wait > 0)
            apr_sleep(wait);
        apr_pool_clear(step);
        err = md_step_run(&desk, &work, step);
    } while (!err && (work.stage || work.busy));
    err = md_err_copy(err, p);
    md_work_rest(&work, 0);
    apr_pool_destroy(step);
    md_http_close(desk.http);
    md_responders_close(desk.responders);
    md_cas_close(desk.cas);
    return err;
}
