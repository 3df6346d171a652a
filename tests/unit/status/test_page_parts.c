/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times and numbers as people read them, and bars that stay in their bounds.
 */
#include "status/page_parts.h"

#include <string.h>

#include "kit/kit.h"
#include "suites.h"

static const struct {
    int seconds;
    const char *words;
} times[] = {
    { 0, "0 seconds" },      { 1, "1 second" },       { 119, "119 seconds" }, { 120, "2 minutes" },
    { 7199, "119 minutes" }, { 7200, "2 hours" },     { 172799, "47 hours" }, { 172800, "2 days" },
    { 7776000, "90 days" },  { -7776000, "90 days" },
};

START_TEST(a_time_is_told_in_one_unit)
{
    ck_assert_str_eq(md_time_words(apr_time_from_sec(times[_i].seconds), kit_pool), times[_i].words);
}
END_TEST

START_TEST(a_number_has_its_thousands_apart)
{
    ck_assert_str_eq(md_count_text(999, kit_pool), "999");
    ck_assert_str_eq(md_count_text(1000, kit_pool), "1,000");
    ck_assert_str_eq(md_count_text(12034, kit_pool), "12,034");
    ck_assert_str_eq(md_count_words(1, "domain", "domains", kit_pool), "1 domain");
    ck_assert_str_eq(md_count_words(0, "domain", "domains", kit_pool), "0 domains");
}
END_TEST

START_TEST(a_problem_is_called_by_its_last_word)
{
    ck_assert_str_eq(md_problem_word("urn:ietf:params:acme:error:rateLimited"), "rateLimited");
    ck_assert_str_eq(md_problem_word("md:unreachable"), "md:unreachable");
    ck_assert_ptr_null(md_problem_word(NULL));
}
END_TEST

static const struct {
    apr_time_t from, until, renew_at, now;
    const char *passed, *window;
} bars[] = {
    { 1000, 2000, 1667, 1250, "class=\"passed\" y=\"3\" width=\"25%\"", "x=\"66%\" y=\"3\" width=\"34%\"" },
    { 1000, 2000, 0, 1250, "class=\"passed\" y=\"3\" width=\"25%\"", "x=\"100%\" y=\"3\" width=\"0%\"" },
    { 1000, 2000, 500, 100, "class=\"passed\" y=\"3\" width=\"0%\"", "x=\"0%\" y=\"3\" width=\"100%\"" },
    { 1000, 2000, 3000, 9000, "class=\"passed\" y=\"3\" width=\"100%\"", "x=\"100%\" y=\"3\" width=\"0%\"" },
    { 2000, 1000, 1500, 1700, "class=\"passed\" y=\"3\" width=\"0%\"", "x=\"0%\" y=\"3\" width=\"100%\"" },
};

START_TEST(a_bar_stays_in_its_bounds)
{
    md_html *html = md_html_make(kit_pool);

    md_part_bar(html, (md_period){ bars[_i].from, bars[_i].until }, bars[_i].renew_at, bars[_i].now,
                MD_VIEW_OK);
    ck_assert_ptr_nonnull(strstr(md_html_bytes(html).data, bars[_i].passed));
    ck_assert_ptr_nonnull(strstr(md_html_bytes(html).data, bars[_i].window));
}
END_TEST

Suite *suite_status_page_parts(void)
{
    Suite *suite = suite_create("status/page_parts");
    TCase *tests = kit_case(suite, "parts");

    KIT_ADD_ROWS(tests, a_time_is_told_in_one_unit, times);
    tcase_add_test(tests, a_number_has_its_thousands_apart);
    tcase_add_test(tests, a_problem_is_called_by_its_last_word);
    KIT_ADD_ROWS(tests, a_bar_stays_in_its_bounds, bars);
    return suite;
}
