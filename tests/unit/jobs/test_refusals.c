/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a renewal makes of refusals, limits, silence and certificates that were not ordered.
 */
#include <apr_strings.h>
#include <string.h>

#include "jobs/kind_renew.h"
#include "kit/kit.h"
#include "kit/renewing.h"
#include "kit/sample.h"

#define A_MINUTE apr_time_from_sec(60)
#define AN_HOUR  apr_time_from_sec(3600)
#define A_DAY    apr_time_from_sec(24 * 3600)

static renewing *world(void)
{
    return renewing_make("example.org www.example.org", "P-256", kit_pool);
}

static void check_logged(renewing *r, const char *text)
{
    ck_assert_msg(strstr(renewing_log(r), text) != NULL, "\"%s\" was not logged:\n%s", text, renewing_log(r));
}

/** How long until the recorded next run, in seconds. Dates in records have no fractions. */
static int seconds_to_next_run(renewing *r)
{
    md_job *job = renewing_job(r);

    return (int)apr_time_sec(job->next_run - job->last_run);
}

START_TEST(an_unreachable_ca_is_one_line_and_another_try)
{
    renewing *r = world();
    md_job *job;

    r->ca->fault = FAKE_FAULT_LOST;
    r->ca->fault_at = 1;
    renewing_run(r, apr_time_from_sec(1));
    job = renewing_job(r);
    ck_assert_int_eq(job->errors, 1);
    ck_assert_int_eq(seconds_to_next_run(r), 30);
    ck_assert_str_eq(md_json_text(job->last, "problem"), "md:unreachable");
    ck_assert_str_eq(md_json_text(job->last, "activity"), "reading the CA's directory");
    ck_assert_int_ne(md_job_noted(job, "renewal-error"), 0);
    check_logged(r, "3 AH10056 Renewing example.org failed, next try in 30 seconds (");
    check_logged(r, "md[example.org] while[reading the CA's directory] problem[md:unreachable] detail[");
    check_logged(r, "6 AH10057 example.org: 1 error(s) in a row, next run in 30 seconds");
    renewing_run(r, A_MINUTE);
    ck_assert(renewing_is_staged(r));
}
END_TEST

START_TEST(a_failure_that_repeats_is_told_shortly)
{
    renewing *r = world();
    const char *again;

    r->ca->fault = FAKE_FAULT_LOST;
    r->ca->fault_at = 1;
    r->ca->fault_every = 1;
    renewing_run(r, A_MINUTE);
    check_logged(r, "3 AH10056 Renewing example.org failed, next try in 30 seconds (");
    again = strstr(renewing_log(r),
                   "3 AH10056 Renewing example.org failed, same error the 2nd time, next try in 1 minute (");
    ck_assert_ptr_nonnull(again);
    ck_assert_ptr_nonnull(
        strstr(again, "md[example.org] while[reading the CA's directory] problem[md:unreachable]\n"));
    ck_assert_ptr_null(strstr(again, "detail["));
}
END_TEST

START_TEST(a_rate_limit_is_waited_for)
{
    renewing *r = world();

    r->ca->rate_limited = 1;
    renewing_run(r, 10 * A_MINUTE);
    ck_assert_int_eq(renewing_job(r)->errors, 1); /* however often: it says nothing about the CA */
    ck_assert_int_eq(seconds_to_next_run(r), 120);
    ck_assert_str_eq(md_json_text(renewing_job(r)->last, "fault"), "limit");
}
END_TEST

START_TEST(failed_validations_are_retried_slowly)
{
    static const int delays[] = { 60, 600, 6000, 24 * 3600, 24 * 3600 };
    renewing *r = world();

    r->ca->fail_name = "www.example.org";
    for (int i = 0; i < 5; ++i) {
        renewing_run(r, apr_time_from_sec(30) + (i ? apr_time_from_sec(delays[i - 1]) : 0));
        ck_assert_int_eq(renewing_job(r)->errors, i + 1);
        ck_assert_int_eq(seconds_to_next_run(r), delays[i]);
        ck_assert_int_eq(r->ca->orders, i + 1);
    }
    check_logged(r, "the CA could not validate www.example.org by http-01");
    check_logged(r, "problem[urn:ietf:params:acme:error:connection]");
    ck_assert_ptr_null(renewing_file(r, "order.json"));
    ck_assert_ptr_null(strstr(store_mem_tree(r->store, kit_pool), "challenges/"));
    r->ca->fail_name = NULL;
    renewing_run(r, 2 * A_DAY);
    ck_assert(renewing_is_staged(r));
}
END_TEST

START_TEST(an_explicit_retry_delay_is_the_base_of_all_schedules)
{
    renewing *r = world();

    r->domain->policy.retry_delay = apr_time_from_sec(5);
    r->domain->policy.set |= APR_UINT64_C(1) << MD_FIELD_retry_delay;
    r->ca->fail_name = "example.org";
    renewing_run(r, apr_time_from_sec(2));
    ck_assert_int_eq(seconds_to_next_run(r), 5);
}
END_TEST

START_TEST(what_the_operator_must_mend_is_tried_daily)
{
    renewing *r = world();

    r->ca->refuse_name = "www.example.org";
    renewing_run(r, 10 * A_DAY + AN_HOUR);
    ck_assert_int_eq(renewing_job(r)->errors, 11);
    check_logged(r, "problem[urn:ietf:params:acme:error:rejectedIdentifier]");
}
END_TEST

START_TEST(terms_that_nobody_agreed_to_are_named)
{
    renewing *r = world();

    r->domain->policy.agreement = NULL;
    r->ca->terms_required = 1;
    renewing_run(r, A_MINUTE);
    check_logged(r, "MDCertificateAgreement accepted");
    ck_assert_str_eq(md_json_text(renewing_job(r)->last, "fault"), "config");
    ck_assert_int_eq(r->ca->accounts, 0);
}
END_TEST

static const struct {
    fake_cert cert;
    const char *says;
} wrong[] = {
    { FAKE_CERT_OTHER_KEY, "key" },        { FAKE_CERT_OTHER_NAMES, "example.org" },
    { FAKE_CERT_SURPLUS_NAME, "ordered" }, { FAKE_CERT_EXPIRED, "expired on" },
    { FAKE_CERT_BROKEN_CHAIN, "chain" },   { FAKE_CERT_GARBAGE, "certificate" },
};

START_TEST(a_wrong_certificate_is_not_believed)
{
    renewing *r = world();

    r->ca->cert = wrong[_i].cert;
    renewing_run(r, apr_time_from_sec(10));
    ck_assert(!renewing_is_staged(r));
    ck_assert_ptr_null(renewing_file(r, "pubcert.p-256.pem"));
    ck_assert_int_eq(renewing_job(r)->errors, 1);
    check_logged(r, "AH10056");
    check_logged(r, wrong[_i].says);
    r->ca->cert = FAKE_CERT_GOOD;
    renewing_run(r, AN_HOUR);
    ck_assert_msg(renewing_is_staged(r) || wrong[_i].cert == FAKE_CERT_GARBAGE, "%s", renewing_log(r));
}
END_TEST

START_TEST(a_ca_that_ignores_must_staple_is_not_asked_without_end)
{
    renewing *r = world();

    r->domain->policy.must_staple = 1;
    renewing_run(r, AN_HOUR);
    ck_assert(!renewing_is_staged(r));
    ck_assert_int_eq(r->ca->orders, 1);
    check_logged(r, "it lacks the must-staple extension");
}
END_TEST

START_TEST(a_resting_ca_is_left_alone_by_all_domains)
{
    renewing *r = world();

    for (int i = 0; i < 5; ++i)
        renewing_add(r, apr_psprintf(kit_pool, "other%d.example.org", i), "P-256");
    r->ca->fault = FAKE_FAULT_STATUS;
    r->ca->fault_status = 503;
    r->ca->fault_type = "text/plain";
    r->ca->fault_at = 1;
    r->ca->fault_every = 1;
    renewing_run(r, apr_time_from_sec(20));
    ck_assert_int_le(r->ca->requests, 6); /* one for each, then backoff */
    r->ca->fault = FAKE_FAULT_NONE;
    renewing_run(r, AN_HOUR);
    ck_assert_int_eq(r->ca->finalized, 6);
}
END_TEST

START_TEST(after_enough_errors_the_next_ca_is_tried)
{
    renewing *r = world();
    md_domain *staged;
    json_t *doc;

    r->domain->policy.ca_urls.list = sample_names("https://dead.test/dir " FAKE_CA_DIRECTORY, kit_pool);
    r->plan->policy.retry_failover = 3;
    renewing_run(r, AN_HOUR);
    ck_assert_msg(renewing_is_staged(r), "%s", renewing_log(r));
    check_logged(r, "after 3 errors in a row");
    ck_assert_int_eq(renewing_job(r)->errors, 0);
    CHECK_OK(md_json_read(md_bytes_of(renewing_file(r, "md.json")), kit_pool, &doc));
    staged = md_domain_from_json(doc, kit_pool);
    ck_assert_str_eq(staged->ca_url, FAKE_CA_DIRECTORY);
}
END_TEST

Suite *suite_jobs_refusals(void)
{
    Suite *suite = suite_create("jobs/refusals");
    TCase *tcase = kit_case(suite, "refusals");

    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, an_unreachable_ca_is_one_line_and_another_try);
    tcase_add_test(tcase, a_failure_that_repeats_is_told_shortly);
    tcase_add_test(tcase, a_rate_limit_is_waited_for);
    tcase_add_test(tcase, failed_validations_are_retried_slowly);
    tcase_add_test(tcase, an_explicit_retry_delay_is_the_base_of_all_schedules);
    tcase_add_test(tcase, what_the_operator_must_mend_is_tried_daily);
    tcase_add_test(tcase, terms_that_nobody_agreed_to_are_named);
    KIT_ADD_ROWS(tcase, a_wrong_certificate_is_not_believed, wrong);
    tcase_add_test(tcase, a_ca_that_ignores_must_staple_is_not_asked_without_end);
    tcase_add_test(tcase, a_resting_ca_is_left_alone_by_all_domains);
    tcase_add_test(tcase, after_enough_errors_the_next_ca_is_tried);
    return suite;
}
