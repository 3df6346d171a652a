/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From account to certificate by hand, one call after the other, against the CA in memory.
 */
#include "acme/order.h"

#include <apr_strings.h>
#include <string.h>

#include "acme/solver.h"
#include "kit/kit.h"
#include "kit/talk.h"
#include "tls/csr.h"

/** Puts the answer in place and tells the CA. */
static void answer(const md_order *order, md_domain *domain, md_plan *plan)
{
    md_solve solve = { .store = talk_store, .plan = plan, .domain = domain, .account = talk_call.account };
    const md_solver *solver;
    const md_challenge *challenge;
    const char *setup, *rest;
    md_authz *authz;

    CHECK_OK(md_authz_read(&talk_call, MD_NAME(order->authorizations, 0), kit_pool, &authz));
    CHECK_OK(md_solver_pick(plan, domain, authz, 0, kit_pool, &challenge));
    solver = md_solver_find(challenge->type);
    solve.name = authz->name;
    solve.token = challenge->token;
    CHECK_OK(md_solver_setup(solver, &solve, kit_pool, &setup, &rest));
    CHECK_OK(solver->put(&solve, rest, kit_pool));
    ck_assert_str_eq(setup, "http-01:" TALK_NAME);
    CHECK_OK(md_authz_answer(&talk_call, challenge, kit_pool));
    CHECK_OK(md_authz_read(&talk_call, authz->url, kit_pool, &authz));
    ck_assert_int_eq(authz->status, MD_AUTHZ_VALID);
}

static md_bytes new_csr(void)
{
    const md_key_spec spec = { .type = MD_KEY_EC, .curve = "P-256" };
    md_bytes der;
    md_key *key;

    CHECK_OK(md_key_make(&spec, kit_pool, &key));
    CHECK_OK(md_csr_make(key, talk_names(), 0, kit_pool, &der));
    return der;
}

START_TEST(an_order_ends_with_a_certificate)
{
    md_domain *domain = md_domain_make(talk_names(), kit_pool);
    md_plan *plan = md_plan_make(kit_pool);
    md_order *order;
    md_chain *chain;

    plan->can_http = 1;
    CHECK_OK(md_plan_add(plan, domain, 0, kit_pool));
    (void)talk_log_in();
    order = talk_order();
    ck_assert_int_eq(order->status, MD_ORDER_PENDING);
    answer(order, domain, plan);
    CHECK_OK(md_order_read(&talk_call, order, kit_pool));
    ck_assert_int_eq(order->status, MD_ORDER_READY);
    CHECK_OK(md_order_finalize(&talk_call, order, new_csr(), kit_pool));
    ck_assert_int_eq(order->status, MD_ORDER_VALID);
    CHECK_OK(md_order_download(&talk_call, order, NULL, kit_pool, &chain));
    ck_assert_int_eq(md_chain_length(chain), 2);
    CHECK_OK(md_chain_check_links(chain, kit_pool));
}
END_TEST

static md_order *valid_order(void)
{
    md_authz *authz;
    md_order *order;

    talk_ca->trusting = 1;
    (void)talk_log_in();
    order = talk_order();
    CHECK_OK(md_authz_read(&talk_call, MD_NAME(order->authorizations, 0), kit_pool, &authz));
    talk_answer(authz);
    CHECK_OK(md_authz_read(&talk_call, authz->url, kit_pool, &authz));
    CHECK_OK(md_order_finalize(&talk_call, order, new_csr(), kit_pool));
    ck_assert_int_eq(order->status, MD_ORDER_VALID);
    return order;
}

START_TEST(alternate_chains_are_looked_at_only_where_they_are_wanted)
{
    md_order *order = valid_order();
    md_chain *chain;

    talk_ca->alternates = 20;
    CHECK_OK(md_order_download(&talk_call, order, NULL, kit_pool, &chain));
    ck_assert_int_eq(talk_ca->downloads, 1);
    CHECK_OK(md_order_download(&talk_call, order, md_chain_top_issuer(chain, kit_pool), kit_pool, &chain));
    ck_assert_int_eq(talk_ca->downloads, 2);
    CHECK_OK(md_order_download(&talk_call, order, "Nobody", kit_pool, &chain));
    ck_assert_int_eq(talk_ca->downloads, 3 + 8);
    ck_assert_int_eq(md_chain_length(chain), 2);
}
END_TEST

START_TEST(a_record_of_an_order_is_read_as_it_was_saved)
{
    md_order *order, *loaded;

    (void)talk_log_in();
    order = talk_order();
    order->spec = "rsa";
    md_names_add(order->setups, "http-01:" TALK_NAME);
    CHECK_OK(md_order_save(talk_store, TALK_NAME, order, kit_pool));
    CHECK_OK(md_order_load(talk_store, TALK_NAME, kit_pool, &loaded));
    ck_assert_str_eq(loaded->url, order->url);
    ck_assert_str_eq(loaded->account, talk_call.account->url);
    ck_assert_str_eq(loaded->spec, "rsa");
    ck_assert_int_eq(loaded->status, MD_ORDER_PENDING);
    ck_assert(md_names_equal(loaded->authorizations, order->authorizations));
    ck_assert(md_names_equal(loaded->setups, order->setups));
}
END_TEST

Suite *suite_acme_order(void)
{
    Suite *suite = suite_create("acme/order");
    TCase *tests = kit_case(suite, "conversation");

    tcase_add_checked_fixture(tests, talk_begin, talk_end);
    tcase_add_test(tests, an_order_ends_with_a_certificate);
    tcase_add_test(tests, a_record_of_an_order_is_read_as_it_was_saved);
    tcase_add_test(tests, alternate_chains_are_looked_at_only_where_they_are_wanted);
    return suite;
}
