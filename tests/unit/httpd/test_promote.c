/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parent moves, when, and what it leaves where it is.
 */
#include "httpd/promote.h"

#include <string.h>

#include "jobs/job.h"
#include "kit/fake_clock.h"
#include "kit/kit.h"
#include "kit/sample.h"
#include "kit/store_mem.h"
#include "store/creds.h"

#define NAME "promote.example.org"

static md_store *store;
static md_plan *plan;
static md_board *board;
static md_promoter *promoter;
static fake_clock *clock_;

static md_domain *only_domain(void)
{
    return MD_DOMAIN(plan, 0);
}

static void ready(void)
{
    md_domain *domain = md_domain_make(sample_names(NAME, kit_pool), kit_pool);

    ck_assert_ptr_null(md_key_specs_read(md_words("P-256", kit_pool), kit_pool, &domain->policy.keys));
    domain->policy.live = 1;
    plan = md_plan_make(kit_pool);
    CHECK_OK(md_plan_add(plan, domain, 0, kit_pool));
    store = store_mem_open(kit_pool);
    CHECK_OK(md_board_make(1, kit_pool, &board));
    promoter = md_promoter_make(store, plan, board, kit_pool);
    clock_ = fake_clock_make(apr_time_now(), kit_pool);
}

static void stage(void)
{
    const md_key_spec *spec = MD_SPEC(only_domain()->policy.keys, 0);
    md_key *key = sample_key("P-256", kit_pool);
    sample_wish wish = { .names = only_domain()->names };
    md_chain *chain = sample_issue(sample_ca_make("Promoting", kit_pool), key, &wish, kit_pool);

    CHECK_OK(md_store_save_text(store, MD_PLACE(MD_GROUP_STAGING, NAME, "md.json"), "{}", kit_pool));
    CHECK_OK(md_creds_save_key(store, MD_GROUP_STAGING, NAME, spec, key, kit_pool));
    CHECK_OK(md_creds_save_chain(store, MD_GROUP_STAGING, NAME, spec, chain, kit_pool));
}

static int has(const char *path)
{
    return strstr(store_mem_tree(store, kit_pool), path) != NULL;
}

static void round_after(apr_interval_time_t time)
{
    fake_clock_pass(clock_, time);
    md_promote_round(promoter, &clock_->clock, kit_pool);
}

START_TEST(a_staged_set_is_moved_when_its_job_had_time_to_look_at_it)
{
    ready();
    stage();
    round_after(apr_time_from_sec(60));
    ck_assert_msg(!has("domains/"), "nobody has said that it is complete");
    md_board_staged(&board->rows[0], md_now(&clock_->clock));
    round_after(MD_PROMOTE_AGE / 2);
    ck_assert(!has("domains/"));
    round_after(MD_PROMOTE_AGE);
    ck_assert(has("domains/" NAME "/pubcert.p-256.pem"));
    ck_assert(has("live/" NAME "/pubcert.p-256.pem"));
    ck_assert(!has("staging/"));
    ck_assert_uint_eq(atomic_load(&board->rows[0].promoted), 1);
}
END_TEST

START_TEST(a_late_proof_is_waited_for)
{
    md_job *job;

    ready();
    plan->policy.message_cmd = "/bin/true";
    stage();
    job = md_job_make(MD_GROUP_STAGING, NAME, kit_pool);
    job->finished = job->notified = job->notified_renewed = 1;
    job->stage = "prove";
    CHECK_OK(md_job_save(store, job, kit_pool));
    md_board_staged(&board->rows[0], md_now(&clock_->clock));
    round_after(0);
    round_after(2 * MD_PROMOTE_AGE);
    ck_assert(!has("domains/"));
    job->stage = NULL;
    CHECK_OK(md_job_save(store, job, kit_pool));
    round_after(apr_time_from_sec(1));
    ck_assert(has("domains/" NAME "/pubcert.p-256.pem"));
}
END_TEST

START_TEST(a_row_that_claims_the_future_is_not_waited_for)
{
    ready();
    stage();
    md_board_staged(&board->rows[0], md_now(&clock_->clock) + apr_time_from_sec(1000000));
    round_after(0);
    round_after(MD_PROMOTE_AGE);
    ck_assert(has("domains/" NAME "/pubcert.p-256.pem"));
}
END_TEST

START_TEST(without_live_activation_everything_waits_for_a_restart)
{
    ready();
    only_domain()->policy.live = 0;
    stage();
    md_board_staged(&board->rows[0], md_now(&clock_->clock));
    round_after(0);
    round_after(MD_PROMOTE_AGE);
    ck_assert(!has("domains/"));
    CHECK_OK(md_promote_all(store, plan, md_now(&clock_->clock), kit_pool));
    ck_assert(has("domains/" NAME "/pubcert.p-256.pem"));
}
END_TEST

START_TEST(a_store_that_fails_is_tried_again_the_next_round)
{
    ready();
    stage();
    md_board_staged(&board->rows[0], md_now(&clock_->clock));
    round_after(0);
    store_mem_fail_at(store, 3);
    round_after(MD_PROMOTE_AGE);
    ck_assert_uint_eq(atomic_load(&board->rows[0].promoted), 0);
    round_after(0);
    ck_assert_uint_eq(atomic_load(&board->rows[0].promoted), 1);
    ck_assert(has("domains/" NAME "/pubcert.p-256.pem"));
}
END_TEST

START_TEST(a_start_empties_what_was_published)
{
    ready();
    stage();
    md_board_staged(&board->rows[0], md_now(&clock_->clock) - MD_PROMOTE_AGE);
    round_after(0);
    ck_assert(has("live/"));
    CHECK_OK(md_promote_all(store, plan, md_now(&clock_->clock), kit_pool));
    ck_assert(!has("live/"));
    ck_assert(has("domains/" NAME "/pubcert.p-256.pem"));
}
END_TEST

Suite *suite_httpd_promote(void)
{
    Suite *suite = suite_create("httpd/promote");
    TCase *tests = kit_case(suite, "promote");

    tcase_add_test(tests, a_staged_set_is_moved_when_its_job_had_time_to_look_at_it);
    tcase_add_test(tests, a_late_proof_is_waited_for);
    tcase_add_test(tests, a_row_that_claims_the_future_is_not_waited_for);
    tcase_add_test(tests, without_live_activation_everything_waits_for_a_restart);
    tcase_add_test(tests, a_store_that_fails_is_tried_again_the_next_round);
    tcase_add_test(tests, a_start_empties_what_was_published);
    return suite;
}
