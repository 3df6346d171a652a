/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renewals that follow what the CA suggests (RFC 9773), and tell it what they replace.
 */
#include <apr_strings.h>
#include <string.h>

#include "jobs/activate.h"
#include "kit/kit.h"
#include "kit/renewing.h"

#define A_MINUTE apr_time_from_sec(60)
#define AN_HOUR  apr_time_from_sec(3600)
#define A_DAY    apr_time_from_sec(24 * 3600)

/** How many requests the CA got that begin so. */
static int asked(renewing *r, const char *request)
{
    const char *log = fake_ca_log(r->ca, kit_pool);
    int count = 0;

    while ((log = strstr(log, request)) != NULL) {
        ++count;
        ++log;
    }
    return count;
}

static const char *window(renewing *r, apr_interval_time_t from, apr_interval_time_t until)
{
    json_t *doc = md_json_object(kit_pool);
    char text[64];

    for (int i = 0; i < 2; ++i) {
        apr_time_exp_t at;
        apr_size_t size;

        apr_time_exp_gmt(&at, md_now(r->core.clock) + (i ? until : from));
        apr_strftime(text, &size, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &at);
        md_json_set_text(doc, i ? "suggestedWindow.end" : "suggestedWindow.start", text);
    }
    return md_json_line(doc, kit_pool);
}

/** A domain whose certificate is in use, of a CA that has suggestions. */
static renewing *in_use(const char *keys)
{
    renewing *r = renewing_make("example.org", keys, kit_pool);
    md_activation outcome;

    r->ca->suggests = 1;
    renewing_run(r, A_MINUTE);
    ck_assert(renewing_is_staged(r));
    CHECK_OK(md_activate(r->store, r->domain, 1, md_now(r->core.clock), kit_pool, &outcome));
    ck_assert_int_eq(outcome, MD_ACTIVATION_DONE);
    ck_assert_int_eq(asked(r, "GET /suggest/"), 0);
    return r;
}

START_TEST(what_is_live_is_asked_about_when_it_has_been_moved)
{
    renewing *r = renewing_make("example.org", "P-256", kit_pool);

    r->ca->suggests = 1;
    renewing_run(r, A_MINUTE);
    ck_assert(renewing_is_staged(r));
    fake_clock_pass(r->clock, 6 * AN_HOUR);
    ck_assert_int_le(renewing_rest(r), 2 * AN_HOUR);
    r->domain->policy.live = 0;
    ck_assert_int_gt(renewing_rest(r), 2 * AN_HOUR);
    ck_assert_int_eq(asked(r, "GET /suggest/"), 0);
}
END_TEST

START_TEST(the_ca_gets_its_way)
{
    renewing *r = in_use("P-256");

    r->ca->suggestion = window(r, 10 * A_DAY, 11 * A_DAY);
    renewing_run(r, 9 * A_DAY);
    ck_assert_int_eq(r->ca->orders, 1);
    ck_assert_int_ge(asked(r, "GET /suggest/"), 9);
    renewing_run(r, 3 * A_DAY);
    ck_assert_int_eq(r->ca->orders, 2);
    ck_assert(renewing_is_staged(r));
    ck_assert_ptr_nonnull(r->ca->replaced);
    ck_assert_ptr_nonnull(
        strstr(fake_ca_log(r->ca, kit_pool), apr_pstrcat(kit_pool, "GET /suggest/", r->ca->replaced, NULL)));
}
END_TEST

START_TEST(each_key_replaces_the_certificate_of_its_own)
{
    renewing *r = in_use("P-256 P-384");
    const char *first;

    ck_assert_ptr_null(r->ca->replaced);
    r->ca->suggestion = window(r, -2 * A_DAY, -A_DAY);
    r->ca->fail_name = "example.org";
    renewing_run(r, A_DAY / 2);
    first = r->ca->replaced;
    r->ca->fail_name = NULL;
    renewing_run(r, 2 * A_DAY);
    ck_assert(renewing_is_staged(r));
    ck_assert_ptr_nonnull(first);
    ck_assert_str_ne(first, r->ca->replaced);
}
END_TEST

static const char *const refusals[] = { "alreadyReplaced", "malformed", "unauthorized", "serverInternal" };

START_TEST(what_cannot_be_replaced_is_ordered_anew)
{
    renewing *r = in_use("P-256");
    int orders;

    r->ca->suggestion = window(r, -2 * A_DAY, -A_DAY);
    r->ca->refuse_replacing = refusals[_i];
    orders = asked(r, "POST /order\n");
    renewing_run(r, A_DAY / 2);
    ck_assert(renewing_is_staged(r));
    ck_assert_int_eq(asked(r, "POST /order\n") - orders, 2);
    ck_assert_int_eq(r->ca->accounts, 1);
    ck_assert_ptr_null(r->ca->replaced);
    ck_assert_int_eq(renewing_job(r)->errors, 0);
}
END_TEST

START_TEST(no_suggestion_is_no_failure)
{
    renewing *r = in_use("P-256");

    renewing_run(r, 50 * A_DAY); /* 404 */
    ck_assert_int_eq(r->ca->orders, 1);
    ck_assert_int_ge(asked(r, "GET /suggest/"), 25);
    ck_assert_int_le(asked(r, "GET /suggest/"), 200);
    ck_assert_ptr_null(strstr(renewing_log(r), "AH10056"));
    ck_assert_ptr_nonnull(strstr(renewing_log(r), "could not be asked when to renew"));
    renewing_run(r, 20 * A_DAY);
    ck_assert_int_eq(r->ca->orders, 2);
}
END_TEST

START_TEST(an_unreachable_ca_is_no_failure_before_its_time)
{
    renewing *r = in_use("P-256");

    fake_ca_count_from_here(r->ca);
    r->ca->fault_at = r->ca->fault_every = 1;
    r->ca->fault = FAKE_FAULT_LOST;
    renewing_run(r, 10 * A_DAY);
    ck_assert_int_ge(r->ca->requests, 5);
    ck_assert_int_le(r->ca->requests, 60);
    ck_assert_ptr_null(strstr(renewing_log(r), "AH10056"));
}
END_TEST

START_TEST(the_answer_is_kept_over_restarts)
{
    renewing *r = in_use("P-256");

    r->ca->suggestion = window(r, 20 * A_DAY, 30 * A_DAY);
    r->ca->suggest_again = "43200";
    renewing_run(r, AN_HOUR * 7);
    ck_assert_int_eq(asked(r, "GET /suggest/"), 1);
    for (int i = 0; i < 5; ++i) {
        renewing_restart(r);
        renewing_run(r, AN_HOUR);
    }
    ck_assert_int_eq(asked(r, "GET /suggest/"), 1);
    renewing_run(r, A_DAY);
    ck_assert_int_ge(asked(r, "GET /suggest/"), 2);
}
END_TEST

START_TEST(who_does_not_want_it_does_not_ask)
{
    renewing *r = in_use("P-256");

    r->domain->policy.ari = 0;
    r->ca->suggestion = window(r, -2 * A_DAY, -A_DAY);
    fake_ca_count_from_here(r->ca);
    renewing_run(r, 10 * A_DAY);
    ck_assert_int_eq(r->ca->requests, 0);
    renewing_run(r, 60 * A_DAY);
    ck_assert_int_eq(r->ca->orders, 2);
    ck_assert_ptr_null(r->ca->replaced);
}
END_TEST

START_TEST(a_ca_without_it_is_looked_at_now_and_then)
{
    renewing *r = in_use("P-256");

    r->ca->suggests = 0;
    fake_ca_count_from_here(r->ca);
    renewing_run(r, 30 * A_DAY);
    ck_assert_int_ge(r->ca->requests, 3);
    ck_assert_int_le(r->ca->requests, 6);
}
END_TEST

Suite *suite_jobs_renew_suggest(void)
{
    Suite *suite = suite_create("jobs/renew_suggest");
    TCase *tests = kit_case(suite, "suggestions");

    tcase_add_test(tests, what_is_live_is_asked_about_when_it_has_been_moved);
    tcase_add_test(tests, the_ca_gets_its_way);
    tcase_add_test(tests, each_key_replaces_the_certificate_of_its_own);
    KIT_ADD_ROWS(tests, what_cannot_be_replaced_is_ordered_anew, refusals);
    tcase_add_test(tests, no_suggestion_is_no_failure);
    tcase_add_test(tests, an_unreachable_ca_is_no_failure_before_its_time);
    tcase_add_test(tests, the_answer_is_kept_over_restarts);
    tcase_add_test(tests, who_does_not_want_it_does_not_ask);
    tcase_add_test(tests, a_ca_without_it_is_looked_at_now_and_then);
    return suite;
}
