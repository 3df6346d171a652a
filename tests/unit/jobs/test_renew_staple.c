/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a new certificate that must be stapled waits for, and for how long.
 */
#include <apr_strings.h>
#include <string.h>

#include "jobs/kind_ocsp.h"
#include "jobs/renew.h"
#include "kit/fake_clock.h"
#include "kit/fake_responder.h"
#include "kit/kit.h"
#include "kit/store_mem.h"

#define SECOND apr_time_from_sec(1)

static fake_responder *to;
static fake_clock *clock_now;
static md_domain *domain;
static md_core core;
static md_desk desk;
static md_http_options options;
static md_work work;
static md_step step;
static md_cert_facts live; /* sha1 NULL: nothing is live */

static md_err *facts_of(void *self, const md_domain *which, apr_pool_t *p, apr_array_header_t **out)
{
    (void)self;
    (void)which;
    *out = apr_array_make(p, 1, sizeof(md_cert_fact));
    APR_ARRAY_PUSH(*out, md_cert_fact) = (md_cert_fact){ .cert = live.sha1 ? &live : NULL };
    return NULL;
}

static void stage_certificate(int must_staple)
{
    to = fake_responder_make("a.test", &(sample_wish){ .must_staple = must_staple }, kit_pool);
    options = (md_http_options){ .send = fake_responder_send, .self = to };
    CHECK_OK(md_creds_save_chain(core.store, MD_GROUP_STAGING, "a.test", MD_SPEC(domain->policy.keys, 0),
                                 to->chain, kit_pool));
}

static void set_up(void)
{
    md_plan *plan = md_plan_make(kit_pool);

    clock_now = fake_clock_make(apr_time_now(), kit_pool);
    md_policy_defaults(&plan->policy, kit_pool);
    domain = md_domain_make(sample_names("a.test", kit_pool), kit_pool);
    domain->policy.stapling = 1;
    core = (md_core){
        .store = store_mem_open(kit_pool), .plan = plan, .clock = &clock_now->clock, .facts = facts_of
    };
    live = (md_cert_facts){ .sha1 = NULL };
    stage_certificate(1);
    desk = (md_desk){ .core = &core, .responders = md_responders_open(), .http = md_http_open(&options) };
    work = (md_work){ .domain = domain, .since = md_now(core.clock) };
    step = (md_step){ .desk = &desk,
                      .core = &core,
                      .domain = domain,
                      .work = &work,
                      .job = md_job_make(MD_GROUP_STAGING, "a.test", kit_pool),
                      .p = kit_pool };
}

static void tear_down(void)
{
    md_http_close(desk.http);
    md_responders_close(desk.responders);
}

/** Something good is live. */
static void have_live(void)
{
    const apr_time_t now = md_now(core.clock);

    live = (md_cert_facts){ .sha1 = "00",
                            .sha256 = "00",
                            .names = domain->names,
                            .valid = { now - 1000 * SECOND, now + 1000000 * SECOND } };
}

static md_next run_after(apr_interval_time_t time)
{
    fake_clock_pass(clock_now, time);
    step.now = md_now(core.clock);
    return md_renew_staple(&step);
}

START_TEST(the_response_comes_before_the_certificate)
{
    md_cert_facts facts;
    md_staple *staple;

    ck_assert_int_eq(run_after(0).verdict, MD_WAIT);
    ck_assert_int_eq(run_after(0).verdict, MD_GO_ON);
    ck_assert_int_eq(to->asked, 1);
    CHECK_OK(md_chain_facts(to->chain, kit_pool, &facts));
    CHECK_OK(md_staple_load(core.store, "a.test", facts.sha1, kit_pool, &staple));
    ck_assert_int_eq(staple->status, MD_OCSP_GOOD);
}
END_TEST

START_TEST(other_certificates_wait_for_nothing)
{
    stage_certificate(0);
    ck_assert_int_eq(run_after(0).verdict, MD_GO_ON);
    ck_assert_int_eq(to->asked, 0);
}
END_TEST

START_TEST(without_stapling_nothing_is_waited_for)
{
    domain->policy.stapling = 0;
    ck_assert_int_eq(run_after(0).verdict, MD_GO_ON);
    ck_assert_int_eq(to->asked, 0);
}
END_TEST

START_TEST(what_is_live_stays_when_no_response_comes)
{
    md_next next;

    have_live();
    to->says.unknown = 1;
    next = run_after(0);
    ck_assert_int_eq(next.verdict, MD_WAIT);
    ck_assert_int_eq(next.at, step.now + 5 * SECOND);
    ck_assert_int_eq(run_after(119 * SECOND).verdict, MD_WAIT);
    next = run_after(2 * SECOND);
    ck_assert_int_eq(next.verdict, MD_FAILED);
    ck_assert_str_eq(next.err->type, "md:no-first-staple");
    CHECK_FAILS(next.err, MD_FAULT_REMOTE, "does not know the certificate");
}
END_TEST

START_TEST(with_nothing_good_to_show_the_new_certificate_does_not_wait_for_long)
{
    to->unreachable = 1;
    ck_assert_int_eq(run_after(0).verdict, MD_WAIT);
    ck_assert_int_eq(run_after(21 * SECOND).verdict, MD_GO_ON);
}
END_TEST

START_TEST(a_response_that_has_expired_does_not_count)
{
    ck_assert_int_eq(run_after(0).verdict, MD_WAIT);
    to->says.now = md_now(core.clock) + 5 * 86400 * SECOND;
    ck_assert_int_eq(run_after(5 * 86400 * SECOND).verdict, MD_WAIT);
    ck_assert_int_eq(to->asked, 2);
}
END_TEST

START_TEST(what_went_live_already_waits_no_more)
{
    step.job->notified = 1;
    ck_assert_int_eq(run_after(0).verdict, MD_GO_ON);
    ck_assert_int_eq(to->asked, 0);
}
END_TEST

START_TEST(the_response_is_fetched_when_the_activation_delay_ends)
{
    md_next next;

    have_live();
    to->says.unknown = 1;
    domain->policy.must_staple = 1;
    step.job->ready_at = work.since + 86400 * SECOND;
    next = run_after(0);
    ck_assert_int_eq(next.verdict, MD_WAIT);
    ck_assert_int_eq(next.at, step.job->ready_at);
    ck_assert_int_eq(to->asked, 0);
    ck_assert_int_eq(run_after(86400 * SECOND).verdict, MD_WAIT);
    ck_assert_int_eq(to->asked, 1);
    ck_assert_int_eq(run_after(121 * SECOND).verdict, MD_FAILED);
}
END_TEST

START_TEST(a_store_that_fails_is_a_failure)
{
    store_mem_fail_at(core.store, 1);
    ck_assert_int_eq(run_after(0).verdict, MD_FAILED);
}
END_TEST

Suite *suite_jobs_renew_staple(void)
{
    Suite *suite = suite_create("jobs/renew_staple");
    TCase *tcase = kit_case(suite, "must-staple");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, the_response_comes_before_the_certificate);
    tcase_add_test(tcase, other_certificates_wait_for_nothing);
    tcase_add_test(tcase, without_stapling_nothing_is_waited_for);
    tcase_add_test(tcase, what_is_live_stays_when_no_response_comes);
    tcase_add_test(tcase, with_nothing_good_to_show_the_new_certificate_does_not_wait_for_long);
    tcase_add_test(tcase, a_response_that_has_expired_does_not_count);
    tcase_add_test(tcase, what_went_live_already_waits_no_more);
    tcase_add_test(tcase, the_response_is_fetched_when_the_activation_delay_ends);
    tcase_add_test(tcase, a_store_that_fails_is_a_failure);
    return suite;
}
