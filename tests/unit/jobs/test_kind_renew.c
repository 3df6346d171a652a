/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A renewal against a CA in memory: what it asks for, what it makes of refusals, what it leaves in the store.
 */
#include <apr_strings.h>
#include <string.h>

#include "jobs/activate.h"
#include "jobs/asked.h"
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

static void activate(renewing *r)
{
    md_activation outcome;

    CHECK_OK(md_activate(r->store, r->domain, 1, md_now(r->core.clock), kit_pool, &outcome));
    ck_assert_int_eq(outcome, MD_ACTIVATION_DONE);
}

START_TEST(the_first_certificate_takes_these_requests_and_no_more)
{
    renewing *r = renewing_make("example.org", "P-256", kit_pool);

    r->ca->order_polls = 1;
    renewing_run(r, A_MINUTE);
    ck_assert(renewing_is_staged(r));
    ck_assert_str_eq(
        fake_ca_log(r->ca, kit_pool),
        "GET /dir\nHEAD /nonce\nPOST /acct\nPOST /order\nPOST /authz/0\nPOST /chal/0\nPOST /authz/0\n"
        "POST /finalize/0\nPOST /order/0\nPOST /cert/0");
    ck_assert_str_eq(
        store_mem_tree(r->store, kit_pool),
        "claims/budgets/example.org\nclaims/renewal-info/example.org\n"
        "staging/example.org/account.json\nstaging/example.org/account.pem\nstaging/example.org/job.json\n"
        "staging/example.org/md.json\nstaging/example.org/privkey.p-256.pem\n"
        "staging/example.org/pubcert.p-256.pem\n");
}
END_TEST

START_TEST(the_end_is_recorded_announced_and_proved)
{
    renewing *r = world();
    md_job *job;

    renewing_run(r, A_MINUTE);
    job = renewing_job(r);
    ck_assert(job->finished);
    ck_assert(job->notified);
    ck_assert(job->notified_renewed);
    ck_assert_ptr_null(job->stage);
    ck_assert_int_eq(job->errors, 0);
    ck_assert_int_eq(job->next_run, 0);
    ck_assert_int_eq(md_json_int(job->last, "status", -1), 0);
    ck_assert_int_ne(job->valid_from, 0);
    ck_assert_int_le(job->valid_from, md_now(r->core.clock));
    ck_assert_int_ne(md_job_noted(job, "starting"), 0);
    ck_assert_int_ne(md_job_noted(job, "finished"), 0);
    ck_assert_int_eq(r->staged, 1);
    ck_assert_int_eq(r->account_staged, 1);
    ck_assert_int_eq(r->proofs, 1);
    check_logged(r,
                 "5 AH10059 The Managed Domain example.org has been setup and its certificate is live now");
}
END_TEST

START_TEST(without_live_activation_a_restart_is_asked_for)
{
    renewing *r = world();

    r->domain->policy.live = 0;
    renewing_run(r, A_MINUTE);
    check_logged(r, "changes will be activated on next (graceful) server restart");
    ck_assert_int_eq(r->proofs, 0);
    ck_assert(renewing_job(r)->notified_renewed);
}
END_TEST

START_TEST(all_domains_share_one_account)
{
    renewing *r = world();

    for (int i = 0; i < 5; ++i)
        renewing_add(r, apr_psprintf(kit_pool, "other%d.example.org", i), "P-256");
    renewing_run(r, A_MINUTE);
    ck_assert_int_eq(r->ca->accounts, 1);
    ck_assert_int_eq(r->ca->orders, 6);
    ck_assert_int_eq(r->ca->finalized, 6);
    ck_assert_int_eq(r->staged, 6);
}
END_TEST

START_TEST(each_key_gets_an_order_of_its_own)
{
    renewing *r = renewing_make("example.org", "P-256 P-384", kit_pool);

    renewing_run(r, A_MINUTE);
    ck_assert(renewing_is_staged(r));
    ck_assert_int_eq(r->ca->orders, 2);
    ck_assert_ptr_nonnull(renewing_file(r, "privkey.p-384.pem"));
}
END_TEST

START_TEST(nothing_is_done_while_the_certificate_is_good)
{
    renewing *r = world();

    r->domain->policy.ari = 0;
    renewing_run(r, A_MINUTE);
    activate(r);
    fake_ca_count_from_here(r->ca);
    renewing_run(r, 10 * A_DAY);
    ck_assert_int_eq(r->ca->requests, 0);
    ck_assert_ptr_null(strstr(store_mem_tree(r->store, kit_pool), "staging/"));
}
END_TEST

START_TEST(it_is_renewed_in_time_with_the_account_there_is)
{
    renewing *r = world();

    renewing_run(r, A_MINUTE);
    activate(r);
    renewing_run(r, 80 * A_DAY);
    ck_assert_int_eq(r->ca->accounts, 1);
    ck_assert_int_eq(r->ca->finalized, 2);
    ck_assert_int_eq(r->staged, 2);
}
END_TEST

START_TEST(names_that_are_proved_already_need_no_challenge)
{
    renewing *r = world();

    r->ca->reuse_authz = 1;
    renewing_run(r, A_MINUTE);
    activate(r);
    renewing_run(r, 80 * A_DAY);
    ck_assert_int_eq(r->ca->finalized, 2);
    ck_assert_ptr_null(strstr(fake_ca_log(r->ca, kit_pool), "/chal/2"));
}
END_TEST

START_TEST(a_domain_that_is_not_renewed_by_itself_is_left_alone)
{
    renewing *r = world();

    r->domain->policy.renew_mode = MD_RENEW_MANUAL;
    renewing_run(r, 10 * A_DAY);
    ck_assert_int_eq(r->ca->requests, 0);
}
END_TEST

START_TEST(a_person_who_asks_does_not_wait_for_the_backoff)
{
    renewing *r = world();

    fake_clock_set(r->clock, apr_time_now()); /* waits are slept */
    r->ca->rate_limited = 1;
    CHECK_FAILS(md_engine_drive(&r->core, &md_kind_renew, r->domain, kit_pool), MD_FAULT_LIMIT,
                "too many orders");
    r->ca->rate_limited = 0;
    r->core.prove = NULL; /* which would be waited for */
    r->core.clock = &md_clock_system;
    CHECK_OK(md_engine_drive(&r->core, &md_kind_renew, r->domain, kit_pool));
    ck_assert(renewing_job(r)->finished);
}
END_TEST

START_TEST(retry_after_is_followed_from_the_second_look_on)
{
    renewing *r = renewing_make("example.org", "P-256", kit_pool);
    apr_time_t begun = md_now(r->core.clock);

    r->ca->authz_polls = 2;
    r->ca->retry_after = 7;
    renewing_run(r, A_MINUTE);
    ck_assert(renewing_is_staged(r));
    ck_assert_int_ge(md_now(r->core.clock) - begun, apr_time_from_sec(14));
    ck_assert_int_lt(md_now(r->core.clock) - begun, apr_time_from_sec(19));
    ck_assert_int_eq(r->ca->orders, 1);
}
END_TEST

START_TEST(a_slow_ca_is_asked_less_and_less_often)
{
    renewing *r = world();

    r->ca->order_polls = 1000000;
    renewing_run(r, 4 * A_MINUTE);
    ck_assert_int_gt(r->ca->requests, 20);
    ck_assert_int_lt(r->ca->requests, 100);
    ck_assert_str_eq(renewing_job(r)->stage, "await-cert");
    ck_assert_str_eq(md_json_text(renewing_job(r)->last, "activity"), "waiting for the certificate");
}
END_TEST

START_TEST(after_five_minutes_it_gives_up_but_keeps_the_order)
{
    renewing *r = world();

    r->ca->order_polls = 1000000;
    renewing_run(r, 6 * A_MINUTE);
    ck_assert_int_ge(renewing_job(r)->errors, 1);
    check_logged(r, "problem[md:too-slow]");
    ck_assert_ptr_nonnull(renewing_file(r, "order.json"));
    r->ca->order_polls = 0;
    renewing_run(r, AN_HOUR);
    ck_assert(renewing_is_staged(r));
    ck_assert_int_eq(r->ca->orders, 1);
    ck_assert_int_eq(r->ca->finalized, 1);
}
END_TEST

/** Brings a renewal to where its order is placed, and stops there. */
static renewing *with_order(void)
{
    renewing *r = world();

    r->ca->authz_polls = 1000000;
    renewing_run(r, apr_time_from_sec(10));
    ck_assert_ptr_nonnull(renewing_file(r, "order.json"));
    r->ca->authz_polls = 0;
    return r;
}

START_TEST(an_order_that_is_no_more_is_made_anew_without_an_error)
{
    renewing *r = with_order();

    fake_ca_spoil_orders(r->ca, _i);
    renewing_run(r, A_MINUTE);
    ck_assert_msg(renewing_is_staged(r), "%s", renewing_log(r));
    ck_assert_int_eq(r->ca->orders, 2);
    ck_assert_ptr_null(strstr(renewing_log(r), "AH10056"));
}
END_TEST

START_TEST(an_account_that_is_no_more_is_made_anew)
{
    renewing *r = world();

    renewing_run(r, A_MINUTE);
    activate(r);
    fake_ca_forget_accounts(r->ca);
    renewing_run(r, 80 * A_DAY);
    ck_assert_int_eq(r->ca->accounts, 2);
    ck_assert_int_eq(r->ca->finalized, 2);
    ck_assert_ptr_null(strstr(renewing_log(r), "AH10056"));
    activate(r);
    renewing_run(r, 80 * A_DAY); /* another process: finds both accounts, uses the good one */
    ck_assert_int_eq(r->ca->accounts, 2);
    ck_assert_int_eq(r->ca->finalized, 3);
}
END_TEST

START_TEST(an_account_lost_in_the_middle_is_replaced_in_the_same_attempt)
{
    renewing *r = with_order();

    fake_ca_forget_accounts(r->ca);
    renewing_run(r, A_MINUTE);
    ck_assert_msg(renewing_is_staged(r), "%s", renewing_log(r));
    ck_assert_int_eq(r->ca->accounts, 2);
    ck_assert_ptr_null(strstr(renewing_log(r), "AH10056"));
}
END_TEST

START_TEST(other_names_begin_anew_with_the_account_there_is)
{
    renewing *r = with_order();

    md_names_add(r->domain->names, "more.example.org");
    renewing_run(r, A_MINUTE);
    ck_assert(renewing_is_staged(r));
    ck_assert_int_eq(r->ca->orders, 2);
    ck_assert_int_eq(r->ca->accounts, 1);
}
END_TEST

START_TEST(a_record_that_says_finished_without_a_certificate_heals)
{
    renewing *r = world();
    const char *lie =
        "{\"name\":\"example.org\",\"finished\":true,\"notified\":true,\"notified-renewed\":true,"
        "\"errors\":7}";

    CHECK_OK(
        md_store_save_text(r->store, MD_PLACE(MD_GROUP_STAGING, "example.org", "job.json"), lie, kit_pool));
    renewing_run(r, A_MINUTE);
    ck_assert(renewing_is_staged(r));
    ck_assert_int_eq(r->ca->finalized, 1);
}
END_TEST

START_TEST(a_finished_set_that_waits_too_long_is_renewed)
{
    renewing *r = world();

    r->domain->policy.live = 0; /* and nobody restarts */
    renewing_run(r, 100 * A_DAY);
    ck_assert_int_eq(r->ca->finalized, 2);
    ck_assert(renewing_is_staged(r));
}
END_TEST

static const char *const damaged[] = { "order.json", "md.json", "job.json", "account.json",
                                       "privkey.p-256.pem" };

START_TEST(a_damaged_file_is_made_anew)
{
    renewing *r = with_order();

    CHECK_OK(md_store_save_text(r->store, MD_PLACE(MD_GROUP_STAGING, "example.org", damaged[_i]), "\x01{[",
                                kit_pool));
    renewing_run(r, 2 * A_DAY);
    ck_assert_msg(renewing_is_staged(r), "%s", renewing_log(r));
}
END_TEST

START_TEST(a_veto_is_no_error)
{
    renewing *r = world();

    r->refuse = "renewing";
    renewing_run(r, A_DAY);
    ck_assert_int_eq(r->ca->requests, 0);
    ck_assert_int_eq(renewing_job(r)->errors, 0);
    check_logged(r, "6 AH10060 example.org: not renewed now");
    ck_assert_ptr_null(strstr(renewing_log(r), "AH10056"));
}
END_TEST

START_TEST(a_refused_challenge_stops_the_attempt)
{
    renewing *r = world();

    r->refuse = "challenge-setup:http-01:www.example.org";
    renewing_run(r, apr_time_from_sec(5));
    ck_assert_int_eq(renewing_job(r)->errors, 1);
    check_logged(r, "while[setting up challenges]");
    r->refuse = NULL;
    renewing_run(r, AN_HOUR);
    ck_assert(renewing_is_staged(r));
    ck_assert_int_eq(r->ca->orders, 1);
}
END_TEST

START_TEST(renewed_is_told_until_it_is_accepted)
{
    renewing *r = world();

    r->refuse = "renewed";
    renewing_run(r, apr_time_from_sec(5));
    ck_assert_int_eq(renewing_job(r)->errors, 1); /* and not again at once */
    renewing_run(r, 10 * A_MINUTE);
    ck_assert(renewing_is_staged(r));
    ck_assert_int_ge(renewing_job(r)->errors, 2);
    r->refuse = NULL;
    renewing_run(r, AN_HOUR);
    ck_assert(renewing_job(r)->notified_renewed);
    ck_assert_int_eq(r->ca->finalized, 1);
    ck_assert_int_eq(renewing_job(r)->errors, 0); /* that it failed before is history */
    ck_assert_int_eq(md_json_int(renewing_job(r)->last, "status", -1), 0);
    ck_assert_str_eq(md_json_text(renewing_job(r)->last, "detail"), "1 new certificate(s) staged");
}
END_TEST

/** The set that is there now is not what is asked for. */
static void ask_for_another(renewing *r)
{
    CHECK_OK(md_ask_for(r->store, r->domain->name, md_now(r->core.clock), kit_pool));
}

static void check_declined(renewing *r, const char *why)
{
    renewing_rest(r);
    ck_assert_int_eq(md_asked(r->store, r->domain->name, kit_pool), 0);
    check_logged(r,
                 apr_pstrcat(kit_pool, "not renewed again, a new certificate waits already for ", why, NULL));
}

START_TEST(who_asks_while_a_set_is_moved_gets_another_one_then)
{
    renewing *r = world();

    renewing_run(r, A_MINUTE);
    ck_assert(renewing_job(r)->finished);
    ask_for_another(r);
    ck_assert_int_le(renewing_rest(r), apr_time_from_sec(2));
    ck_assert_int_ne(md_asked(r->store, r->domain->name, kit_pool), 0);
}
END_TEST

START_TEST(who_asks_while_a_set_waits_for_a_restart_is_told_so)
{
    renewing *r = world();

    r->domain->policy.live = 0;
    renewing_run(r, A_MINUTE);
    ask_for_another(r);
    check_declined(r, "a restart");
}
END_TEST

START_TEST(who_asks_while_a_set_waits_for_its_time_is_told_so)
{
    renewing *r = world();
    md_job *job;

    renewing_run(r, A_MINUTE);
    ask_for_another(r);
    job = renewing_job(r);
    job->ready_at = md_now(r->core.clock) + AN_HOUR;
    job->stage = "announce";
    job->notified = job->notified_renewed = 0;
    md_job_changed(job, MD_JOB_MATTERS);
    CHECK_OK(md_job_save(r->store, job, kit_pool));
    check_declined(r, "");
}
END_TEST

START_TEST(what_clients_do_not_get_is_said)
{
    renewing *r = world();

    r->unproved = "another certificate is served";
    renewing_run(r, A_MINUTE);
    ck_assert_int_eq(r->proofs, 3);
    ck_assert(renewing_is_staged(r));
    ck_assert(renewing_job(r)->finished);
    ck_assert_str_eq(md_json_text(renewing_job(r)->last, "problem"), "md:not-live");
    check_logged(r, "another certificate is served");
}
END_TEST

START_TEST(a_preview_finds_what_can_never_work)
{
    renewing *r = world();

    r->domain->policy.challenges = md_words("http-01 tls-alpn-01", kit_pool);
    CHECK_OK(md_renew_preview(&r->core, r->domain, kit_pool));
    md_names_add(r->domain->names, "*.example.test");
    CHECK_FAILS(md_renew_preview(&r->core, r->domain, kit_pool), MD_FAULT_CONFIG,
                "*.example.test (http-01: it cannot prove names of this kind; tls-alpn-01: ");
    ck_assert_ptr_null(
        md_key_specs_read(md_words("P-256 no-curve", kit_pool), kit_pool, &r->domain->policy.keys));
    CHECK_FAILS(md_renew_preview(&r->core, r->domain, kit_pool), MD_FAULT_CONFIG,
                "the private key type 'no-curve'");
}
END_TEST

START_TEST(a_preview_finds_what_is_missing)
{
    renewing *r = world();

    CHECK_OK(md_renew_preview(&r->core, r->domain, kit_pool));
    r->plan->can_http = 0;
    CHECK_FAILS(md_renew_preview(&r->core, r->domain, kit_pool), MD_FAULT_CONFIG, "no usable challenge type");
    r->plan->can_http = 1;
    apr_array_clear(r->domain->contacts);
    CHECK_FAILS(md_renew_preview(&r->core, r->domain, kit_pool), MD_FAULT_CONFIG, "MDContactEmail");
    md_names_add(r->domain->contacts, "mailto:a@example.org");
    r->domain->policy.agreement = NULL;
    r->domain->policy.ca_urls.list = NULL; /* the default, which is known to have terms */
    CHECK_FAILS(md_renew_preview(&r->core, r->domain, kit_pool), MD_FAULT_CONFIG, "MDCertificateAgreement");
}
END_TEST

START_TEST(a_preview_knows_cas_that_serve_their_customers_only)
{
    static const char url[] = "https://ACME.zerossl.com/v2/DV90";
    md_place account;
    renewing *r = world();

    r->domain->policy.ca_urls.list = md_words(url, kit_pool);
    CHECK_FAILS(md_renew_preview(&r->core, r->domain, kit_pool), MD_FAULT_CONFIG, "MDExternalAccountBinding");
    account = MD_PLACE(MD_GROUP_STAGING, r->domain->name, "account.json");
    CHECK_OK(md_store_save_text(r->core.store, account, apr_psprintf(kit_pool, "{\"ca-url\":\"%s\"}", url),
                                kit_pool));
    CHECK_OK(md_renew_preview(&r->core, r->domain, kit_pool));
}
END_TEST

static void add_straight(Suite *suite)
{
    TCase *tcase = kit_case(suite, "the straight way");

    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, the_first_certificate_takes_these_requests_and_no_more);
    tcase_add_test(tcase, the_end_is_recorded_announced_and_proved);
    tcase_add_test(tcase, without_live_activation_a_restart_is_asked_for);
    tcase_add_test(tcase, all_domains_share_one_account);
    tcase_add_test(tcase, each_key_gets_an_order_of_its_own);
    tcase_add_test(tcase, nothing_is_done_while_the_certificate_is_good);
    tcase_add_test(tcase, it_is_renewed_in_time_with_the_account_there_is);
    tcase_add_test(tcase, names_that_are_proved_already_need_no_challenge);
    tcase_add_test(tcase, a_domain_that_is_not_renewed_by_itself_is_left_alone);
    tcase_add_test(tcase, a_person_who_asks_does_not_wait_for_the_backoff);
    tcase_add_test(tcase, retry_after_is_followed_from_the_second_look_on);
    tcase_add_test(tcase, a_slow_ca_is_asked_less_and_less_often);
    tcase_add_test(tcase, after_five_minutes_it_gives_up_but_keeps_the_order);
}

static void add_others(Suite *suite)
{
    TCase *tcase = kit_case(suite, "what was there before, and others");

    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, an_order_that_is_no_more_is_made_anew_without_an_error, 0, 2);
    tcase_add_test(tcase, an_account_that_is_no_more_is_made_anew);
    tcase_add_test(tcase, an_account_lost_in_the_middle_is_replaced_in_the_same_attempt);
    tcase_add_test(tcase, other_names_begin_anew_with_the_account_there_is);
    tcase_add_test(tcase, a_record_that_says_finished_without_a_certificate_heals);
    tcase_add_test(tcase, a_finished_set_that_waits_too_long_is_renewed);
    KIT_ADD_ROWS(tcase, a_damaged_file_is_made_anew, damaged);
    tcase_add_test(tcase, a_veto_is_no_error);
    tcase_add_test(tcase, a_refused_challenge_stops_the_attempt);
    tcase_add_test(tcase, renewed_is_told_until_it_is_accepted);
    tcase_add_test(tcase, who_asks_while_a_set_is_moved_gets_another_one_then);
    tcase_add_test(tcase, who_asks_while_a_set_waits_for_a_restart_is_told_so);
    tcase_add_test(tcase, who_asks_while_a_set_waits_for_its_time_is_told_so);
    tcase_add_test(tcase, what_clients_do_not_get_is_said);
    tcase_add_test(tcase, a_preview_finds_what_is_missing);
    tcase_add_test(tcase, a_preview_knows_cas_that_serve_their_customers_only);
    tcase_add_test(tcase, a_preview_finds_what_can_never_work);
}

Suite *suite_jobs_kind_renew(void)
{
    Suite *suite = suite_create("jobs/kind_renew");

    add_straight(suite);
    add_others(suite);
    return suite;
}
