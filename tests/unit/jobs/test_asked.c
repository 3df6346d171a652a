/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renewals that somebody asks for: they happen once, whatever the settings and earlier failures say.
 */
#include "jobs/asked.h"

#include "jobs/activate.h"
#include "kit/kit.h"
#include "kit/renewing.h"

#define A_MINUTE apr_time_from_sec(60)

static renewing *asked_of(int mode)
{
    renewing *r = renewing_make("example.org", "P-256", kit_pool);

    r->domain->policy.renew_mode = mode;
    store_mem_set_time(r->store, md_now(r->core.clock));
    CHECK_OK(md_ask_for(r->store, "example.org", md_now(r->core.clock), kit_pool));
    return r;
}

START_TEST(who_is_asked_for_is_told)
{
    renewing *r = asked_of(MD_RENEW_MANUAL);
    md_names *names;

    ck_assert_int_eq(md_asked(r->store, "example.org", kit_pool), md_now(r->core.clock));
    ck_assert_int_eq(md_asked(r->store, "other.org", kit_pool), 0);
    CHECK_OK(md_asked_all(r->store, kit_pool, &names));
    ck_assert_str_eq(md_names_join(names, " ", kit_pool), "example.org");
    CHECK_OK(md_asked_done(r->store, "example.org", kit_pool));
    ck_assert_int_eq(md_asked(r->store, "example.org", kit_pool), 0);
    CHECK_OK(md_asked_done(r->store, "example.org", kit_pool));
}
END_TEST

START_TEST(what_is_asked_for_is_renewed_once)
{
    renewing *r = asked_of(MD_RENEW_MANUAL);
    md_activation outcome;

    renewing_run(r, A_MINUTE);
    ck_assert(renewing_is_staged(r));
    ck_assert_int_eq(md_asked(r->store, "example.org", kit_pool), 0);
    CHECK_OK(md_activate(r->store, r->domain, 1, md_now(r->core.clock), kit_pool, &outcome));
    renewing_run(r, A_MINUTE);
    ck_assert_int_eq(r->ca->finalized, 1);
}
END_TEST

START_TEST(a_good_certificate_is_renewed_when_that_is_asked_for)
{
    renewing *r = renewing_make("example.org", "P-256", kit_pool);
    md_activation outcome;

    renewing_run(r, A_MINUTE);
    CHECK_OK(md_activate(r->store, r->domain, 1, md_now(r->core.clock), kit_pool, &outcome));
    CHECK_OK(md_ask_for(r->store, "example.org", md_now(r->core.clock), kit_pool));
    renewing_run(r, A_MINUTE);
    ck_assert_int_eq(r->ca->finalized, 2);
}
END_TEST

START_TEST(asking_does_not_wait_for_the_backoff_but_retries_do)
{
    renewing *r = asked_of(MD_RENEW_AUTO);

    r->ca->rate_limited = 1;
    renewing_run(r, A_MINUTE);
    ck_assert_int_eq(renewing_job(r)->errors, 1);
    fake_ca_count_from_here(r->ca);
    renewing_run(r, A_MINUTE);
    ck_assert_int_eq(r->ca->requests, 0);
    r->ca->rate_limited = 0;
    fake_clock_set(r->clock, md_now(r->core.clock) + A_MINUTE / 2);
    store_mem_set_time(r->store, md_now(r->core.clock));
    CHECK_OK(md_ask_for(r->store, "example.org", md_now(r->core.clock), kit_pool));
    renewing_run(r, A_MINUTE);
    ck_assert(renewing_is_staged(r));
}
END_TEST

Suite *suite_jobs_asked(void)
{
    Suite *suite = suite_create("jobs/asked");
    TCase *tcase = kit_case(suite, "asked for");

    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, who_is_asked_for_is_told);
    tcase_add_test(tcase, what_is_asked_for_is_renewed_once);
    tcase_add_test(tcase, a_good_certificate_is_renewed_when_that_is_asked_for);
    tcase_add_test(tcase, asking_does_not_wait_for_the_backoff_but_retries_do);
    return suite;
}
