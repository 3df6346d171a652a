/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From account to certificate by hand, one call after the other, against the CA in memory.
 */
#include "acme/order.h"

#include <apr_strings.h>
#include <string.h>

#include "acme/account.h"
#include "acme/solver.h"
#include "kit/fake_ca.h"
#include "kit/kit.h"
#include "kit/store_mem.h"
#include "tls/csr.h"

#define NAME "www.example.org"

static fake_ca *ca;
static md_store *store;
static md_cas *cas;
static md_http_options options;
static md_call call;
static md_names *contacts;
static apr_pool_t *hold_pool; /* of the account, which must be let go before the gates close */

static void open_ca(void)
{
    store = store_mem_open(kit_pool);
    store->secret = md_bytes_of("012345678901234567890123456789012345678901234567");
    ca = fake_ca_open(store, &md_clock_system, kit_pool);
    options = (md_http_options){ .user_agent = "test" };
    fake_ca_serve(ca, &options);
    cas = md_cas_open();
    apr_pool_create(&hold_pool, NULL);
    call = (md_call){ md_cas_gate(cas, FAKE_CA_DIRECTORY, NULL), md_http_open(&options), NULL,
                      &md_clock_system, NULL };
    contacts = md_names_make(kit_pool);
    md_names_add(contacts, "mailto:a@example.org");
}

static void close_ca(void)
{
    md_http_close(call.http);
    apr_pool_destroy(hold_pool);
    md_cas_close(cas);
}

static md_account_wish wish(void)
{
    return (md_account_wish){
        .ca_url = FAKE_CA_DIRECTORY, .agreement = "accepted", .contacts = contacts, .domain = NAME
    };
}

/** The call has a directory and an account. */
static void log_in(void)
{
    md_account_wish want = wish();
    md_account *account;

    CHECK_OK(md_call_directory(&call, kit_pool));
    CHECK_OK(md_account_register(&call, store, &want, kit_pool, &account));
    md_ca_use_account(call.ca, account->url, NULL, account->key);
    call.account = md_ca_account(call.ca, hold_pool);
}

static md_names *one_name(void)
{
    md_names *names = md_names_make(kit_pool);

    md_names_add(names, NAME);
    return names;
}

static md_order *place(void)
{
    md_order_wish want = { .names = one_name() };
    md_order *order;

    CHECK_OK(md_order_place(&call, &want, kit_pool, &order));
    return order;
}

/** Puts the answer in place and tells the CA. */
static void answer(const md_order *order, md_domain *domain, md_plan *plan)
{
    md_solve solve = { store, plan, domain, call.account, NULL, NULL, 0 };
    const md_solver *solver;
    const md_challenge *challenge;
    const char *setup;
    md_authz *authz;

    CHECK_OK(md_authz_read(&call, MD_NAME(order->authorizations, 0), kit_pool, &authz));
    CHECK_OK(md_solver_pick(plan, domain, authz, kit_pool, &solver, &challenge));
    solve.name = authz->name;
    solve.token = challenge->token;
    CHECK_OK(solver->put(&solve, kit_pool, &setup));
    ck_assert_str_eq(setup, "http-01:" NAME);
    CHECK_OK(md_authz_answer(&call, challenge, kit_pool));
    CHECK_OK(md_authz_read(&call, authz->url, kit_pool, &authz));
    ck_assert_int_eq(authz->status, MD_AUTHZ_VALID);
}

static md_bytes new_csr(void)
{
    const md_key_spec spec = { .type = MD_KEY_EC, .curve = "P-256" };
    md_bytes der;
    md_key *key;

    CHECK_OK(md_key_make(&spec, kit_pool, &key));
    CHECK_OK(md_csr_make(key, one_name(), 0, kit_pool, &der));
    return der;
}

START_TEST(an_order_ends_with_a_certificate)
{
    md_domain *domain = md_domain_make(one_name(), kit_pool);
    md_plan *plan = md_plan_make(kit_pool);
    md_order *order;
    md_chain *chain;

    plan->can_http = 1;
    CHECK_OK(md_plan_add(plan, domain, 0, kit_pool));
    log_in();
    order = place();
    ck_assert_int_eq(order->status, MD_ORDER_PENDING);
    answer(order, domain, plan);
    CHECK_OK(md_order_read(&call, order, kit_pool));
    ck_assert_int_eq(order->status, MD_ORDER_READY);
    CHECK_OK(md_order_finalize(&call, order, new_csr(), kit_pool));
    ck_assert_int_eq(order->status, MD_ORDER_VALID);
    CHECK_OK(md_order_download(&call, order, kit_pool, &chain));
    ck_assert_int_eq(md_chain_length(chain), 2);
    CHECK_OK(md_chain_check_links(chain, kit_pool));
}
END_TEST

START_TEST(a_record_of_an_order_is_read_as_it_was_saved)
{
    md_order *order, *loaded;

    log_in();
    order = place();
    order->spec = "rsa";
    md_names_add(order->setups, "http-01:" NAME);
    CHECK_OK(md_order_save(store, NAME, order, kit_pool));
    CHECK_OK(md_order_load(store, NAME, kit_pool, &loaded));
    ck_assert_str_eq(loaded->url, order->url);
    ck_assert_str_eq(loaded->account, call.account->url);
    ck_assert_str_eq(loaded->spec, "rsa");
    ck_assert_int_eq(loaded->status, MD_ORDER_PENDING);
    ck_assert(md_names_equal(loaded->authorizations, order->authorizations));
    ck_assert(md_names_equal(loaded->setups, order->setups));
}
END_TEST

START_TEST(a_refused_nonce_is_replaced)
{
    ca->bad_nonce_every = 2;
    log_in();
    for (int i = 0; i < 8; ++i)
        place();
    ck_assert_int_eq(ca->orders, 8);
}
END_TEST

START_TEST(refusing_every_nonce_ends_in_a_failure)
{
    md_order_wish want = { .names = one_name() };
    md_order *order;

    log_in();
    ca->bad_nonce_every = 1;
    fake_ca_count_from_here(ca);
    CHECK_FAILS(md_order_place(&call, &want, kit_pool, &order), MD_FAULT_REMOTE, "nonce");
    ck_assert_int_le(ca->requests, 10);
}
END_TEST

START_TEST(a_rate_limit_tells_when_to_come_back)
{
    md_order_wish want = { .names = one_name() };
    apr_time_t now = apr_time_now();
    md_order *order;
    md_err *err;

    log_in();
    ca->rate_limited = 1;
    err = md_order_place(&call, &want, kit_pool, &order);
    ck_assert_ptr_nonnull(err);
    ck_assert_int_eq(err->fault, MD_FAULT_LIMIT);
    ck_assert_int_ge(err->not_before, now + apr_time_from_sec(119));
    ck_assert_int_le(err->not_before, now + apr_time_from_sec(130));
}
END_TEST

START_TEST(a_known_key_finds_its_account_again)
{
    md_account_wish want = wish();
    md_account *first, *second;

    CHECK_OK(md_call_directory(&call, kit_pool));
    CHECK_OK(md_account_register(&call, store, &want, kit_pool, &first));
    CHECK_OK(md_store_drop(store, MD_PLACE(MD_GROUP_STAGING, NAME, "account.json"), kit_pool));
    CHECK_OK(md_account_register(&call, store, &want, kit_pool, &second));
    ck_assert_str_eq(first->url, second->url);
    ck_assert_int_eq(ca->accounts, 1);
}
END_TEST

START_TEST(a_staged_account_is_found_by_other_domains_and_promoted)
{
    md_account_wish want = wish();
    md_account *found;
    const char *id;

    log_in();
    want.domain = "another.example.org";
    CHECK_OK(md_account_find(store, &want, kit_pool, &found));
    ck_assert_ptr_nonnull(found);
    ck_assert_str_eq(found->url, call.account->url);
    CHECK_OK(md_account_promote(store, NAME, kit_pool, &id));
    ck_assert_str_eq(id, "ACMEv2-ca.test-0000");
    ck_assert_ptr_null(md_account_public_id(id));
    ck_assert_ptr_nonnull(md_account_public_id("ACME-ca.test-0000"));
    CHECK_OK(md_account_find(store, &want, kit_pool, &found));
    ck_assert_ptr_nonnull(found);
    ck_assert_int_eq(found->group, MD_GROUP_ACCOUNTS);
}
END_TEST

START_TEST(terms_that_are_not_agreed_to_are_the_operators_turn)
{
    md_account_wish want = wish();
    md_account *account;

    ca->terms_required = 1;
    want.agreement = NULL;
    CHECK_OK(md_call_directory(&call, kit_pool));
    CHECK_FAILS(md_account_register(&call, store, &want, kit_pool, &account), MD_FAULT_CONFIG,
                "MDCertificateAgreement");
    ck_assert_int_eq(ca->accounts, 0);
}
END_TEST

START_TEST(a_web_page_instead_of_a_directory_is_explained)
{
    ca->fault_at = 1;
    ca->fault = FAKE_FAULT_STATUS;
    ca->fault_status = 200;
    ca->fault_type = "text/html";
    ca->fault_body = "<html><body>Welcome</body></html>";
    CHECK_FAILS(md_call_directory(&call, kit_pool), MD_FAULT_REMOTE, "text/html");
}
END_TEST

START_TEST(an_unknown_account_is_not_usable)
{
    md_account_wish want = wish();
    md_account *account;
    int usable = 1;

    log_in();
    fake_ca_forget_accounts(ca);
    CHECK_OK(md_account_find(store, &want, kit_pool, &account));
    CHECK_OK(md_account_check(&call, store, account, &want, kit_pool, &usable));
    ck_assert(!usable);
    CHECK_OK(md_account_find(store, &want, kit_pool, &account));
    ck_assert_ptr_null(account);
}
END_TEST

START_TEST(new_contacts_are_sent_to_the_ca)
{
    md_account_wish want = wish();
    md_account *account;
    int usable = 0;

    log_in();
    want.contacts = md_names_make(kit_pool);
    md_names_add((md_names *)(apr_uintptr_t)want.contacts, "mailto:new@example.org");
    CHECK_OK(md_account_find(store, &want, kit_pool, &account));
    CHECK_OK(md_account_check(&call, store, account, &want, kit_pool, &usable));
    ck_assert(usable);
    CHECK_OK(md_account_find(store, &want, kit_pool, &account));
    ck_assert(md_names_has(account->contacts, "mailto:new@example.org"));
}
END_TEST

Suite *suite_acme_order(void);
Suite *suite_acme_order(void)
{
    Suite *suite = suite_create("acme/order");
    TCase *tests = kit_case(suite, "conversation");

    tcase_add_checked_fixture(tests, open_ca, close_ca);
    tcase_add_test(tests, an_order_ends_with_a_certificate);
    tcase_add_test(tests, a_record_of_an_order_is_read_as_it_was_saved);
    tcase_add_test(tests, a_refused_nonce_is_replaced);
    tcase_add_test(tests, refusing_every_nonce_ends_in_a_failure);
    tcase_add_test(tests, a_rate_limit_tells_when_to_come_back);
    tcase_add_test(tests, a_known_key_finds_its_account_again);
    tcase_add_test(tests, a_staged_account_is_found_by_other_domains_and_promoted);
    tcase_add_test(tests, terms_that_are_not_agreed_to_are_the_operators_turn);
    tcase_add_test(tests, a_web_page_instead_of_a_directory_is_explained);
    tcase_add_test(tests, an_unknown_account_is_not_usable);
    tcase_add_test(tests, new_contacts_are_sent_to_the_ca);
    return suite;
}
