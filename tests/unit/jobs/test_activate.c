/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STAGING -> DOMAINS: complete sets, killed at every change, and sets that an adversary wrote.
 */
#include "jobs/activate.h"

#include <apr_strings.h>
#include <string.h>

#include "kit/kit.h"
#include "kit/renewing.h"
#include "kit/sample.h"
#include "store/creds.h"

#define A_MINUTE apr_time_from_sec(60)

/** A world whose new certificate waits in staging. */
static renewing *staged(apr_pool_t *p)
{
    renewing *r = renewing_make("example.org www.example.org", "P-256 P-384", p);

    renewing_run(r, A_MINUTE);
    ck_assert_msg(renewing_is_staged(r), "%s", renewing_log(r));
    return r;
}

static md_activation activate(renewing *r, int publish)
{
    md_activation outcome;

    CHECK_OK(md_activate(r->store, r->domain, publish, md_now(r->core.clock), r->p, &outcome));
    return outcome;
}

static int has(renewing *r, const char *line)
{
    return strstr(store_mem_tree(r->store, r->p), line) != NULL;
}

static int count(renewing *r, const char *line)
{
    int found = 0;

    for (const char *at = store_mem_tree(r->store, r->p); (at = strstr(at, line)); ++at)
        ++found;
    return found;
}

static const char *text_at(renewing *r, md_group group, const char *name, const char *file)
{
    const char *text;

    CHECK_OK(md_store_load_text(r->store, MD_PLACE(group, name, file), kit_pool, &text));
    return text;
}

static json_t *live_md(renewing *r)
{
    json_t *doc;

    CHECK_OK(
        md_json_read(md_bytes_of(text_at(r, MD_GROUP_DOMAINS, "example.org", "md.json")), kit_pool, &doc));
    return doc;
}

/** The leaf's fingerprint of a key spec in a group. */
static const char *leaf_in(renewing *r, md_group group, int spec)
{
    md_cert_facts *facts;

    CHECK_OK(md_creds_load_facts(r->store, group, "example.org", MD_SPEC(r->domain->policy.keys, spec),
                                 kit_pool, &facts));
    return facts ? facts->sha256 : "";
}

START_TEST(a_set_moves_with_account_and_record)
{
    renewing *r = staged(kit_pool);

    ck_assert_int_eq(activate(r, 0), MD_ACTIVATION_DONE);
    ck_assert_str_eq(store_mem_tree(r->store, kit_pool),
                     "accounts/ACMEv2-ca.test-0000/account.json\n"
                     "accounts/ACMEv2-ca.test-0000/account.pem\n"
                     "claims/budgets/example.org\nclaims/renewal-info/example.org\n"
                     "domains/example.org/job.json\n"
                     "domains/example.org/md.json\n"
                     "domains/example.org/privkey.p-256.pem (secret)\n"
                     "domains/example.org/privkey.p-384.pem (secret)\n"
                     "domains/example.org/pubcert.p-256.pem\n"
                     "domains/example.org/pubcert.p-384.pem\n");
    ck_assert_ptr_nonnull(
        strstr(text_at(r, MD_GROUP_DOMAINS, "example.org", "privkey.p-256.pem"), "BEGIN PRIVATE KEY"));
    ck_assert_ptr_null(md_json_at(live_md(r), "ca.account")); /* others could not use it */
    ck_assert_str_eq(md_json_text(live_md(r), "ca.url"), FAKE_CA_DIRECTORY);
    ck_assert_int_eq(md_json_int(live_md(r), "state", -1), 2);
    ck_assert_ptr_nonnull(
        strstr(text_at(r, MD_GROUP_DOMAINS, "example.org", "job.json"), "\"finished\": true"));
}
END_TEST

START_TEST(children_get_an_encrypted_copy)
{
    renewing *r = staged(kit_pool);
    apr_array_header_t *creds;

    ck_assert_int_eq(activate(r, 1), MD_ACTIVATION_DONE);
    ck_assert_ptr_nonnull(strstr(text_at(r, MD_GROUP_LIVE, "example.org", "privkey.p-256.pem"), "ENCRYPTED"));
    CHECK_OK(md_staged_load(r->store, MD_GROUP_LIVE, r->domain, md_now(r->core.clock), kit_pool, &creds));
    ck_assert_ptr_nonnull(creds);
    ck_assert_int_eq(creds->nelts, 2);
    ck_assert_str_eq(APR_ARRAY_IDX(creds, 1, md_creds *)->facts.sha256, leaf_in(r, MD_GROUP_DOMAINS, 1));
}
END_TEST

START_TEST(the_old_set_is_archived_once)
{
    renewing *r = staged(kit_pool);
    const char *first;

    activate(r, 1);
    first = leaf_in(r, MD_GROUP_DOMAINS, 0);
    renewing_run(r, apr_time_from_sec(80 * 24 * 3600));
    activate(r, 1);
    ck_assert_str_ne(leaf_in(r, MD_GROUP_DOMAINS, 0), first);
    ck_assert_int_eq(count(r, "/pubcert.p-256.pem"), 3); /* archive, domains, live */
    ck_assert(has(r, "archive/example.org.1/privkey.p-256.pem (secret)"));
}
END_TEST

START_TEST(killed_after_any_change_the_next_one_finishes)
{
    for (int at = 0, died = 1; died; ++at) {
        apr_pool_t *p;
        renewing *r;
        md_activation outcome;
        md_err *err;

        apr_pool_create(&p, kit_pool);
        r = staged(p);
        renewing_die_after_changes(r, at);
        err = md_activate(r->store, r->domain, 1, md_now(r->core.clock), p, &outcome);
        died = renewing_is_dead(r) && err;
        renewing_restart(r);
        CHECK_OK(md_activate(r->store, r->domain, 1, md_now(r->core.clock), p, &outcome));
        ck_assert_msg(has(r, "domains/example.org/pubcert.p-384.pem"), "killed at %d", at);
        ck_assert_msg(!has(r, "staging/"), "killed at %d:\n%s", at, store_mem_tree(r->store, p));
        ck_assert_msg(!has(r, "archive/"), "killed at %d: archived twice", at);
        ck_assert_msg(count(r, "accounts/") == 2, "killed at %d:\n%s", at, store_mem_tree(r->store, p));
        apr_pool_destroy(p);
        ck_assert_int_lt(at, 100);
    }
}
END_TEST

START_TEST(a_store_that_fails_loses_nothing)
{
    for (int at = 1, failed = 1; failed; ++at) {
        apr_pool_t *p;
        renewing *r;
        md_activation outcome;

        apr_pool_create(&p, kit_pool);
        r = staged(p);
        store_mem_fail_at(r->store, at);
        failed = md_activate(r->store, r->domain, 1, md_now(r->core.clock), p, &outcome) != NULL;
        store_mem_restart(r->store);
        CHECK_OK(md_activate(r->store, r->domain, 1, md_now(r->core.clock), p, &outcome));
        ck_assert_msg(has(r, "domains/example.org/pubcert.p-256.pem"), "failed at %d", at);
        apr_pool_destroy(p);
        ck_assert_int_lt(at, 200);
    }
}
END_TEST

START_TEST(what_is_incomplete_is_left_to_its_job)
{
    renewing *r = renewing_make("example.org", "P-256", kit_pool);

    ck_assert_int_eq(activate(r, 1), MD_ACTIVATION_NOTHING);
    r->ca->order_polls = 1000000;
    renewing_run(r, apr_time_from_sec(5));
    ck_assert_int_eq(activate(r, 1), MD_ACTIVATION_INCOMPLETE);
    ck_assert(has(r, "staging/example.org/order.json"));
    ck_assert(has(r, "accounts/ACMEv2-ca.test-0000/account.json")); /* it does not wait for the certificate */
}
END_TEST

START_TEST(a_job_at_work_is_not_disturbed_but_a_start_does_not_wait)
{
    renewing *r = staged(kit_pool);
    md_claim *claim;

    CHECK_OK(md_store_claim(r->store, "renew/example.org", kit_pool, &claim));
    ck_assert_int_eq(activate(r, 1), MD_ACTIVATION_BUSY);
    ck_assert(has(r, "staging/example.org/pubcert.p-256.pem"));
    ck_assert_int_eq(activate(r, 0), MD_ACTIVATION_DONE);
    md_store_release(r->store, claim);
}
END_TEST

/** Writes a chain for another key into staging. */
static void swap_chain(renewing *r)
{
    sample_ca *ca = sample_ca_make("stranger", kit_pool);
    sample_wish wish = { .names = r->domain->names };
    md_chain *chain = sample_issue(ca, sample_key("P-256", kit_pool), &wish, kit_pool);

    CHECK_OK(md_creds_save_chain(r->store, MD_GROUP_STAGING, "example.org",
                                 MD_SPEC(r->domain->policy.keys, 0), chain, kit_pool));
}

START_TEST(a_set_that_does_not_fit_is_removed_and_reported)
{
    renewing *r = staged(kit_pool);
    md_activation outcome;

    swap_chain(r);
    ck_assert_ptr_nonnull(md_activate(r->store, r->domain, 1, md_now(r->core.clock), kit_pool, &outcome));
    ck_assert(!has(r, "staging/"));
    ck_assert(!has(r, "domains/"));
    ck_assert_int_eq(activate(r, 1), MD_ACTIVATION_NOTHING);
}
END_TEST

START_TEST(an_expired_set_is_not_used)
{
    renewing *r = staged(kit_pool);
    md_activation outcome;

    fake_clock_pass(r->clock, apr_time_from_sec(400 * 24 * 3600));
    CHECK_FAILS(md_activate(r->store, r->domain, 1, md_now(r->core.clock), kit_pool, &outcome),
                MD_FAULT_REMOTE, "it expired on");
    ck_assert(!has(r, "domains/"));
}
END_TEST

START_TEST(the_staged_md_json_has_no_say_but_for_the_ca)
{
    renewing *r = staged(kit_pool);
    const char *lie = "{\"name\":\"example.org\",\"domains\":[\"evil.example\"],\"renew-mode\":0,"
                      "\"ca\":{\"url\":\"https://evil.example/dir\",\"account\":\"../../../etc\"}}";

    CHECK_OK(
        md_store_save_text(r->store, MD_PLACE(MD_GROUP_STAGING, "example.org", "md.json"), lie, kit_pool));
    ck_assert_int_eq(activate(r, 1), MD_ACTIVATION_DONE);
    ck_assert_str_eq(md_json_text(live_md(r), "ca.url"), FAKE_CA_DIRECTORY);
    ck_assert_int_eq(md_json_int(live_md(r), "renew-mode", -1), MD_RENEW_AUTO);
    ck_assert_uint_eq(json_array_size(md_json_at(live_md(r), "domains")), 2);
    ck_assert_ptr_null(md_json_at(live_md(r), "ca.account")); /* others could not use it */
}
END_TEST

START_TEST(a_set_that_lacks_a_new_name_is_better_than_none)
{
    renewing *r = staged(kit_pool);

    md_names_add(r->domain->names, "new.example.org");
    ck_assert_int_eq(activate(r, 0), MD_ACTIVATION_DONE);
    ck_assert(has(r, "domains/example.org/pubcert.p-256.pem"));
    ck_assert(!has(r, "staging/example.org"));
}
END_TEST

START_TEST(a_set_without_any_of_the_names_is_not_used)
{
    renewing *r = staged(kit_pool);
    md_activation outcome;

    r->domain->names = md_words("elsewhere.example.net", kit_pool);
    CHECK_FAILS(md_activate(r->store, r->domain, 0, md_now(r->core.clock), kit_pool, &outcome),
                MD_FAULT_REMOTE, "elsewhere.example.net");
    ck_assert(!has(r, "domains/example.org"));
}
END_TEST

START_TEST(an_order_takes_down_answers_of_its_own_names_only)
{
    renewing *r = staged(kit_pool);
    const char *order =
        "{\"url\":\"https://ca.test/order/0\",\"challenge-setups\":[\"http-01:www.example.org\","
        "\"http-01:other.example\",\"http-01:..\",\"bad\",\"\"]}";

    CHECK_OK(md_store_save_text(
        r->store, MD_PLACE(MD_GROUP_CHALLENGES, "www.example.org", "acme-http-01.txt"), "x", kit_pool));
    CHECK_OK(md_store_save_text(r->store, MD_PLACE(MD_GROUP_CHALLENGES, "other.example", "acme-http-01.txt"),
                                "x", kit_pool));
    CHECK_OK(md_store_save_text(r->store, MD_PLACE(MD_GROUP_STAGING, "example.org", "order.json"), order,
                                kit_pool));
    ck_assert_int_eq(activate(r, 0), MD_ACTIVATION_DONE);
    ck_assert(!has(r, "challenges/www.example.org"));
    ck_assert(has(r, "challenges/other.example"));
}
END_TEST

static const char *const litter[] = { "job.json", "account.json", "account.pem", "order.json" };

START_TEST(garbage_beside_a_good_set_does_not_stop_it)
{
    renewing *r = staged(kit_pool);

    CHECK_OK(md_store_save_text(r->store, MD_PLACE(MD_GROUP_STAGING, "example.org", litter[_i]), "\x01{[",
                                kit_pool));
    ck_assert_int_eq(activate(r, 1), MD_ACTIVATION_DONE);
    ck_assert(has(r, "domains/example.org/pubcert.p-256.pem"));
}
END_TEST

Suite *suite_jobs_activate(void)
{
    Suite *suite = suite_create("jobs/activate");
    TCase *tcase = kit_case(suite, "activate");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_set_moves_with_account_and_record);
    tcase_add_test(tcase, children_get_an_encrypted_copy);
    tcase_add_test(tcase, the_old_set_is_archived_once);
    tcase_add_test(tcase, killed_after_any_change_the_next_one_finishes);
    tcase_add_test(tcase, a_store_that_fails_loses_nothing);
    tcase_add_test(tcase, what_is_incomplete_is_left_to_its_job);
    tcase_add_test(tcase, a_job_at_work_is_not_disturbed_but_a_start_does_not_wait);
    tcase_add_test(tcase, a_set_that_does_not_fit_is_removed_and_reported);
    tcase_add_test(tcase, an_expired_set_is_not_used);
    tcase_add_test(tcase, the_staged_md_json_has_no_say_but_for_the_ca);
    tcase_add_test(tcase, a_set_that_lacks_a_new_name_is_better_than_none);
    tcase_add_test(tcase, a_set_without_any_of_the_names_is_not_used);
    tcase_add_test(tcase, an_order_takes_down_answers_of_its_own_names_only);
    KIT_ADD_ROWS(tcase, garbage_beside_a_good_set_does_not_stop_it, litter);
    return suite;
}
