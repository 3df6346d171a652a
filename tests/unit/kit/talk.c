/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set-up of tests of acme/.
 */
#include "kit/talk.h"

#include <string.h>

#include "kit/kit.h"
#include "tls/csr.h"

fake_ca *talk_ca;
md_store *talk_store;
md_call talk_call;

static md_cas *cas;
static md_http_options options;
static apr_pool_t *hold_pool; /* of the account, which must be let go before the gates close */

void talk_begin(void)
{
    talk_store = store_mem_open(kit_pool);
    talk_store->secret = md_bytes_of("012345678901234567890123456789012345678901234567");
    talk_ca = fake_ca_open(talk_store, &md_clock_system, kit_pool);
    options = (md_http_options){ .user_agent = "test" };
    fake_ca_serve(talk_ca, &options);
    cas = md_cas_open();
    apr_pool_create(&hold_pool, NULL);
    talk_call = (md_call){ .ca = md_cas_gate(cas, FAKE_CA_DIRECTORY, NULL),
                           .http = md_http_open(&options),
                           .clock = &md_clock_system };
}

void talk_end(void)
{
    md_http_close(talk_call.http);
    apr_pool_destroy(hold_pool);
    md_cas_close(cas);
}

md_account_wish talk_wish(void)
{
    md_names *contacts = md_names_make(kit_pool);

    md_names_add(contacts, "mailto:a@example.org");
    return (md_account_wish){
        .ca_url = FAKE_CA_DIRECTORY, .agreement = "accepted", .contacts = contacts, .domain = TALK_NAME
    };
}

md_account *talk_log_in(void)
{
    md_account_wish want = talk_wish();
    md_account *account;

    CHECK_OK(md_call_directory(&talk_call, kit_pool));
    CHECK_OK(md_account_register(&talk_call, talk_store, &want, kit_pool, &account));
    md_ca_use_account(talk_call.ca, account->url, NULL, account->key);
    talk_call.account = md_ca_account(talk_call.ca, hold_pool);
    return account;
}

md_account *talk_log_in_for_good(void)
{
    md_account *account;
    const char *id;

    (void)talk_log_in();
    CHECK_OK(md_account_promote(talk_store, TALK_NAME, kit_pool, &id));
    CHECK_OK(md_account_load(talk_store, id, kit_pool, &account));
    ck_assert_ptr_nonnull(account);
    return account;
}

md_names *talk_names(void)
{
    md_names *names = md_names_make(kit_pool);

    md_names_add(names, TALK_NAME);
    return names;
}

md_order *talk_order(void)
{
    md_order_wish want = { .names = talk_names() };
    md_order *order;

    CHECK_OK(md_order_place(&talk_call, &want, kit_pool, &order));
    return order;
}

void talk_answer(const md_authz *authz)
{
    for (int i = 0; i < authz->challenges->nelts; ++i) {
        const md_challenge *challenge = &APR_ARRAY_IDX(authz->challenges, i, md_challenge);

        if (!strcmp(challenge->type, "http-01"))
            CHECK_OK(md_authz_answer(&talk_call, challenge, kit_pool));
    }
}

md_creds *talk_creds(void)
{
    static const md_key_spec spec = { .type = MD_KEY_EC, .curve = "P-256" };
    md_creds *creds = apr_pcalloc(kit_pool, sizeof(*creds));
    md_order *order = talk_order();
    md_authz *authz;
    md_bytes csr;

    talk_ca->trusting = 1;
    CHECK_OK(md_authz_read(&talk_call, MD_NAME(order->authorizations, 0), kit_pool, &authz));
    talk_answer(authz);
    creds->spec = &spec;
    CHECK_OK(md_key_make(&spec, kit_pool, &creds->key));
    CHECK_OK(md_csr_make(creds->key, talk_names(), 0, kit_pool, &csr));
    CHECK_OK(md_authz_read(&talk_call, authz->url, kit_pool, &authz));
    CHECK_OK(md_order_finalize(&talk_call, order, csr, kit_pool));
    CHECK_OK(md_order_download(&talk_call, order, NULL, kit_pool, &creds->chain));
    CHECK_OK(md_chain_facts(creds->chain, kit_pool, &creds->facts));
    return creds;
}
