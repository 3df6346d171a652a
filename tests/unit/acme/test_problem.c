/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What refusals of a CA mean, as rows.
 */
#include "acme/problem.h"

#include <apr_strings.h>
#include <string.h>

#include "base/json.h"
#include "kit/kit.h"

#define NOW apr_time_from_sec(1800000000)

static md_http_response response(int status, const char *type, const char *body)
{
    md_http_response made = { status, apr_table_make(kit_pool, 3), md_bytes_of(body) };

    apr_table_set(made.headers, "Content-Type", type);
    return made;
}

static const struct {
    const char *type;
    md_fault outside, inside;
} rows[] = {
    { "rateLimited", MD_FAULT_LIMIT, MD_FAULT_LIMIT },
    { "userActionRequired", MD_FAULT_CONFIG, MD_FAULT_CONFIG },
    { "externalAccountRequired", MD_FAULT_CONFIG, MD_FAULT_CONFIG },
    { "rejectedIdentifier", MD_FAULT_CONFIG, MD_FAULT_CONFIG },
    { "badCSR", MD_FAULT_CONFIG, MD_FAULT_CONFIG },
    { "connection", MD_FAULT_VALIDATION, MD_FAULT_VALIDATION },
    { "dns", MD_FAULT_VALIDATION, MD_FAULT_VALIDATION },
    { "caa", MD_FAULT_VALIDATION, MD_FAULT_VALIDATION },
    { "unauthorized", MD_FAULT_REMOTE, MD_FAULT_VALIDATION },
    { "serverInternal", MD_FAULT_REMOTE, MD_FAULT_REMOTE },
    { "somethingNew", MD_FAULT_REMOTE, MD_FAULT_REMOTE },
};

START_TEST(the_type_tells_who_must_act)
{
    const char *body =
        apr_psprintf(kit_pool, "{\"type\":\"" MD_ACME_ERROR "%s\",\"detail\":\"because\"}", rows[_i].type);
    md_http_response answer = response(400, "application/problem+json", body);
    md_err *err = md_problem_of(&answer, "testing", "https://ca.test/x", NOW, kit_pool);
    json_t *doc;

    ck_assert_int_eq(err->fault, rows[_i].outside);
    ck_assert_ptr_nonnull(strstr(err->detail, "because"));
    ck_assert(md_problem_is(err, rows[_i].type));
    CHECK_OK(md_json_read(md_bytes_of(body), kit_pool, &doc));
    ck_assert_int_eq(md_problem_read(doc, "testing", NOW, kit_pool)->fault, rows[_i].inside);
}
END_TEST

#define PAUSE "https://portal.ca.test/sfe/v1/unpause?jwt=eyJh.bGci_-9"

START_TEST(a_pause_is_ended_by_somebody_on_a_page_of_the_ca)
{
    md_http_response answer = response(429, "application/problem+json",
                                       "{\"type\":\"" MD_ACME_ERROR
                                       "rateLimited\",\"detail\":\"Your account is temporarily prevented. "
                                       "See https://ca.test/docs. Please visit: " PAUSE ".\"}");
    md_err *err;

    apr_table_set(answer.headers, "Retry-After", "60");
    err = md_problem_of(&answer, "placing the order", "https://ca.test/x", NOW, kit_pool);
    ck_assert_str_eq(err->type, "md:paused");
    ck_assert_int_eq(err->fault, MD_FAULT_CONFIG);
    ck_assert_int_eq(err->not_before, 0);
    ck_assert(md_problem_is(err, "rateLimited"));
    ck_assert_ptr_nonnull(strstr(err->detail, "open " PAUSE " and"));
    answer.body =
        md_bytes_of("{\"type\":\"" MD_ACME_ERROR "rateLimited\",\"detail\":\"see http://ca.test/unpause or "
                    "https://ca.test/docs\"}");
    ck_assert_int_eq(md_problem_of(&answer, "x", "https://ca.test/x", NOW, kit_pool)->fault, MD_FAULT_LIMIT);
}
END_TEST

START_TEST(limits_of_accounts_are_told_from_those_of_names)
{
    static const struct {
        const char *text;
        int of_account;
    } limits[] = {
        { "too many new orders (300) from this account in the last 3h0m0s, retry after", 1 },
        { "too many new registrations (10) from this IP address in the last 3h0m0s", 1 },
        { "too many certificates (5) already issued for this exact set of identifiers", 0 },
        { "too many failed authorizations (5) for www.example.org in the last 1h0m0s", 0 },
    };
    md_http_response answer =
        response(429, "application/problem+json",
                 apr_pstrcat(kit_pool, "{\"type\":\"" MD_ACME_ERROR "rateLimited\",\"detail\":\"",
                             limits[_i].text, "\"}", NULL));

    ck_assert_int_eq(
        md_problem_is_of_account(md_problem_of(&answer, "x", "https://ca.test/x", NOW, kit_pool)),
        limits[_i].of_account);
}
END_TEST

START_TEST(a_limit_is_obeyed_as_seconds_and_as_text)
{
    md_http_response answer =
        response(429, "application/problem+json",
                 "{\"type\":\"" MD_ACME_ERROR "rateLimited\",\"detail\":\"too many: retry after "
                 "2027-01-15 12:00:00 UTC: see docs\"}");
    md_err *err = md_problem_of(&answer, "testing", "https://ca.test/x", NOW, kit_pool);

    ck_assert_int_eq(err->not_before, md_date_read("2027-01-15T12:00:00Z"));
    answer = response(429, "text/plain", "slow down");
    apr_table_set(answer.headers, "Retry-After", "120");
    err = md_problem_of(&answer, "testing", "https://ca.test/x", NOW, kit_pool);
    ck_assert_int_eq(err->fault, MD_FAULT_LIMIT);
    ck_assert_int_eq(err->not_before, NOW + apr_time_from_sec(120));
}
END_TEST

START_TEST(a_web_page_is_shown_shortened_and_in_one_line)
{
    md_http_response answer =
        response(502, "text/html",
                 "<html>\n<h1>Bad Gateway</h1> a long page follows here and goes on and "
                 "on and on, until nobody wants to read it any more</html>");
    md_err *err = md_problem_of(&answer, "placing the order", "https://user:secret@ca.test/x", NOW, kit_pool);

    ck_assert_int_eq(err->fault, MD_FAULT_REMOTE);
    ck_assert_ptr_nonnull(strstr(err->detail, "502"));
    ck_assert_ptr_nonnull(strstr(err->detail, "text/html"));
    ck_assert_ptr_nonnull(strstr(err->detail, "placing the order"));
    ck_assert_ptr_null(strstr(err->detail, "secret"));
    ck_assert_ptr_null(strchr(err->detail, '\n'));
    ck_assert_uint_lt(strlen(err->detail), 300);
}
END_TEST

START_TEST(subproblems_are_kept)
{
    md_http_response answer =
        response(400, "application/problem+json",
                 "{\"type\":\"" MD_ACME_ERROR
                 "rejectedIdentifier\",\"subproblems\":[{\"identifier\":{\"value\":\"a.test\"}}]}");
    md_err *err = md_problem_of(&answer, "placing the order", "https://ca.test/x", NOW, kit_pool);

    ck_assert_uint_eq(json_array_size(err->subproblems), 1);
}
END_TEST

START_TEST(names_that_are_refused_are_named)
{
    md_http_response answer =
        response(400, "application/problem+json",
                 "{\"type\":\"" MD_ACME_ERROR "rejectedIdentifier\",\"detail\":\"no\",\"subproblems\":["
                 "{\"identifier\":{\"value\":\"a.test\"},\"detail\":\"on a\\nlist\"},"
                 "{\"identifier\":{\"value\":\"b.test\"}},{\"detail\":\"nobody\"},7]}");
    md_err *err = md_problem_of(&answer, "placing the order", "https://ca.test/x", NOW, kit_pool);

    ck_assert_str_eq(err->detail, "the CA says while placing the order: no (a.test: on a.list; b.test: (no "
                                  "reason given))");
}
END_TEST

START_TEST(of_many_names_some_are_named)
{
    const char *body = "{\"type\":\"" MD_ACME_ERROR "caa\",\"detail\":\"no\",\"subproblems\":[";
    md_http_response answer;
    md_err *err;

    for (int i = 0; i < 100; ++i)
        body = apr_psprintf(kit_pool, "%s%s{\"identifier\":{\"value\":\"n%d.test\"}}", body, i ? "," : "", i);
    answer = response(400, "application/problem+json", apr_pstrcat(kit_pool, body, "]}", NULL));
    err = md_problem_of(&answer, "placing the order", "https://ca.test/x", NOW, kit_pool);
    ck_assert_ptr_nonnull(strstr(err->detail, "n7.test"));
    ck_assert_ptr_null(strstr(err->detail, "n8.test"));
    ck_assert_ptr_nonnull(strstr(err->detail, "and 92 more"));
}
END_TEST

Suite *suite_acme_problem(void);
Suite *suite_acme_problem(void)
{
    Suite *suite = suite_create("acme/problem");
    TCase *tests = kit_case(suite, "refusals");

    KIT_ADD_ROWS(tests, the_type_tells_who_must_act, rows);
    tcase_add_test(tests, a_pause_is_ended_by_somebody_on_a_page_of_the_ca);
    tcase_add_loop_test(tests, limits_of_accounts_are_told_from_those_of_names, 0, 4);
    tcase_add_test(tests, a_limit_is_obeyed_as_seconds_and_as_text);
    tcase_add_test(tests, a_web_page_is_shown_shortened_and_in_one_line);
    tcase_add_test(tests, subproblems_are_kept);
    tcase_add_test(tests, names_that_are_refused_are_named);
    tcase_add_test(tests, of_many_names_some_are_named);
    return suite;
}
