/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which challenge is chosen, with reasons; http-01 put up and taken down.
 */
#include "acme/solver.h"

#include <apr_strings.h>
#include <string.h>

#include "kit/kit.h"
#include "kit/store_mem.h"

#define NAME "www.example.org"

static md_plan *plan;
static md_domain *domain;

static void make_plan(void)
{
    md_names *names = md_names_make(kit_pool);

    md_names_add(names, NAME);
    plan = md_plan_make(kit_pool);
    domain = md_domain_make(names, kit_pool);
    plan->can_http = 1;
    CHECK_OK(md_plan_add(plan, domain, 0, kit_pool));
}

static void nothing(void)
{
}

static md_authz *offer(const char *types, int wildcard)
{
    md_authz *authz = apr_pcalloc(kit_pool, sizeof(*authz));
    md_names *words = md_words(types, kit_pool);

    authz->name = NAME;
    authz->wildcard = wildcard;
    authz->challenges = apr_array_make(kit_pool, 2, sizeof(md_challenge));
    for (int i = 0; i < words->nelts; ++i)
        APR_ARRAY_PUSH(authz->challenges, md_challenge) =
            (md_challenge){ .type = MD_NAME(words, i), .token = "t" };
    return authz;
}

START_TEST(http_is_chosen_when_it_is_offered_and_reachable)
{
    const md_challenge *challenge;

    CHECK_OK(md_solver_pick(plan, domain, offer("dns-01 http-01", 0), 0, kit_pool, &challenge));
    ck_assert_str_eq(challenge->type, "http-01");
}
END_TEST

START_TEST(a_mismatch_tells_both_sides_and_why)
{
    const md_challenge *challenge;

    CHECK_FAILS(md_solver_pick(plan, domain, offer("dns-01", 1), 0, kit_pool, &challenge), MD_FAULT_CONFIG,
                "dns-01");
    plan->can_http = 0;
    CHECK_FAILS(md_solver_pick(plan, domain, offer("http-01", 0), 0, kit_pool, &challenge), MD_FAULT_CONFIG,
                "no listener takes http:");
}
END_TEST

START_TEST(a_configured_list_is_taken_without_questions)
{
    const md_challenge *challenge;

    plan->can_http = 0;
    domain->policy.challenges = md_words("none-99 http-01", kit_pool);
    CHECK_OK(md_solver_pick(plan, domain, offer("http-01 tls-alpn-01", 0), 0, kit_pool, &challenge));
    ck_assert_str_eq(challenge->type, "http-01");
}
END_TEST

START_TEST(tls_is_chosen_where_a_host_allows_its_protocol_on_the_right_port)
{
    const md_challenge *challenge;
    const char *why;

    (void)md_solver_types(plan, domain, NAME, kit_pool, &why);
    ck_assert_ptr_nonnull(strstr(why, "tls-alpn-01: no listener takes https:"));
    plan->can_https = 1;
    (void)md_solver_types(plan, domain, NAME, kit_pool, &why);
    ck_assert_ptr_nonnull(strstr(why, "tls-alpn-01: no TLS virtual host for it"));
    md_names_add(domain->acme_tls_names, NAME);
    CHECK_OK(md_solver_pick(plan, domain, offer("http-01 tls-alpn-01", 0), 0, kit_pool, &challenge));
    ck_assert_str_eq(challenge->type, "tls-alpn-01");
}
END_TEST

START_TEST(a_type_that_was_tried_leaves_its_place_to_the_next)
{
    const md_challenge *challenge;

    domain->policy.challenges = md_words("dns-01 http-01", kit_pool);
    CHECK_OK(md_solver_pick(plan, domain, offer("http-01 dns-01", 0), 0, kit_pool, &challenge));
    ck_assert_str_eq(challenge->type, "dns-01");
    CHECK_OK(md_solver_pick(plan, domain, offer("http-01 dns-01", 0), md_solver_bit("dns-01"), kit_pool,
                            &challenge));
    ck_assert_str_eq(challenge->type, "http-01");
    ck_assert_int_eq(md_solver_has_more(plan, domain, NAME, md_solver_bit("dns-01"), kit_pool), 1);
    ck_assert_int_eq(md_solver_has_more(plan, domain, "*." NAME, md_solver_bit("dns-01"), kit_pool), 0);
    CHECK_FAILS(
        md_solver_pick(plan, domain, offer("http-01", 0), md_solver_bit("http-01"), kit_pool, &challenge),
        MD_FAULT_CONFIG, "the CA offers http-01");
}
END_TEST

START_TEST(a_record_that_persists_allows_what_it_says)
{
    static const struct {
        const char *text, *why;
    } records[] = {
        { "ca.test; accounturi=https://ca.test/acct/1", "allowed" },
        { "CA.test;AccountURI=https://ca.test/acct/1; other=thing;;", "allowed" },
        { "ca.test; accounturi=https://ca.test/acct/1; persistUntil=2000", "allowed" },
        { "other.test; accounturi=https://ca.test/acct/1; persistuntil=3000", "allowed" },
        { "ca.test; accounturi=https://ca.test/acct/1; persistUntil=1000", "has ended by its persistUntil" },
        { "ca.test; accounturi=https://ca.test/acct/1; persistUntil=soon", "has ended by its persistUntil" },
        { "ca.test; accounturi=https://ca.test/acct/12", "is for another account" },
        { "ca.test", "is for another account" },
        { "third.test; accounturi=https://ca.test/acct/1", "is for another CA" },
        { "", "is for another CA" },
        { "v=spf1 -all", "is for another CA" },
    };
    const md_account_use use = { "https://ca.test/acct/1", NULL, NULL };
    md_solve solve = { .account = &use,
                       .issuers = md_words("ca.test other.test", kit_pool),
                       .now = apr_time_from_sec(1500) };

    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); ++i) {
        const char *why = md_persist_refusal(&solve, records[i].text, kit_pool);

        ck_assert_str_eq(why ? why : "allowed", records[i].why);
    }
    solve.wildcard = 1;
    ck_assert_ptr_nonnull(strstr(md_persist_refusal(&solve, records[0].text, kit_pool), "policy=wildcard"));
    ck_assert_ptr_null(
        md_persist_refusal(&solve, "ca.test; policy=wildcard; accounturi=https://ca.test/acct/1", kit_pool));
}
END_TEST

static md_account_use account(void)
{
    const md_key_spec spec = { .type = MD_KEY_EC, .curve = "P-256" };
    md_account_use use = { "https://ca.test/acct/1", NULL, NULL };

    CHECK_OK(md_key_make(&spec, kit_pool, &use.key));
    return use;
}

START_TEST(an_answer_is_put_up_and_taken_down)
{
    md_store *store = store_mem_open(kit_pool);
    md_account_use use = account();
    md_solve solve = {
        .store = store, .plan = plan, .domain = domain, .account = &use, .name = NAME, .token = "token"
    };
    md_names *setups = md_names_make(kit_pool);
    const char *rest, *setup, *text, *want;

    CHECK_OK(md_solver_http01.put(&solve, NAME, kit_pool));
    CHECK_OK(md_solver_setup(&md_solver_http01, &solve, kit_pool, &setup, &rest));
    CHECK_OK(md_key_authorization(use.key, "token", kit_pool, &want));
    CHECK_OK(
        md_store_load_text(store, MD_PLACE(MD_GROUP_CHALLENGES, NAME, "acme-http-01.txt"), kit_pool, &text));
    ck_assert_str_eq(text, want);
    md_names_add(setups, setup);
    md_solver_take_all(&(md_unsolve){ .store = store, .domain = domain }, setups, kit_pool);
    ck_assert_str_eq(store_mem_tree(store, kit_pool), "");
}
END_TEST

START_TEST(a_challenge_certificate_is_put_up_as_a_pair_and_taken_down)
{
    md_store *store = store_mem_open(kit_pool);
    md_account_use use = account();
    md_solve solve = { .store = store,
                       .plan = plan,
                       .domain = domain,
                       .account = &use,
                       .name = NAME,
                       .token = "token",
                       .now = apr_time_now() };
    md_names *setups = md_names_make(kit_pool);
    const char *rest, *setup, *cert, *key_text;
    md_chain *chain;
    md_key *key;

    CHECK_OK(md_solver_alpn01.put(&solve, NAME, kit_pool));
    CHECK_OK(md_solver_alpn01.put(&solve, NAME, kit_pool));
    CHECK_OK(md_solver_setup(&md_solver_alpn01, &solve, kit_pool, &setup, &rest));
    ck_assert_str_eq(setup, "tls-alpn-01:" NAME);
    CHECK_OK(md_store_load_text(
        store, MD_PLACE(MD_GROUP_CHALLENGES, NAME, "acme-tls-alpn-01-pubcert.p-256.pem"), kit_pool, &cert));
    CHECK_OK(md_store_load_text(store,
                                MD_PLACE(MD_GROUP_CHALLENGES, NAME, "acme-tls-alpn-01-privkey.p-256.pem"),
                                kit_pool, &key_text));
    CHECK_OK(md_chain_from_pem(md_bytes_of(cert), kit_pool, &chain));
    CHECK_OK(md_key_from_pem(md_bytes_of(key_text), (md_bytes){ NULL, 0 }, kit_pool, &key));
    CHECK_OK(md_chain_check_key(chain, key, kit_pool));
    md_names_add(setups, setup);
    md_solver_take_all(&(md_unsolve){ .store = store, .domain = domain }, setups, kit_pool);
    ck_assert_str_eq(store_mem_tree(store, kit_pool), "");
}
END_TEST

START_TEST(a_token_that_is_none_is_refused)
{
    md_account_use use = account();
    const char *out;

    CHECK_FAILS(md_key_authorization(use.key, "../../etc/passwd", kit_pool, &out), MD_FAULT_REMOTE, "token");
    CHECK_FAILS(md_key_authorization(use.key, "", kit_pool, &out), MD_FAULT_REMOTE, "token");
    CHECK_FAILS(md_key_authorization(use.key, NULL, kit_pool, &out), MD_FAULT_REMOTE, "token");
}
END_TEST

Suite *suite_acme_solver(void);
Suite *suite_acme_solver(void)
{
    Suite *suite = suite_create("acme/solver");
    TCase *tests = kit_case(suite, "choice");

    tcase_add_checked_fixture(tests, make_plan, nothing);
    tcase_add_test(tests, http_is_chosen_when_it_is_offered_and_reachable);
    tcase_add_test(tests, a_mismatch_tells_both_sides_and_why);
    tcase_add_test(tests, a_configured_list_is_taken_without_questions);
    tcase_add_test(tests, tls_is_chosen_where_a_host_allows_its_protocol_on_the_right_port);
    tcase_add_test(tests, a_type_that_was_tried_leaves_its_place_to_the_next);
    tcase_add_test(tests, a_record_that_persists_allows_what_it_says);
    tcase_add_test(tests, a_challenge_certificate_is_put_up_as_a_pair_and_taken_down);
    tcase_add_test(tests, an_answer_is_put_up_and_taken_down);
    tcase_add_test(tests, a_token_that_is_none_is_refused);
    return suite;
}
