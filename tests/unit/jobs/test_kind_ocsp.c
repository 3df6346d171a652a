/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a staple: fetched, kept, given out, renewed, and what happens when the responder does not help.
 */
#include "jobs/kind_ocsp.h"

#include <apr_strings.h>
#include <string.h>

#include "jobs/engine.h"
#include "jobs/joblog.h"
#include "kit/fake_clock.h"
#include "kit/fake_responder.h"
#include "kit/kit.h"
#include "kit/store_mem.h"

#define MINUTE apr_time_from_sec(60)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static fake_responder *to;
static fake_clock *clock_now;
static md_core core;
static md_http_options options;
static md_stapling stapling;
static md_stapled each[2];
static md_domain others, *domain;
static md_cert_facts facts;
static md_chain *live; /* what has gone live, or NULL */
static int put, looks;
static md_staple last; /* what was put last */
static const char *last_sha1;

static const char *pem_of(int i)
{
    md_chain *one = md_own_chain(kit_pool, sk_X509_new_null());

    X509_up_ref(sk_X509_value(to->chain, i));
    sk_X509_push(one, sk_X509_value(to->chain, i));
    return sample_pem(one, kit_pool).data;
}

static md_err *facts_of(void *self, const md_domain *which, apr_pool_t *p, apr_array_header_t **out)
{
    static md_cert_facts now;

    (void)self;
    (void)which;
    ++looks;
    *out = apr_array_make(p, 1, sizeof(md_cert_fact));
    if (live)
        MD_TRY(md_chain_facts(live, p, &now));
    APR_ARRAY_PUSH(*out, md_cert_fact) = (md_cert_fact){ .cert = live ? &now : &facts };
    return NULL;
}

static md_err *live_chain(void *self, const md_stapled *which, apr_pool_t *p, md_chain **chain)
{
    (void)self;
    (void)which;
    (void)p;
    *chain = live;
    return NULL;
}

/** As an adapter does it. */
static void note_progress(void *self, const md_domain *which, const md_progress *now)
{
    (void)self;
    (void)now;
    ck_assert_ptr_eq(MD_DOMAIN(core.plan, which->index), which);
}

static void on_put(void *self, const md_stapled *which, const char *sha1, const md_staple *staple)
{
    (void)self;
    (void)which;
    ++put;
    last = *staple;
    last.response.data = apr_pmemdup(kit_pool, staple->response.data, staple->response.size);
    last_sha1 = apr_pstrdup(kit_pool, sha1);
}

/** A certificate without domain; with `managed`, one of a domain that may go live. */
static void make_world(int managed)
{
    static int first[2];
    md_plan *plan = md_plan_make(kit_pool);

    to = fake_responder_make("a.test", NULL, kit_pool);
    clock_now = fake_clock_make(apr_time_from_sec(apr_time_sec(apr_time_now())), kit_pool);
    CHECK_OK(md_chain_facts(to->chain, kit_pool, &facts));
    options = (md_http_options){ .send = fake_responder_send, .self = to };
    md_policy_defaults(&plan->policy, kit_pool);
    domain = md_domain_make(sample_names("a.test", kit_pool), kit_pool);
    CHECK_OK(md_plan_add(plan, domain, 0, kit_pool));
    domain->policy.stapling = 1;
    domain->used = 1;
    others =
        (md_domain){ .name = "other", .names = md_names_make(kit_pool), .policy = plan->policy, .index = -1 };
    others.policy.stapling = 1;
    each[0] = (md_stapled){ .domain = managed ? domain : &others,
                            .sha1 = facts.sha1,
                            .responder = facts.ocsp_uri,
                            .expires = facts.valid.until,
                            .leaf = pem_of(0),
                            .issuer = pem_of(1),
                            .shown = "a.test",
                            .managed = managed };
    each[1] = (md_stapled){ .domain = domain, .spec = MD_SPEC(domain->policy.keys, 0) };
    first[0] = 0;
    first[1] = managed ? 2 : 0;
    stapling = (md_stapling){
        .each = each, .count = managed ? 2 : 1, .first = first, .live = live_chain, .put = on_put
    };
    core = (md_core){ .store = store_mem_open(kit_pool),
                      .plan = plan,
                      .clock = &clock_now->clock,
                      .events = &md_joblog_only,
                      .http = &options,
                      .facts = facts_of,
                      .progress = note_progress,
                      .stapling = &stapling };
}

static void set_up(void)
{
    live = NULL;
    put = looks = 0;
    last_sha1 = NULL;
    make_world(0);
}

/** The next process: works until nothing is due now. Returns when something is due next. */
static apr_time_t run(void)
{
    static const md_kind *const kinds[] = { &md_kind_ocsp, NULL };
    apr_pool_t *p;
    md_engine *engine;
    apr_time_t next;

    apr_pool_create(&p, kit_pool);
    engine = md_engine_make(&core, kinds, p);
    to->says.now = md_now(core.clock);
    md_engine_run(engine, md_now(core.clock));
    next = md_engine_next(engine);
    apr_pool_destroy(p);
    return next;
}

/** The time passes, and what is due then is done by the next process. */
static apr_time_t run_after(apr_interval_time_t time)
{
    fake_clock_pass(clock_now, time);
    return run();
}

static md_staple *kept(void)
{
    md_staple *staple;

    CHECK_OK(md_staple_load(core.store, each[0].domain->name, facts.sha1, kit_pool, &staple));
    return staple;
}

static md_job *record(void)
{
    md_job *job;

    CHECK_OK(md_job_load_at(
        core.store, MD_PLACE(MD_GROUP_OCSP, each[0].domain->name, md_staple_record(facts.sha1, kit_pool)),
        kit_pool, &job));
    return job;
}

static const char *problem(void)
{
    return md_json_text(record()->last, "problem");
}

START_TEST(a_staple_is_fetched_kept_and_given_out)
{
    apr_time_t next = run();

    ck_assert_int_eq(to->asked, 1);
    ck_assert_ptr_nonnull(kept());
    ck_assert_int_eq(put, 1);
    ck_assert_str_eq(last_sha1, facts.sha1);
    ck_assert(md_bytes_equal(last.response, kept()->response));
    ck_assert_int_gt(next, md_now(core.clock) + 2 * DAY);
    ck_assert_int_lt(next, md_now(core.clock) + 3 * DAY);
    ck_assert(record()->finished && !record()->errors);
}
END_TEST

START_TEST(a_new_process_asks_nobody_and_gives_out_what_is_kept)
{
    run();
    run_after(HOUR);
    ck_assert_int_eq(to->asked, 1);
    ck_assert_int_eq(put, 2);
}
END_TEST

START_TEST(a_staple_is_renewed_before_it_ends)
{
    run();
    run_after(3 * DAY);
    ck_assert_int_eq(to->asked, 2);
    ck_assert_int_gt(last.valid.until, md_now(core.clock) + 3 * DAY);
}
END_TEST

START_TEST(what_is_repeated_is_asked_for_again_in_a_while)
{
    apr_time_t next;

    to->says.from = md_now(core.clock);
    to->says.until = md_now(core.clock) + 4 * DAY;
    run();
    next = run_after(3 * DAY);
    ck_assert_int_eq(to->asked, 2);
    ck_assert_int_ge(next, md_now(core.clock) + HOUR - MINUTE);
    run_after(MINUTE);
    ck_assert_int_eq(to->asked, 2); /* a new process believes the record */
}
END_TEST

START_TEST(an_older_answer_does_not_replace_a_newer_one)
{
    const apr_time_t begin = md_now(core.clock);

    run();
    to->says.from = begin - DAY;
    to->says.until = begin + 10 * DAY;
    run_after(3 * DAY);
    ck_assert_int_eq(to->asked, 2);
    ck_assert_int_eq(kept()->valid.from, begin);
}
END_TEST

START_TEST(a_failure_keeps_what_is_good)
{
    apr_time_t next;

    run();
    to->says.unknown = 1;
    next = run_after(3 * DAY);
    ck_assert_str_eq(problem(), "md:ocsp-unknown");
    ck_assert_int_eq(kept()->status, MD_OCSP_GOOD);
    ck_assert_int_eq(put, 2);
    ck_assert_int_eq(record()->errors, 1);
    ck_assert_int_eq(next, md_now(core.clock) + apr_time_from_sec(30));
}
END_TEST

START_TEST(failures_are_told_as_such)
{
    to->unreachable = 1;
    run();
    ck_assert_str_eq(problem(), "md:ocsp-unreachable");
    ck_assert_str_eq(md_json_text(json_array_get(record()->log, 0), "type"), "ocsp-error");
    ck_assert_ptr_nonnull(strstr(md_json_text(record()->last, "detail"), "a.test"));
    ck_assert_ptr_nonnull(strstr(md_json_text(record()->last, "detail"), "http://ocsp.test/"));
    ck_assert_int_eq(put, 0);
}
END_TEST

START_TEST(a_dead_responder_is_asked_less_often_but_often_enough)
{
    apr_interval_time_t wait = 0;

    run();
    to->unreachable = 1;
    fake_clock_pass(clock_now, 3 * DAY);
    for (int i = 0; i < 30; ++i) {
        apr_time_t left = last.valid.until - md_now(core.clock);

        wait = run() - md_now(core.clock);
        ck_assert_int_gt(wait, 0);
        ck_assert_int_le(wait, left > 2 * MINUTE ? left / 2 : HOUR);
        fake_clock_pass(clock_now, wait);
    }
    ck_assert_int_eq(wait, HOUR);
    to->unreachable = 0;
    run();
    ck_assert_int_eq(record()->errors, 0);
    ck_assert_int_gt(last.valid.until, md_now(core.clock));
}
END_TEST

START_TEST(a_busy_responder_is_left_alone_as_long_as_it_says)
{
    to->status = 503;
    to->header = "Retry-After";
    to->value = "600";
    ck_assert_int_eq(run() - md_now(core.clock), 10 * MINUTE);
    run_after(9 * MINUTE);
    ck_assert_int_eq(to->asked, 1);
    to->status = 0;
    run_after(MINUTE);
    ck_assert_int_eq(to->asked, 2);
    ck_assert_ptr_nonnull(kept());
}
END_TEST

START_TEST(get_is_tried_where_post_is_refused)
{
    to->refuses_post = 1;
    run();
    ck_assert_int_eq(to->asked, 2);
    ck_assert_str_eq(to->method, "GET");
    ck_assert_int_eq(record()->errors, 0);
    ck_assert_ptr_nonnull(kept());
}
END_TEST

START_TEST(sha256_is_tried_where_the_certificate_is_not_known)
{
    to->only_sha256 = to->says.sha256 = 1;
    run();
    ck_assert_int_eq(to->asked, 2);
    ck_assert_int_eq(record()->errors, 0);
    ck_assert_ptr_nonnull(kept());
}
END_TEST

START_TEST(each_attempt_tries_sha256_once)
{
    to->body = "\x30\x03\x0a\x01\x06";
    run();
    ck_assert_int_eq(to->asked, 2);
    ck_assert_str_eq(problem(), "md:ocsp-refused");
    run_after(2 * MINUTE);
    ck_assert_int_eq(to->asked, 4);
}
END_TEST

START_TEST(a_kept_response_that_is_wrong_is_not_given_out)
{
    const md_staple forged = { .response = { "\x30\x03\x0a\x01\x00", 5 },
                               .status = MD_OCSP_GOOD,
                               .valid = { md_now(core.clock), md_now(core.clock) + 300 * DAY } };

    CHECK_OK(md_staple_save(core.store, "other", facts.sha1, &forged, kit_pool));
    run();
    ck_assert_int_eq(put, 1);
    ck_assert_uint_gt(last.response.size, 5);
    ck_assert_int_lt(kept()->valid.until, forged.valid.until);
}
END_TEST

START_TEST(a_certificate_that_has_expired_is_not_asked_about)
{
    run();
    ck_assert_int_eq(run_after(100 * DAY), 0);
    ck_assert_int_eq(to->asked, 1);
}
END_TEST

START_TEST(a_revoked_certificate_makes_its_domain_due)
{
    md_due due;

    make_world(1);
    CHECK_OK(md_core_due(&core, domain, md_now(core.clock), kit_pool, &due, NULL));
    ck_assert_int_gt(due.renew_at, md_now(core.clock));
    to->says.status = MD_OCSP_REVOKED;
    run();
    ck_assert_int_eq(last.status, MD_OCSP_REVOKED);
    CHECK_OK(md_core_due(&core, domain, md_now(core.clock), kit_pool, &due, NULL));
    ck_assert_int_eq(due.renew_at, md_now(core.clock));
    ck_assert_str_eq(due.why, "was revoked");
}
END_TEST

START_TEST(what_goes_live_takes_over)
{
    md_cert_facts newer;

    make_world(1);
    run();
    ck_assert_int_eq(to->asked, 1);
    live = to->chain = sample_issue(
        to->ca, sample_key(NULL, kit_pool),
        &(sample_wish){ .names = sample_names("a.test", kit_pool), .ocsp_uri = "http://ocsp.test/" },
        kit_pool);
    CHECK_OK(md_chain_facts(live, kit_pool, &newer));
    run_after(3 * DAY);
    ck_assert_int_eq(to->asked, 2); /* about the newer one, and not about the one before */
    ck_assert_str_eq(last_sha1, newer.sha1);
}
END_TEST

START_TEST(states_are_told)
{
    md_staple_state state;

    CHECK_OK(md_staple_state_at(&core, 0, kit_pool, &state));
    ck_assert_str_eq(state.sha1, facts.sha1);
    ck_assert_int_eq(state.status, MD_OCSP_UNKNOWN);
    ck_assert_ptr_null(state.job);
    run();
    CHECK_OK(md_staple_state_at(&core, 0, kit_pool, &state));
    ck_assert_str_eq(state.domain, "other");
    ck_assert_str_eq(state.sha1, facts.sha1);
    ck_assert_str_eq(state.responder, "http://ocsp.test/");
    ck_assert_int_eq(state.status, MD_OCSP_GOOD);
    ck_assert_int_eq(state.valid.until, last.valid.until);
    ck_assert_int_eq(apr_time_sec(state.refresh_at), apr_time_sec(record()->next_run));
    CHECK_OK(md_staple_state_of(&core, NULL, &facts, kit_pool, &state));
    ck_assert_int_eq(state.status, MD_OCSP_GOOD);
    fake_clock_pass(clock_now, 5 * DAY);
    CHECK_OK(md_staple_state_of(&core, NULL, &facts, kit_pool, &state));
    ck_assert_int_eq(state.status, MD_OCSP_UNKNOWN);
    ck_assert_int_eq(state.valid.until, 0);
}
END_TEST

START_TEST(what_has_expired_is_not_stapled)
{
    md_staple_state state;

    fake_clock_pass(clock_now, 100 * DAY);
    CHECK_OK(md_staple_state_at(&core, 0, kit_pool, &state));
    ck_assert_ptr_null(state.sha1);
}
END_TEST

/* Each call of the store may fail: the staple comes with the next try. */
START_TEST(a_store_that_fails_once_costs_time_only)
{
    for (int i = 1; i < 20; ++i) {
        make_world(0);
        store_mem_fail_at(core.store, i);
        run();
        run_after(2 * MINUTE);
        store_mem_restart(core.store);
        ck_assert_msg(kept() && kept()->status == MD_OCSP_GOOD, "call %d", i);
    }
}
END_TEST

Suite *suite_jobs_kind_ocsp(void)
{
    Suite *suite = suite_create("jobs/kind_ocsp");
    TCase *tcase = kit_case(suite, "a staple"), *domains = kit_case(suite, "domains");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_checked_fixture(domains, set_up, NULL);
    tcase_add_test(tcase, a_staple_is_fetched_kept_and_given_out);
    tcase_add_test(tcase, a_new_process_asks_nobody_and_gives_out_what_is_kept);
    tcase_add_test(tcase, a_staple_is_renewed_before_it_ends);
    tcase_add_test(tcase, what_is_repeated_is_asked_for_again_in_a_while);
    tcase_add_test(tcase, an_older_answer_does_not_replace_a_newer_one);
    tcase_add_test(tcase, a_failure_keeps_what_is_good);
    tcase_add_test(tcase, failures_are_told_as_such);
    tcase_add_test(tcase, a_dead_responder_is_asked_less_often_but_often_enough);
    tcase_add_test(tcase, a_busy_responder_is_left_alone_as_long_as_it_says);
    tcase_add_test(tcase, get_is_tried_where_post_is_refused);
    tcase_add_test(tcase, sha256_is_tried_where_the_certificate_is_not_known);
    tcase_add_test(tcase, each_attempt_tries_sha256_once);
    tcase_add_test(tcase, a_kept_response_that_is_wrong_is_not_given_out);
    tcase_add_test(tcase, a_certificate_that_has_expired_is_not_asked_about);
    tcase_add_test(tcase, a_store_that_fails_once_costs_time_only);
    tcase_add_test(domains, a_revoked_certificate_makes_its_domain_due);
    tcase_add_test(domains, what_goes_live_takes_over);
    tcase_add_test(domains, states_are_told);
    tcase_add_test(domains, what_has_expired_is_not_stapled);
    return suite;
}
