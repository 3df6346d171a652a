/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks, periods, dates, Retry-After and backoff.
 */
#include "base/when.h"

#include <string.h>

#include "kit/fake_clock.h"
#include "kit/kit.h"
#include "suites.h"

#define SECOND APR_INT64_C(1000000)
#define DAY    (86400 * SECOND)
#define THEN   apr_time_from_sec(1567094795) /* Thu, 29 Aug 2019 16:06:35 GMT */

START_TEST(the_system_clock_goes_on)
{
    const apr_time_t before = apr_time_now(), now = md_now(&md_clock_system);

    ck_assert_int_ge(now, before);
    ck_assert_int_le(now, apr_time_now());
}
END_TEST

START_TEST(chance_is_spread_over_the_unit_interval)
{
    int low = 0, high = 0, outside = 0;

    for (int i = 0; i < 1000; ++i) {
        const double each = md_random(&md_clock_system);

        outside += each < 0 || each >= 1;
        low += each < 0.5;
        high += each >= 0.5;
    }
    ck_assert_int_eq(outside, 0);
    ck_assert_int_gt(low, 300);
    ck_assert_int_gt(high, 300);
}
END_TEST

START_TEST(a_period_has_its_begin_but_not_its_end)
{
    const md_period period = { 10, 20 };

    ck_assert(!md_period_has(period, 9));
    ck_assert(md_period_has(period, 10));
    ck_assert(md_period_has(period, 19));
    ck_assert(!md_period_has(period, 20));
    ck_assert(!md_period_has((md_period){ 0, 0 }, 0));
}
END_TEST

static const struct {
    md_period a, b, common;
} periods[] = {
    { { 10, 20 }, { 15, 30 }, { 15, 20 } }, { { 15, 30 }, { 10, 20 }, { 15, 20 } },
    { { 10, 40 }, { 20, 30 }, { 20, 30 } }, { { 10, 20 }, { 20, 30 }, { 0, 0 } },
    { { 10, 20 }, { 30, 40 }, { 0, 0 } },   { { 10, 20 }, { 0, 0 }, { 0, 0 } },
};

START_TEST(two_periods_have_a_common_part_or_none)
{
    const md_period common = md_period_common(periods[_i].a, periods[_i].b);

    ck_assert_int_eq(common.from, periods[_i].common.from);
    ck_assert_int_eq(common.until, periods[_i].common.until);
}
END_TEST

START_TEST(a_date_is_written_as_http_does)
{
    ck_assert_str_eq(md_date_text(THEN, kit_pool), "Thu, 29 Aug 2019 16:06:35 GMT");
    ck_assert_int_eq(md_date_read(md_date_text(THEN, kit_pool)), THEN);
}
END_TEST

static const struct {
    const char *text;
    apr_time_t time;
} dates[] = {
    { "Thu, 29 Aug 2019 16:06:35 GMT", THEN },
    { "Thursday, 29-Aug-19 16:06:35 GMT", THEN },
    { "Thu Aug 29 16:06:35 2019", THEN },
    { "2019-08-29T16:06:35Z", THEN },
    { "2019-08-29t16:06:35z", THEN },
    { "2019-08-29 16:06:35Z", THEN },
    { "2019-08-29T18:06:35+02:00", THEN },
    { "2019-08-29T14:36:35-0130", THEN },
    { "2019-08-29T16:06:35.5Z", THEN + SECOND / 2 },
    { "2019-08-29T16:06:35.123456789Z", THEN + 123456 },
    { "2020-02-29T00:00:00Z", APR_INT64_C(1582934400) * 1000000 },
    { "2016-12-31T23:59:60Z", APR_INT64_C(1483228799) * 1000000 },
    { "9999-12-31T23:59:59Z", APR_INT64_C(253402300799) * 1000000 },
};

START_TEST(dates_are_read_in_all_their_forms)
{
    ck_assert_int_eq(md_date_read(dates[_i].text), dates[_i].time);
}
END_TEST

static const char *const no_dates[] = {
    "",
    "soon",
    "2019",
    "2019-08-29",
    "2019-08-29T16:06:35",
    "2019-08-29T16:06:35X",
    "2019-08-29T16:06:35Zulu",
    "2019-02-29T00:00:00Z",
    "2019-13-01T00:00:00Z",
    "2019-00-01T00:00:00Z",
    "2019-04-31T00:00:00Z",
    "2019-08-29T24:00:00Z",
    "2019-08-29T16:60:00Z",
    "2019-08-29T16:06:61Z",
    "2019-08-29T16:06:35.Z",
    "2019-08-29T16:06:35+2:00",
    "2019-08-29T16:06:35+24:00",
    "2019- 8-29T16:06:35Z",
    "1969-12-31T23:59:59Z",
    "1970-01-01T00:00:00+01:00",
    "Thu, 99 Aug 2019 16:06:35 GMT",
    "-1",
    "2019-08-29T16:06:35.00000000000000000000000000000000000000000000000000Z",
};

START_TEST(what_is_no_date_reads_as_none)
{
    ck_assert_int_eq(md_date_read(no_dates[_i]), 0);
}
END_TEST

START_TEST(no_text_is_no_date)
{
    ck_assert_int_eq(md_date_read(NULL), 0);
}
END_TEST

static const struct {
    const char *value;
    apr_time_t time; /* with a maximum of a day from THEN */
} waits[] = {
    { "120", THEN + 120 * SECOND },
    { "120 ", THEN + 120 * SECOND },
    { "0", THEN },
    { "86401", THEN + DAY },
    { "99999999999999999999", THEN + DAY },
    { "Thu, 29 Aug 2019 16:07:35 GMT", THEN + 60 * SECOND },
    { "Thu, 29 Aug 2019 16:05:35 GMT", THEN },
    { "Sat, 29 Aug 2099 16:06:35 GMT", THEN + DAY },
    { "-5", 0 },
    { "1.5", 0 },
    { "soon", 0 },
    { "", 0 },
    { NULL, 0 },
};

START_TEST(retry_after_is_seconds_or_a_date_within_bounds)
{
    ck_assert_int_eq(md_retry_after(waits[_i].value, THEN, DAY), waits[_i].time);
}
END_TEST

static const struct {
    int errors;
    apr_interval_time_t delay; /* from 30 s, at most an hour */
} delays[] = {
    { 0, 30 * SECOND },
    { 1, 30 * SECOND },
    { 2, 60 * SECOND },
    { 3, 120 * SECOND },
    { 7, 1920 * SECOND },
    { 8, 3600 * SECOND },
    { 2147483647, 3600 * SECOND },
};

START_TEST(backoff_doubles_up_to_a_cap)
{
    const fake_clock *clock = fake_clock_make(FAKE_NOW, kit_pool);

    ck_assert_int_eq(md_backoff(30 * SECOND, delays[_i].errors, 3600 * SECOND, &clock->clock),
                     delays[_i].delay);
}
END_TEST

START_TEST(backoff_is_jittered_by_half)
{
    fake_clock *clock = fake_clock_make(FAKE_NOW, kit_pool);

    fake_clock_chance(clock, 0);
    ck_assert_int_eq(md_backoff(60 * SECOND, 1, DAY, &clock->clock), 30 * SECOND);
    fake_clock_chance(clock, 0.999);
    ck_assert_int_gt(md_backoff(60 * SECOND, 1, DAY, &clock->clock), 89 * SECOND);
    ck_assert_int_le(md_backoff(60 * SECOND, 1, DAY, &clock->clock), 90 * SECOND);
}
END_TEST

START_TEST(no_delay_stays_none)
{
    const fake_clock *clock = fake_clock_make(FAKE_NOW, kit_pool);

    ck_assert_int_eq(md_backoff(0, 2147483647, DAY, &clock->clock), 0);
}
END_TEST

Suite *suite_base_when(void)
{
    Suite *suite = suite_create("base/when");
    TCase *tcase = kit_case(suite, "when");

    tcase_add_test(tcase, the_system_clock_goes_on);
    tcase_add_test(tcase, chance_is_spread_over_the_unit_interval);
    tcase_add_test(tcase, a_period_has_its_begin_but_not_its_end);
    KIT_ADD_ROWS(tcase, two_periods_have_a_common_part_or_none, periods);
    tcase_add_test(tcase, a_date_is_written_as_http_does);
    KIT_ADD_ROWS(tcase, dates_are_read_in_all_their_forms, dates);
    KIT_ADD_ROWS(tcase, what_is_no_date_reads_as_none, no_dates);
    tcase_add_test(tcase, no_text_is_no_date);
    KIT_ADD_ROWS(tcase, retry_after_is_seconds_or_a_date_within_bounds, waits);
    KIT_ADD_ROWS(tcase, backoff_doubles_up_to_a_cap, delays);
    tcase_add_test(tcase, backoff_is_jittered_by_half);
    tcase_add_test(tcase, no_delay_stays_none);
    return suite;
}
