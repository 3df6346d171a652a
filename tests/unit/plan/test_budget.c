/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Budgets: which CA has which, and how one time keeps the count.
 */
#include "plan/budget.h"

#include "kit/kit.h"

#define NOW     apr_time_from_sec(1800000000)
#define HOUR    apr_time_from_sec(3600)
#define ENCRYPT "https://acme-v02.api.letsencrypt.org/directory"
#define STAGING "https://acme-staging-v02.api.letsencrypt.org/directory"
#define ANOTHER "https://ca.example.org/directory"
#define EACH                                                                     \
    {                                                                            \
        MD_BUDGET_FAILURES, MD_BUDGET_SETS, MD_BUDGET_ORDERS, MD_BUDGET_ACCOUNTS \
    }

static const md_rate four_an_hour = { .count = 4, .period = HOUR };

START_TEST(so_many_at_once_and_then_one_by_one)
{
    apr_time_t spent = 0;

    for (int i = 0; i < 4; ++i) {
        ck_assert_int_le(md_budget_opens(&four_an_hour, spent, NOW), NOW);
        spent = md_budget_spend(&four_an_hour, spent, NOW);
    }
    ck_assert_int_eq(md_budget_opens(&four_an_hour, spent, NOW), NOW + HOUR / 4);
    spent = md_budget_spend(&four_an_hour, spent, NOW + HOUR / 4);
    ck_assert_int_eq(md_budget_opens(&four_an_hour, spent, NOW + HOUR / 4), NOW + HOUR / 2);
    ck_assert_int_le(md_budget_opens(&four_an_hour, spent, NOW + HOUR / 2), NOW + HOUR / 2);
}
END_TEST

START_TEST(what_was_not_spent_for_a_period_is_no_more_than_at_the_beginning)
{
    apr_time_t spent = md_budget_spend(&four_an_hour, NOW - 24 * HOUR, NOW);

    ck_assert_int_eq(spent, NOW + HOUR / 4);
}
END_TEST

START_TEST(a_clock_that_was_far_ahead_does_not_count)
{
    ck_assert_int_le(md_budget_opens(&four_an_hour, NOW + 10000 * HOUR, NOW), NOW);
    ck_assert_int_eq(md_budget_spend(&four_an_hour, NOW + 10000 * HOUR, NOW), NOW + HOUR / 4);
}
END_TEST

START_TEST(what_is_spent_by_hand_counts_but_no_longer_than_a_period)
{
    ck_assert_int_eq(md_budget_spend(&four_an_hour, NOW + HOUR, NOW), NOW + HOUR);
}
END_TEST

START_TEST(short_lives_have_short_periods)
{
    const md_rate week = { .count = 4, .period = 168 * HOUR };

    ck_assert_int_eq(md_budget_within(&week, HOUR).period, HOUR);
    ck_assert_int_eq(md_budget_within(&week, 1000 * HOUR).period, 168 * HOUR);
    ck_assert_int_eq(md_budget_within(&week, 0).period, 168 * HOUR);
}
END_TEST

static const struct {
    const char *budget, *retry_delay, *ca_url; /* NULL: not set */
    const char *has;                           /* a letter for each of EACH, or a dot */
} rows[] = {
    { NULL, NULL, ENCRYPT, "fsoa" },  { NULL, "1s", ENCRYPT, "fsoa" },   { NULL, NULL, STAGING, "fsoa" },
    { NULL, NULL, ANOTHER, "fs.." },  { "auto", NULL, ANOTHER, "fs.." }, { NULL, "1s", ANOTHER, "...." },
    { "on", NULL, ANOTHER, "fsoa" },  { "on", "1s", ANOTHER, "fsoa" },   { "off", NULL, ANOTHER, "...." },
    { "off", NULL, ENCRYPT, "...." },
};

static void set(md_policy *policy, md_field_id id, const char *text)
{
    if (text)
        ck_assert_ptr_null(md_field_read_text(&md_field_rows[id], text, policy, kit_pool));
}

START_TEST(each_ca_has_its_budgets)
{
    static const md_budget each[] = EACH;
    md_policy policy = { 0 };

    md_policy_defaults(&policy, kit_pool);
    set(&policy, MD_FIELD_ca_budget, rows[_i].budget);
    set(&policy, MD_FIELD_retry_delay, rows[_i].retry_delay);
    for (int i = 0; i < MD_BUDGET_COUNT; ++i)
        ck_assert_int_eq(md_budget_rate(&policy, rows[_i].ca_url, each[i]) != NULL, rows[_i].has[i] != '.');
}
END_TEST

Suite *suite_plan_budget(void)
{
    Suite *suite = suite_create("plan/budget");
    TCase *tcase = kit_case(suite, "count");

    tcase_add_test(tcase, so_many_at_once_and_then_one_by_one);
    tcase_add_test(tcase, what_was_not_spent_for_a_period_is_no_more_than_at_the_beginning);
    tcase_add_test(tcase, a_clock_that_was_far_ahead_does_not_count);
    tcase_add_test(tcase, what_is_spent_by_hand_counts_but_no_longer_than_a_period);
    tcase_add_test(tcase, short_lives_have_short_periods);
    tcase = kit_case(suite, "rates");
    KIT_ADD_ROWS(tcase, each_ca_has_its_budgets, rows);
    return suite;
}
