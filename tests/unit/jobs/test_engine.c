/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine with a simple kind of job: order, turns, waits, pokes, claims, threads and their end.
 */
#include "jobs/engine.h"

#include <apr_strings.h>
#include <stdatomic.h>
#include <string.h>

#include "jobs/joblog.h"
#include "kit/fake_clock.h"
#include "kit/kit.h"
#include "kit/store_mem.h"

#define A_SECOND apr_time_from_sec(1)

enum { DOMAINS = 6, TURNS = 2 };

static fake_clock *clock_;
static md_core core;
static md_http_options http;
static const char *trace;          /* "0a 1a 0b": domain and stage, as they ran */
static md_next says[DOMAINS];      /* what stage b says, once */
static apr_time_t due_at[DOMAINS]; /* 0: now */
static atomic_int was_done[DOMAINS];
static apr_interval_time_t a_takes; /* of the clock, for stage a */

static void note(const md_step *step, const char *what)
{
    trace = apr_psprintf(kit_pool, "%s%s%d%s", trace, *trace ? " " : "", step->domain->index, what);
}

static md_next stage_a(md_step *step)
{
    note(step, "a");
    md_job_note(step->job, step->now, "progress", NULL, "a");
    fake_clock_pass(clock_, a_takes);
    return NEXT_STAGE;
}

static md_next stage_b(md_step *step)
{
    md_next next = says[step->domain->index];

    note(step, "b");
    says[step->domain->index] = NEXT_STAGE;
    return next;
}

static md_next stage_c(md_step *step)
{
    note(step, "c");
    was_done[step->domain->index] = 1;
    return FINISHED(0);
}

static md_err *is_due(md_step *step, apr_time_t *at)
{
    int i = step->domain->index;

    if (was_done[i])
        *at = 0;
    else if (step->job->next_run > step->now)
        *at = step->job->next_run;
    else
        *at = due_at[i] ? due_at[i] : step->now;
    return NULL;
}

static const md_stage stages[] = { { "a", "doing a", stage_a, 0, 1 },
                                   { "b", "doing b", stage_b, 0, 1 },
                                   { "c", "doing c", stage_c, 0, 0 },
                                   { NULL, NULL, NULL, 0, 0 } };
static const md_kind kind = { .name = "test",
                              .doing = "Testing",
                              .group = MD_GROUP_STAGING,
                              .stages = stages,
                              .due = is_due,
                              .failed_id = 10056 };
static const md_kind *const kinds[] = { &kind, NULL };

static md_err *never_answers(void *self, md_http *client, const md_http_request *request,
                             const md_http_route *route, apr_pool_t *p, md_http_response *response)
{
    (void)self, (void)client, (void)request, (void)route, (void)response;
    return md_fail(p, MD_FAULT_REMOTE, "test:none", "nobody is there");
}

static void setup(void)
{
    md_plan *plan = md_plan_make(kit_pool);

    clock_ = fake_clock_make(FAKE_NOW, kit_pool);
    md_policy_defaults(&plan->policy, kit_pool);
    plan->policy.concurrency = TURNS;
    trace = "";
    a_takes = 0;
    memset(due_at, 0, sizeof(due_at));
    for (int i = 0; i < DOMAINS; ++i) {
        md_names *names = md_names_make(kit_pool);

        says[i] = NEXT_STAGE;
        was_done[i] = 0;
        md_names_add(names, apr_psprintf(kit_pool, "d%d.example.org", i));
        CHECK_OK(md_plan_add(plan, md_domain_make(names, kit_pool), 0, kit_pool));
    }
    http = (md_http_options){ .user_agent = "test", .send = never_answers };
    core = (md_core){ .store = store_mem_open(kit_pool),
                      .plan = plan,
                      .clock = &clock_->clock,
                      .events = &md_joblog_only,
                      .http = &http };
}

static void run(md_engine *engine, apr_interval_time_t time)
{
    apr_time_t end = md_now(core.clock) + time, next;

    while ((next = md_engine_next(engine)) && next <= end) {
        if (next > md_now(core.clock))
            fake_clock_set(clock_, next);
        md_engine_run(engine, md_now(core.clock));
    }
    fake_clock_set(clock_, end);
}

static md_job *job_of(int i)
{
    md_job *job;

    CHECK_OK(md_job_load(core.store, MD_GROUP_STAGING, MD_DOMAIN(core.plan, i)->name, kit_pool, &job));
    return job;
}

START_TEST(orders_in_progress_are_bounded_and_others_follow_in_order)
{
    md_engine *engine = md_engine_make(&core, kinds, kit_pool);
    int busy, queued;

    for (int i = 0; i < DOMAINS; ++i) {
        due_at[i] = FAKE_NOW + A_SECOND - apr_time_from_msec(i); /* the last one is due first */
        says[i] = AGAIN_AT(FAKE_NOW + 3 * A_SECOND);
    }
    run(engine, 0);
    fake_clock_pass(clock_, 2 * A_SECOND);
    run(engine, 0);
    md_engine_load(engine, &busy, &queued);
    ck_assert_int_eq(busy, TURNS);
    ck_assert_int_eq(queued, DOMAINS - TURNS);
    ck_assert_str_eq(trace, "5a 5b 4a 4b"); /* they keep their turn while they wait */
    for (int i = 0; i < TURNS; ++i)
        says[3 - i] = NEXT_STAGE;
    run(engine, 2 * A_SECOND);
    for (int i = 0; i < DOMAINS; ++i)
        ck_assert_msg(was_done[i], "%d was not done: %s", i, trace);
    md_engine_load(engine, &busy, &queued);
    ck_assert_int_eq(busy + queued, 0);
}
END_TEST

START_TEST(a_long_wait_gives_the_turn_to_others)
{
    md_engine *engine = md_engine_make(&core, kinds, kit_pool);

    says[0] = says[1] = AGAIN_AT(FAKE_NOW + 3600 * A_SECOND);
    run(engine, A_SECOND);
    for (int i = TURNS; i < DOMAINS; ++i)
        ck_assert_msg(was_done[i], "%d was not done: %s", i, trace);
    ck_assert(!was_done[0] && !was_done[1]);
    run(engine, 3600 * A_SECOND);
    ck_assert(was_done[0] && was_done[1]);
}
END_TEST

START_TEST(who_steps_aside_gives_the_turn_to_others)
{
    md_engine *engine = md_engine_make(&core, kinds, kit_pool);
    int busy, queued;

    says[0] = says[1] = STEP_ASIDE_UNTIL(FAKE_NOW + 2 * A_SECOND);
    run(engine, A_SECOND);
    for (int i = TURNS; i < DOMAINS; ++i)
        ck_assert_msg(was_done[i], "%d was not done: %s", i, trace);
    ck_assert(!was_done[0] && !was_done[1]);
    md_engine_load(engine, &busy, &queued);
    ck_assert_int_eq(busy + queued, 0);
    run(engine, 2 * A_SECOND);
    ck_assert(was_done[0] && was_done[1]);
}
END_TEST

START_TEST(a_clock_that_is_set_back_makes_nobody_wait_for_longer)
{
    md_engine *engine = md_engine_make(&core, kinds, kit_pool);
    const apr_interval_time_t years = 4 * 365 * 24 * 3600 * A_SECOND;

    fake_clock_set(clock_, FAKE_NOW + years);
    says[0] = AGAIN_AT(FAKE_NOW + years + 10 * A_SECOND);
    run(engine, A_SECOND);
    ck_assert(!was_done[0]);
    fake_clock_set(clock_, FAKE_NOW);
    md_engine_run(engine, FAKE_NOW);
    ck_assert_int_le(md_engine_next(engine), FAKE_NOW + 10 * A_SECOND);
    run(engine, 10 * A_SECOND);
    ck_assert(was_done[0]);
}
END_TEST

START_TEST(after_a_machine_slept_all_goes_on)
{
    md_engine *engine = md_engine_make(&core, kinds, kit_pool);

    says[0] = AGAIN_AT(FAKE_NOW + 10 * A_SECOND);
    run(engine, A_SECOND);
    fake_clock_set(clock_, FAKE_NOW + 100000 * A_SECOND);
    md_engine_run(engine, md_now(core.clock));
    ck_assert(was_done[0]);
}
END_TEST

START_TEST(a_failure_gives_the_turn_to_others_and_comes_back)
{
    md_engine *engine = md_engine_make(&core, kinds, kit_pool);

    for (int i = 0; i < DOMAINS; ++i)
        says[i] = FAILED(md_fail(kit_pool, MD_FAULT_REMOTE, "test:bad", "it went wrong"));
    run(engine, A_SECOND);
    for (int i = 0; i < DOMAINS; ++i)
        ck_assert_int_eq(job_of(i)->errors, 1);
    run(engine, 60 * A_SECOND);
    for (int i = 0; i < DOMAINS; ++i)
        ck_assert(was_done[i]);
}
END_TEST

START_TEST(initial_delay_is_waited_for)
{
    md_engine *engine;

    ((md_plan *)(apr_uintptr_t)core.plan)->policy.initial_delay = 10 * A_SECOND;
    engine = md_engine_make(&core, kinds, kit_pool);
    run(engine, 9 * A_SECOND);
    ck_assert_str_eq(trace, "");
    run(engine, 2 * A_SECOND);
    ck_assert(was_done[0]);
}
END_TEST

START_TEST(a_poked_domain_is_looked_at_again)
{
    md_engine *engine = md_engine_make(&core, kinds, kit_pool);

    run(engine, A_SECOND);
    ck_assert_int_eq(md_engine_next(engine), 0);
    was_done[3] = 0;
    trace = "";
    md_engine_poke(engine, MD_DOMAIN(core.plan, 3));
    run(engine, A_SECOND);
    ck_assert_str_eq(trace, "3a 3b 3c");
}
END_TEST

START_TEST(a_poke_brings_a_later_look_forward)
{
    md_engine *engine = md_engine_make(&core, kinds, kit_pool);

    due_at[2] = FAKE_NOW + 1000 * A_SECOND;
    run(engine, A_SECOND);
    ck_assert(!was_done[2]);
    due_at[2] = 0;
    md_engine_poke(engine, MD_DOMAIN(core.plan, 2));
    run(engine, A_SECOND);
    ck_assert(was_done[2]);
}
END_TEST

START_TEST(what_somebody_else_has_claimed_is_left_alone_for_a_while)
{
    md_engine *engine = md_engine_make(&core, kinds, kit_pool);
    apr_pool_t *other;
    md_claim *claim;

    apr_pool_create(&other, kit_pool);
    CHECK_OK(md_store_claim(core.store, "test/d1.example.org", other, &claim));
    run(engine, 5 * A_SECOND);
    ck_assert(was_done[0] && !was_done[1]);
    md_store_release(core.store, claim);
    run(engine, 2 * A_SECOND);
    ck_assert(was_done[1]);
}
END_TEST

START_TEST(a_stage_that_does_not_exist_is_a_failure)
{
    md_engine *engine = md_engine_make(&core, kinds, kit_pool);

    says[0] = GO_TO("nowhere");
    run(engine, A_SECOND);
    ck_assert_str_eq(md_json_text(job_of(0)->last, "problem"), "md:bug");
}
END_TEST

START_TEST(a_wait_that_lasts_is_shown)
{
    md_engine *engine = md_engine_make(&core, kinds, kit_pool);

    says[0] = AGAIN_AT(FAKE_NOW + 5 * A_SECOND);
    run(engine, A_SECOND);
    ck_assert_str_eq(job_of(0)->stage, "b");
    ck_assert_str_eq(md_json_text(job_of(0)->last, "activity"), "doing b");
    ck_assert_int_eq(md_job_noted(job_of(0), "progress"), FAKE_NOW);
    ck_assert_ptr_null(job_of(1)->stage); /* it was never worth a record */
}
END_TEST

START_TEST(stages_that_can_follow_at_once_share_a_step)
{
    md_work work = { .kind = &kind, .domain = MD_DOMAIN(core.plan, 0) };
    md_desk desk = { .core = &core };

    CHECK_OK(md_step_run(&desk, &work, kit_pool));
    ck_assert_str_eq(trace, ""); /* whether an order may begin is for the engine to say */
    CHECK_OK(md_step_run(&desk, &work, kit_pool));
    ck_assert_str_eq(trace, "0a 0b 0c");
    ck_assert_ptr_null(work.stage);
    ck_assert_int_eq(md_job_noted(job_of(0), "progress"), FAKE_NOW);
}
END_TEST

START_TEST(a_step_that_took_long_ends_with_its_stage)
{
    md_work work = { .kind = &kind, .domain = MD_DOMAIN(core.plan, 0), .stage = stages };
    md_desk desk = { .core = &core };

    a_takes = apr_time_from_msec(20);
    CHECK_OK(md_step_run(&desk, &work, kit_pool));
    ck_assert_str_eq(trace, "0a");
    ck_assert_str_eq(work.stage->name, "b");
    ck_assert_int_eq(md_job_noted(job_of(0), "progress"), FAKE_NOW);
}
END_TEST

START_TEST(what_a_step_did_before_it_was_cut_off_is_recorded)
{
    md_work work = { .kind = &kind, .domain = MD_DOMAIN(core.plan, 0), .stage = stages };
    md_desk desk = { .core = &core };

    says[0] = FAILED(md_fail(kit_pool, MD_FAULT_LOCAL, "md:cancelled", "the engine ends"));
    ck_assert_ptr_nonnull(md_step_run(&desk, &work, kit_pool));
    ck_assert_int_eq(md_job_noted(job_of(0), "progress"), FAKE_NOW);
    ck_assert_int_eq(job_of(0)->errors, 0);
}
END_TEST

START_TEST(a_failure_that_cannot_be_recorded_counts_all_the_same)
{
    md_work work = { .kind = &kind, .domain = MD_DOMAIN(core.plan, 0) };
    md_desk desk = { .core = &core };

    store_mem_stop_after(core.store, 0); /* nothing works any more */
    for (int i = 1; i <= 3; ++i) {
        ck_assert_ptr_nonnull(md_step_run(&desk, &work, kit_pool));
        ck_assert_int_eq(work.errors, i);
        ck_assert_int_eq(work.at - FAKE_NOW, (30 << (i - 1)) * A_SECOND);
    }
}
END_TEST

START_TEST(driving_returns_the_failure)
{
    says[0] = FAILED(md_fail(kit_pool, MD_FAULT_REMOTE, "test:bad", "it went wrong"));
    CHECK_FAILS(md_engine_drive(&core, &kind, MD_DOMAIN(core.plan, 0), kit_pool), MD_FAULT_REMOTE,
                "it went wrong");
    CHECK_OK(md_engine_drive(&core, &kind, MD_DOMAIN(core.plan, 1), kit_pool));
    ck_assert_str_eq(trace, "0a 0b 1a 1b 1c");
}
END_TEST

START_TEST(an_engine_that_was_never_started_can_be_stopped)
{
    md_engine_stop(md_engine_make(&core, kinds, kit_pool));
}
END_TEST

static void await(const atomic_int *done)
{
    while (!atomic_load(done)) /* the test's timeout ends it */
        apr_sleep(apr_time_from_msec(5));
}

START_TEST(a_started_engine_works_and_stops)
{
    md_engine *engine;

    core.clock = &md_clock_system;
    engine = md_engine_make(&core, kinds, kit_pool);
    CHECK_OK(md_engine_start(engine, 1));
    for (int i = 0; i < DOMAINS; ++i)
        await(&was_done[i]);
    md_engine_stop(engine);
}
END_TEST

START_TEST(an_idle_engine_wakes_for_a_poke)
{
    const apr_time_t later = apr_time_now() + 1000 * A_SECOND;
    md_engine *engine;

    core.clock = &md_clock_system;
    engine = md_engine_make(&core, kinds, kit_pool);
    due_at[0] = later;
    CHECK_OK(md_engine_start(engine, 1));
    for (int i = 1; i < DOMAINS; ++i)
        await(&was_done[i]);
    while (md_engine_next(engine) != later)
        apr_sleep(apr_time_from_msec(5));
    due_at[0] = 0;
    md_engine_poke(engine, MD_DOMAIN(core.plan, 0));
    await(&was_done[0]);
    md_engine_stop(engine);
}
END_TEST

Suite *suite_jobs_engine(void)
{
    Suite *suite = suite_create("jobs/engine");
    TCase *tcase = kit_case(suite, "engine");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, orders_in_progress_are_bounded_and_others_follow_in_order);
    tcase_add_test(tcase, a_long_wait_gives_the_turn_to_others);
    tcase_add_test(tcase, who_steps_aside_gives_the_turn_to_others);
    tcase_add_test(tcase, a_clock_that_is_set_back_makes_nobody_wait_for_longer);
    tcase_add_test(tcase, after_a_machine_slept_all_goes_on);
    tcase_add_test(tcase, a_failure_gives_the_turn_to_others_and_comes_back);
    tcase_add_test(tcase, initial_delay_is_waited_for);
    tcase_add_test(tcase, a_poked_domain_is_looked_at_again);
    tcase_add_test(tcase, a_poke_brings_a_later_look_forward);
    tcase_add_test(tcase, what_somebody_else_has_claimed_is_left_alone_for_a_while);
    tcase_add_test(tcase, a_stage_that_does_not_exist_is_a_failure);
    tcase_add_test(tcase, a_wait_that_lasts_is_shown);
    tcase_add_test(tcase, stages_that_can_follow_at_once_share_a_step);
    tcase_add_test(tcase, a_step_that_took_long_ends_with_its_stage);
    tcase_add_test(tcase, what_a_step_did_before_it_was_cut_off_is_recorded);
    tcase_add_test(tcase, a_failure_that_cannot_be_recorded_counts_all_the_same);
    tcase_add_test(tcase, driving_returns_the_failure);
    tcase_add_test(tcase, an_engine_that_was_never_started_can_be_stopped);
    tcase_add_test(tcase, a_started_engine_works_and_stops);
    tcase_add_test(tcase, an_idle_engine_wakes_for_a_poke);
    return suite;
}
