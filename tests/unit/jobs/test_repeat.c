/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told at full length, and what shortly.
 */
#include "jobs/repeat.h"

#include "kit/kit.h"

#define AN_HOUR apr_time_from_sec(3600)
#define NOW     apr_time_from_sec(1700000000)

static md_repeat told;

static void forget(void)
{
    told = (md_repeat){ 0 };
}

static int in_full(const char *activity, const char *type, const char *text, apr_time_t now)
{
    const md_err cause = { .type = type, .detail = text },
                 err = { .type = type, .detail = "it failed", .cause = &cause };

    return md_repeat_in_full(&told, activity, &err, now);
}

START_TEST(the_same_failure_is_told_at_full_length_once)
{
    ck_assert(in_full("ordering", "md:timeout", "no answer", NOW));
    ck_assert(!in_full("ordering", "md:timeout", "no answer", NOW + AN_HOUR));
    ck_assert(!in_full("ordering", "md:timeout", "no answer", NOW + 2 * AN_HOUR));
    ck_assert_int_eq(told.times, 3);
}
END_TEST

START_TEST(it_is_told_at_full_length_again_after_a_day)
{
    in_full("ordering", "md:timeout", "no answer", NOW);
    ck_assert(!in_full("ordering", "md:timeout", "no answer", NOW + 23 * AN_HOUR));
    ck_assert(in_full("ordering", "md:timeout", "no answer", NOW + 24 * AN_HOUR));
    ck_assert_int_eq(told.times, 3);
    ck_assert(!in_full("ordering", "md:timeout", "no answer", NOW + 25 * AN_HOUR));
}
END_TEST

START_TEST(a_clock_that_goes_back_hides_nothing)
{
    in_full("ordering", "md:timeout", "no answer", NOW);
    ck_assert(in_full("ordering", "md:timeout", "no answer", NOW - AN_HOUR));
}
END_TEST

static const struct {
    const char *activity, *type, *text;
} others[] = {
    { "checking", "md:timeout", "the CA answered 503" },
    { "ordering", "md:unreachable", "the CA answered 503" },
    { "ordering", "md:timeout", "the CA answered 404" },
    { "ordering", "md:timeout", "the CA answered 503 and a page" },
    { "ordering", "md:timeout", NULL },
};

START_TEST(another_failure_is_told_at_full_length)
{
    in_full("ordering", "md:timeout", "the CA answered 503", NOW);
    ck_assert(in_full(others[_i].activity, others[_i].type, others[_i].text, NOW + 1));
    ck_assert_int_eq(told.times, 1);
    ck_assert(in_full("ordering", "md:timeout", "the CA answered 503", NOW + 2));
}
END_TEST

static const struct {
    const char *before, *after;
    int in_full;
} texts[] = {
    { "order 123456 is invalid", "order 98765432 is invalid", 0 },
    { "see https://ca.example/order/Ab1 (invalid)", "see https://ca.example/order/Xy2Z (invalid)", 0 },
    { "see https://ca.example/order?1", "see https://ca.example/", 0 },
    { "see https://ca.example/order/1", "see https://ca2.example/order/1", 1 },
    { "see https://ca.example/order (invalid)", "see https://ca.example/order (expired)", 1 },
    { "a/b", "a/c", 1 },
    { "a 123", "a 124", 1 },
};

START_TEST(numbers_and_paths_of_urls_do_not_count)
{
    in_full("ordering", "md:timeout", texts[_i].before, NOW);
    ck_assert_int_eq(in_full("ordering", "md:timeout", texts[_i].after, NOW + 1), texts[_i].in_full);
}
END_TEST

static const struct {
    int number;
    const char *text;
} ordinals[] = {
    { 1, "1st" },   { 2, "2nd" },   { 3, "3rd" },   { 4, "4th" },     { 11, "11th" },     { 12, "12th" },
    { 13, "13th" }, { 21, "21st" }, { 30, "30th" }, { 111, "111th" }, { 1002, "1002nd" },
};

START_TEST(ordinals_are_written_as_one_speaks)
{
    ck_assert_str_eq(md_repeat_ordinal(ordinals[_i].number, kit_pool), ordinals[_i].text);
}
END_TEST

Suite *suite_jobs_repeat(void)
{
    Suite *suite = suite_create("jobs/repeat");
    TCase *tcase = kit_case(suite, "repeat");

    tcase_add_checked_fixture(tcase, forget, NULL);
    tcase_add_test(tcase, the_same_failure_is_told_at_full_length_once);
    tcase_add_test(tcase, it_is_told_at_full_length_again_after_a_day);
    tcase_add_test(tcase, a_clock_that_goes_back_hides_nothing);
    KIT_ADD_ROWS(tcase, another_failure_is_told_at_full_length, others);
    KIT_ADD_ROWS(tcase, numbers_and_paths_of_urls_do_not_count, texts);
    KIT_ADD_ROWS(tcase, ordinals_are_written_as_one_speaks, ordinals);
    return suite;
}
