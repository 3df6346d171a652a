/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fleet: 10,000 jobs on the engine's threads, with waits, failures, several stages and people who poke.
 * Meant to run under the thread sanitizer. Each job must come to its end exactly once, no job may run on two
 * threads at a time, and orders in progress stay within their bound. A second round is stopped in the middle.
 */
#include <apr_general.h>
#include <apr_strings.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "jobs/engine.h"
#include "jobs/joblog.h"
#include "jobs/kind_renew.h"
#include "kit/renewing.h"
#include "kit/store_mem.h"

enum { FLEET = 10000, ORDERS = 16 };

/** One ship per domain. */
typedef struct fisher {
    atomic_int running, in_progress;
    atomic_uint steps;
    int done, failures;
} fisher;

static fisher fleet[FLEET];
static atomic_int done, in_progress, most_in_progress, failed;
static _Atomic(md_engine *) the_engine;

static void fail_test(const char *what)
{
    fprintf(stderr, "fleet: %s\n", what);
    exit(EXIT_FAILURE);
}

static double chance(const md_step *step)
{
    return md_random(step->core->clock);
}

static fisher *of(const md_step *step)
{
    return &fleet[step->domain->index];
}

/** Every step enters and leaves: nobody else may be inside. */
static void enter(fisher *ship)
{
    if (atomic_exchange(&ship->running, 1))
        fail_test("a job runs on two threads at a time");
    atomic_fetch_add(&ship->steps, 1);
}

static void leave(fisher *ship)
{
    atomic_store(&ship->running, 0);
}

static void begin_order(fisher *ship)
{
    int now = atomic_exchange(&ship->in_progress, 1) ? atomic_load(&in_progress)
                                                     : atomic_fetch_add(&in_progress, 1) + 1;
    int most = atomic_load(&most_in_progress);

    while (now > most && !atomic_compare_exchange_weak(&most_in_progress, &most, now))
        ;
}

static void end_order(fisher *ship)
{
    if (atomic_exchange(&ship->in_progress, 0))
        atomic_fetch_sub(&in_progress, 1);
}

static md_next sail(md_step *step)
{
    fisher *ship = of(step);
    md_next next = NEXT_STAGE;

    enter(ship);
    begin_order(ship);
    if (chance(step) < 0.2) {
        next = AGAIN_AT(step->now + apr_time_from_msec(1 + (int)(chance(step) * 4)));
    } else if (chance(step) < 0.02) {
        end_order(ship);
        ++ship->failures;
        next = FAILED(md_fail(step->p, MD_FAULT_REMOTE, "test:storm", "a storm"));
    } else if (chance(step) < 0.1) {
        md_engine_poke(atomic_load(&the_engine), MD_DOMAIN(step->core->plan, (int)(chance(step) * FLEET)));
    }
    if (next.verdict == MD_GO_ON && !step->work->stage[1].order)
        end_order(ship); /* the engine gives its turn to another one with this step */
    leave(ship);
    return next;
}

static md_next rest(md_step *step)
{
    fisher *ship = of(step);

    enter(ship);
    if (ship->done++)
        fail_test("a job was finished twice");
    atomic_fetch_add(&done, 1);
    step->job->finished = 1;
    leave(ship);
    return FINISHED(0);
}

static md_err *is_due(md_step *step, apr_time_t *at)
{
    fisher *ship = of(step);

    enter(ship);
    *at = ship->done ? 0 : step->job->next_run > step->now ? step->job->next_run : step->now;
    leave(ship);
    return NULL;
}

static const md_stage stages[] = {
    { "out", "sailing out", sail, 0, 1 },
    { "fish", "fishing", sail, 0, 1 },
    { "home", "sailing home", sail, 0, 1 },
    { "rest", "resting", rest, 0, 0 },
    { NULL, NULL, NULL, 0, 0 },
};
static const md_kind kind = {
    .name = "fleet", .doing = "Fishing", .group = MD_GROUP_STAGING, .stages = stages, .due = is_due
};

static md_err *no_net(void *self, md_http *http, const md_http_request *request, const md_http_route *route,
                      apr_pool_t *p, md_http_response *response)
{
    (void)self, (void)http, (void)request, (void)route, (void)response;
    return md_fail(p, MD_FAULT_REMOTE, "test:no-net", "there is no network");
}

static md_plan *make_plan(apr_pool_t *p)
{
    md_plan *plan = md_plan_make(p);
    md_policy *defaults = apr_pcalloc(p, sizeof(*defaults));

    md_policy_defaults(defaults, p);
    plan->policy = *defaults;
    plan->policy.concurrency = ORDERS;
    for (int i = 0; i < FLEET; ++i) {
        md_domain *domain = apr_pcalloc(p, sizeof(*domain));

        domain->name = apr_psprintf(p, "ship%d.example.org", i);
        domain->index = i;
        domain->policy = *defaults;
        domain->policy.retry_delay = apr_time_from_msec(10);
        domain->policy.set = APR_UINT64_C(1) << MD_FIELD_retry_delay;
        APR_ARRAY_PUSH(plan->domains, md_domain *) = domain;
    }
    return plan;
}

static void reset_fleet(void)
{
    memset(fleet, 0, sizeof(fleet));
    atomic_store(&done, 0);
    atomic_store(&in_progress, 0);
}

static md_engine *launch(const md_core *core, apr_pool_t *p)
{
    static const md_kind *const kinds[] = { &kind, NULL };
    md_engine *engine = md_engine_make(core, kinds, p);
    md_err *err;

    atomic_store(&the_engine, engine);
    err = md_engine_start(engine, MD_ENGINE_THREADS);
    if (err)
        fail_test(err->detail);
    return engine;
}

/** Waits until so many are done; fails after two minutes. */
static void await(int count)
{
    for (int i = 0; atomic_load(&done) < count; ++i) {
        if (i > 12000)
            fail_test("the jobs do not come to their end");
        apr_sleep(apr_time_from_msec(10));
    }
}

static void check_fleet(void)
{
    for (int i = 0; i < FLEET; ++i) {
        atomic_fetch_add(&failed, fleet[i].failures);
        if (fleet[i].done != 1)
            fail_test("a job was not finished once");
    }
    if (atomic_load(&most_in_progress) > ORDERS)
        fail_test("too many orders were in progress");
    if (!atomic_load(&failed))
        fail_test("no failure was tried");
}

/* ---- Real renewals ----------------------------------------------------------------------------------- */

enum { RENEWALS = 60 };

static atomic_int renewed;

static void count_renewed(void *self, const md_domain *domain)
{
    (void)self, (void)domain;
    atomic_fetch_add(&renewed, 1);
}

/** Renewals against a CA in memory on all threads: the gates, the account and the store are shared. */
static void renew_all(apr_pool_t *p)
{
    static const md_kind *const kinds[] = { &md_kind_renew, NULL };
    renewing *r = renewing_make("first.example.org", "P-256", p);
    md_engine *engine;
    md_err *err;

    for (int i = 1; i < RENEWALS; ++i)
        renewing_add(r, apr_psprintf(p, "host%d.example.org", i), "P-256");
    r->ca->bad_nonce_every = 20;
    r->ca->authz_polls = r->ca->order_polls = 1;
    fake_ca_serve(r->ca, &r->http);
    fake_clock_set(r->clock, apr_time_now());
    md_log_to(NULL, NULL, NULL);
    r->core.clock = &md_clock_system;
    r->core.staged = count_renewed;
    r->core.account_staged = NULL;
    r->core.prove = NULL;
    engine = md_engine_make(&r->core, kinds, p);
    err = md_engine_start(engine, MD_ENGINE_THREADS);
    if (err)
        fail_test(err->detail);
    for (int i = 0; atomic_load(&renewed) < RENEWALS; ++i) {
        if (i > 6000)
            fail_test("the renewals do not come to their end");
        apr_sleep(apr_time_from_msec(10));
    }
    md_engine_stop(engine);
    if (r->ca->accounts != 1 || r->ca->orders != RENEWALS)
        fail_test("there are accounts or orders to spare");
    printf("fleet: %d renewals\n", atomic_load(&renewed));
}

int main(void)
{
    md_http_options http = { .user_agent = "fleet", .send = no_net };
    md_core core = { .clock = &md_clock_system, .events = &md_joblog_only, .http = &http };
    apr_time_t begun, stopped;
    md_engine *engine;
    apr_pool_t *p;
    int busy, queued;

    apr_initialize();
    apr_pool_create(&p, NULL);
    core.plan = make_plan(p);
    core.store = store_mem_open(p);
    begun = apr_time_now();
    engine = launch(&core, p);
    await(FLEET);
    md_engine_load(engine, &busy, &queued);
    md_engine_stop(engine);
    check_fleet();
    if (busy || queued)
        fail_test("orders are left in progress");
    printf("fleet: %d jobs, %d failures, at most %d orders in progress, %.1f s\n", FLEET,
           atomic_load(&failed), atomic_load(&most_in_progress), (double)(apr_time_now() - begun) / 1e6);

    reset_fleet();
    engine = launch(&core, p);
    await(FLEET / 20);
    stopped = apr_time_now();
    md_engine_stop(engine);
    stopped = apr_time_now() - stopped;
    if (stopped > apr_time_from_sec(1))
        fail_test("stopping took longer than a second");
    printf("fleet: stopped with %d done in %.3f s\n", atomic_load(&done), (double)stopped / 1e6);
    renew_all(p);
    apr_pool_destroy(p);
    apr_terminate();
    return EXIT_SUCCESS;
}
