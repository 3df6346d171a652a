/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Budgets over many lives of a server: whatever goes wrong, the CA is asked for no more than it allows.
 */
#include <apr_strings.h>
#include <string.h>

#include "jobs/asked.h"
#include "jobs/kind_renew.h"
#include "jobs/sync.h"
#include "kit/kit.h"
#include "kit/renewing.h"

#define A_MINUTE apr_time_from_sec(60)
#define AN_HOUR  apr_time_from_sec(3600)

static renewing *world(const char *budget)
{
    renewing *r = renewing_make("example.org www.example.org", "P-256", kit_pool);

    ck_assert_ptr_null(
        md_field_read_text(&md_field_rows[MD_FIELD_ca_budget], budget, &r->domain->policy, kit_pool));
    return r;
}

/** The server runs for a second and is reloaded, after which failures of before do not count. */
static void live_and_reload(renewing *r)
{
    renewing_run(r, apr_time_from_sec(1));
    CHECK_OK(md_sync(r->store, r->plan, MD_SYNC_ALL, kit_pool));
}

static const char *problem(renewing *r)
{
    const char *type = md_json_text(renewing_job(r)->last, "problem");

    return type ? type : "";
}

START_TEST(a_reload_loop_does_not_use_up_failed_validations)
{
    renewing *r = world("auto");

    r->ca->fail_name = "www.example.org";
    for (int i = 0; i < 20; ++i)
        live_and_reload(r);
    ck_assert_int_eq(r->ca->orders, 4);
    ck_assert_str_eq(problem(r), "md:budget");
    ck_assert_ptr_nonnull(
        strstr(renewing_log(r), "at most 4 failed validations of a domain within 1 hour (MDCABudget)"));
    r->ca->fail_name = NULL;
    renewing_run(r, AN_HOUR);
    ck_assert_msg(renewing_is_staged(r), "%s",
                  strlen(renewing_log(r)) > 2000 ? renewing_log(r) + strlen(renewing_log(r)) - 2000 : "");
}
END_TEST

START_TEST(a_crash_loop_does_not_use_up_failed_validations)
{
    renewing *r = world("auto");
    int orders = 0;

    r->ca->fail_name = "www.example.org";
    for (int i = 0; i < 20; ++i) {
        renewing_die_at_request(r, i ? 9 : 11, 1); /* while the CA is asked what became of its validation */
        renewing_run(r, apr_time_from_sec(1));
        renewing_restart(r);
        CHECK_OK(md_sync(r->store, r->plan, MD_SYNC_ALL, kit_pool));
        orders = r->ca->orders;
    }
    ck_assert_int_ge(orders, 2);
    ck_assert_int_le(orders, 5);
}
END_TEST

START_TEST(who_asks_by_hand_is_not_held_back)
{
    renewing *r = world("auto");

    r->ca->fail_name = "www.example.org";
    for (int i = 0; i < 6; ++i)
        live_and_reload(r);
    ck_assert_int_eq(r->ca->orders, 4);
    fake_clock_pass(r->clock, apr_time_from_sec(2));
    store_mem_set_time(r->store, md_now(r->core.clock));
    CHECK_OK(md_ask_for(r->store, r->domain->name, md_now(r->core.clock), kit_pool));
    live_and_reload(r);
    ck_assert_int_eq(r->ca->orders, 5);
}
END_TEST

START_TEST(a_pace_that_was_chosen_is_kept_at_a_ca_of_ones_own)
{
    renewing *r = world("auto");

    ck_assert_ptr_null(
        md_field_read_text(&md_field_rows[MD_FIELD_retry_delay], "1s", &r->domain->policy, kit_pool));
    r->ca->fail_name = "www.example.org";
    for (int i = 0; i < 10; ++i)
        live_and_reload(r);
    ck_assert_int_ge(r->ca->orders, 10);
}
END_TEST

/** Somebody empties the store's staging after each renewal. */
static void lose_it_often(renewing *r, int times)
{
    for (int i = 0; i < times; ++i) {
        renewing_run(r, A_MINUTE);
        CHECK_OK(md_store_drop(r->store, MD_PLACE(MD_GROUP_STAGING, r->domain->name, NULL), kit_pool));
    }
}

START_TEST(certificates_for_the_same_names_are_few)
{
    renewing *r = world("auto");

    lose_it_often(r, 10);
    ck_assert_int_eq(r->ca->finalized, 4);
    ck_assert_ptr_nonnull(strstr(renewing_log(r), "at most 4 certificates for the same names within 7 days"));
    renewing_run(r, 48 * AN_HOUR);
    ck_assert_int_eq(r->ca->finalized, 5);
}
END_TEST

START_TEST(other_names_have_a_budget_of_their_own)
{
    renewing *r = world("auto");

    lose_it_often(r, 6);
    md_names_add(r->domain->names, "more.example.org");
    lose_it_often(r, 1);
    ck_assert_int_eq(r->ca->finalized, 5);
}
END_TEST

/** Uses a budget up, as the record of the CA has it. */
static void use_up(renewing *r, const char *key)
{
    const apr_time_t spent = md_now(r->core.clock) + 3 * AN_HOUR;
    md_names *files;

    CHECK_OK(md_store_list(r->store, MD_GROUP_CLAIMS, "budgets-of-cas", kit_pool, &files));
    ck_assert_int_gt(files->nelts, 0);
    for (int i = 0; i < files->nelts; ++i)
        CHECK_OK(md_store_save_text(
            r->store, MD_PLACE(MD_GROUP_CLAIMS, "budgets-of-cas", MD_NAME(files, i)),
            apr_psprintf(kit_pool, "{\"%s\":\"%s\"}", key, md_date_text(spent, kit_pool)), kit_pool));
}

START_TEST(orders_of_an_account_go_on_one_by_one)
{
    renewing *r = world("on");

    renewing_run(r, apr_time_from_sec(10));
    use_up(r, "orders");
    for (int i = 0; i < 3; ++i)
        renewing_add(r, apr_psprintf(kit_pool, "other%d.example.org", i), "P-256")->policy.ca_budget =
            MD_CA_BUDGET_ON;
    renewing_run(r, apr_time_from_sec(39));
    ck_assert_int_eq(r->ca->orders, 1);
    renewing_run(r, A_MINUTE);
    ck_assert_int_eq(r->ca->orders, 2);
    renewing_run(r, 2 * A_MINUTE);
    ck_assert_int_eq(r->ca->orders, 4);
    ck_assert_ptr_nonnull(strstr(renewing_log(r), "new orders at ca.test go on one by one"));
    ck_assert_ptr_null(strstr(renewing_log(r), "AH10056"));
}
END_TEST

START_TEST(new_accounts_are_few)
{
    renewing *r = world("on");

    renewing_run(r, apr_time_from_sec(10));
    use_up(r, "accounts");
    fake_ca_forget_accounts(r->ca);
    md_names_add(r->domain->names, "more.example.org");
    CHECK_OK(md_store_drop(r->store, MD_PLACE(MD_GROUP_STAGING, r->domain->name, NULL), kit_pool));
    renewing_run(r, A_MINUTE);
    ck_assert_int_eq(r->ca->accounts, 1);
    ck_assert_str_eq(problem(r), "md:budget");
    renewing_run(r, AN_HOUR);
    ck_assert_int_eq(r->ca->accounts, 2);
    ck_assert(renewing_is_staged(r));
}
END_TEST

START_TEST(a_damaged_record_is_as_good_as_none)
{
    renewing *r = world("on");

    CHECK_OK(
        md_store_save_text(r->store, MD_PLACE(MD_GROUP_CLAIMS, "budgets", "example.org"), "{", kit_pool));
    renewing_run(r, A_MINUTE);
    ck_assert(renewing_is_staged(r));
}
END_TEST

START_TEST(a_failure_at_a_time_that_is_yet_to_come_holds_nobody_back)
{
    renewing *r = world("off");

    r->ca->fail_name = "www.example.org";
    renewing_run(r, apr_time_from_sec(1));
    ck_assert_int_eq(r->ca->orders, 1);
    r->ca->fail_name = NULL;
    fake_clock_set(r->clock, md_now(r->core.clock) - 1000 * AN_HOUR);
    renewing_run(r, apr_time_from_sec(1));
    ck_assert_int_eq(r->ca->orders, 2);
}
END_TEST

Suite *suite_jobs_renew_budget(void)
{
    Suite *suite = suite_create("jobs/renew_budget");
    TCase *tcase = kit_case(suite, "budget");

    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, a_reload_loop_does_not_use_up_failed_validations);
    tcase_add_test(tcase, a_crash_loop_does_not_use_up_failed_validations);
    tcase_add_test(tcase, who_asks_by_hand_is_not_held_back);
    tcase_add_test(tcase, a_pace_that_was_chosen_is_kept_at_a_ca_of_ones_own);
    tcase_add_test(tcase, certificates_for_the_same_names_are_few);
    tcase_add_test(tcase, other_names_have_a_budget_of_their_own);
    tcase_add_test(tcase, orders_of_an_account_go_on_one_by_one);
    tcase_add_test(tcase, new_accounts_are_few);
    tcase_add_test(tcase, a_failure_at_a_time_that_is_yet_to_come_holds_nobody_back);
    tcase_add_test(tcase, a_damaged_record_is_as_good_as_none);
    return suite;
}
