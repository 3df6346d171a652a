/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handshakes in memory against a slot: what clients get as sets come, move and break.
 */
#include "httpd/live.h"

#include <pthread.h>
#include <string.h>

#include "kit/kit.h"
#include "plan/due.h"
#include "store/creds.h"
#include "store/store_fs.h"
#include "tls/selfsign.h"

#define NAME "live.example.org"

enum { SHAKES = 200, THREADS = 4 };

static md_store *store;
static md_plan *plan;
static md_board *board;
static md_live_slot *slot;

/** A clock that leaps, so that whatever was refused a moment ago may be tried again. */
static apr_time_t leaping_now(void *self)
{
    static atomic_llong leaps;

    (void)self;
    return apr_time_now() + apr_time_from_sec(atomic_fetch_add(&leaps, 2));
}

static const md_clock leaping_clock = { .now = leaping_now };

/** A self-signed pair for the domain. */
static md_creds *new_creds(void)
{
    md_domain *domain = MD_DOMAIN(plan, 0);
    md_creds *made = apr_pcalloc(kit_pool, sizeof(*made));
    apr_time_t now = apr_time_now();
    md_period valid = { now - apr_time_from_sec(3600), now + apr_time_from_sec(3600 * 24 * 90) };

    made->spec = MD_SPEC(domain->policy.keys, 0);
    CHECK_OK(md_key_make(made->spec, kit_pool, &made->key));
    CHECK_OK(md_selfsign_placeholder(made->key, domain->names, valid, kit_pool, &made->chain));
    CHECK_OK(md_chain_facts(made->chain, kit_pool, &made->facts));
    return made;
}

/** Brings a new set to a group. Returns the fingerprint of its leaf. */
static const char *bring(md_group group)
{
    const md_creds *creds = new_creds();

    CHECK_OK(md_creds_save_key(store, group, NAME, creds->spec, creds->key, kit_pool));
    CHECK_OK(md_creds_save_chain(store, group, NAME, creds->spec, creds->chain, kit_pool));
    CHECK_OK(md_store_save_text(store, MD_PLACE(group, NAME, "md.json"), "{}", kit_pool));
    return creds->facts.sha256;
}

static int choose(SSL *ssl, void *data)
{
    return md_live_choose(ssl, data);
}

static SSL_CTX *server_ctx(const md_creds *first)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    ck_assert_int_eq(SSL_CTX_use_cert_and_key(ctx, sk_X509_value(first->chain, 0), first->key, NULL, 1), 1);
    SSL_CTX_set_cert_cb(ctx, choose, slot);
    return ctx;
}

/** One handshake in memory. Returns the fingerprint of what the client got. */
static const char *shake(SSL_CTX *server, int version, apr_pool_t *p)
{
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());
    SSL *near = SSL_new(server), *far;
    BIO *a, *b;
    md_cert_facts facts;
    X509 *leaf;
    int done = 0;

    SSL_CTX_set_max_proto_version(client, version);
    far = SSL_new(client);
    BIO_new_bio_pair(&a, 0, &b, 0);
    SSL_set_bio(near, a, a);
    SSL_set_bio(far, b, b);
    SSL_set_accept_state(near);
    SSL_set_connect_state(far);
    for (int i = 0; i < 10 && !done; ++i) {
        SSL_do_handshake(far);
        done = SSL_do_handshake(near) == 1 && SSL_is_init_finished(far);
    }
    ck_assert_int_eq(done, 1);
    leaf = SSL_get_peer_certificate(far);
    CHECK_OK(md_cert_facts_of(leaf, p, &facts));
    X509_free(leaf);
    SSL_free(near);
    SSL_free(far);
    SSL_CTX_free(client);
    return facts.sha256;
}

static SSL_CTX *ready(const char **first)
{
    md_store_fs_options options = { .base = kit_folder(), .uid = -1 };
    md_names *names = md_names_make(kit_pool);
    md_domain *domain;
    md_creds *creds;

    md_names_add(names, NAME);
    domain = md_domain_make(names, kit_pool);
    ck_assert_ptr_eq(NULL,
                     (void *)md_key_specs_read(md_words("P-256", kit_pool), kit_pool, &domain->policy.keys));
    plan = md_plan_make(kit_pool);
    CHECK_OK(md_plan_add(plan, domain, 0, kit_pool));
    CHECK_OK(md_store_fs_open(&options, kit_pool, &store));
    CHECK_OK(md_board_make(1, kit_pool, &board));
    slot = md_live_slot_at(md_live_make(store, plan, board, &leaping_clock, kit_pool), 0);
    creds = new_creds();
    *first = creds->facts.sha256;
    return server_ctx(creds);
}

START_TEST(without_anything_new_clients_get_what_mod_ssl_loaded)
{
    const char *first;
    SSL_CTX *server = ready(&first);

    bring(MD_GROUP_STAGING); /* nobody has said so yet */
    ck_assert_str_eq(shake(server, TLS1_3_VERSION, kit_pool), first);
    ck_assert_int_eq(md_live_serves(slot), 0);
    SSL_CTX_free(server);
}
END_TEST

START_TEST(a_staged_set_is_served_by_the_next_handshake)
{
    const char *first, *second;
    SSL_CTX *server = ready(&first);

    second = bring(MD_GROUP_STAGING);
    md_board_staged(&board->rows[0], apr_time_now());
    ck_assert_str_eq(shake(server, TLS1_3_VERSION, kit_pool), second);
    ck_assert_str_eq(shake(server, TLS1_2_VERSION, kit_pool), second);
    ck_assert_int_eq(md_live_serves(slot), 1);
    SSL_CTX_free(server);
}
END_TEST

START_TEST(a_promoted_set_is_found_though_the_next_renewal_is_at_work)
{
    const char *first, *second;
    SSL_CTX *server = ready(&first);

    second = bring(MD_GROUP_LIVE);
    bring(MD_GROUP_STAGING);
    md_board_staged(&board->rows[0], apr_time_now());
    atomic_store(&board->rows[0].promoted, 1);
    ck_assert_str_eq(shake(server, TLS1_3_VERSION, kit_pool), second);
    SSL_CTX_free(server);
}
END_TEST

START_TEST(a_set_that_is_not_whole_leaves_the_one_before)
{
    const char *first, *second;
    SSL_CTX *server = ready(&first);

    second = bring(MD_GROUP_STAGING);
    md_board_staged(&board->rows[0], apr_time_now());
    ck_assert_str_eq(shake(server, TLS1_3_VERSION, kit_pool), second);
    bring(MD_GROUP_STAGING);
    CHECK_OK(md_creds_save_key(store, MD_GROUP_STAGING, NAME, MD_SPEC(MD_DOMAIN(plan, 0)->policy.keys, 0),
                               new_creds()->key, kit_pool));
    md_board_staged(&board->rows[0], apr_time_now());
    ck_assert_str_eq(shake(server, TLS1_3_VERSION, kit_pool), second);
    SSL_CTX_free(server);
}
END_TEST

START_TEST(facts_are_those_of_the_newest_set)
{
    const char *first, *second;
    SSL_CTX *server = ready(&first);
    apr_array_header_t *facts;

    CHECK_OK(md_live_facts(slot, kit_pool, &facts));
    ck_assert_ptr_null(facts);
    second = bring(MD_GROUP_STAGING);
    md_board_staged(&board->rows[0], apr_time_now());
    CHECK_OK(md_live_facts(slot, kit_pool, &facts));
    ck_assert_str_eq(APR_ARRAY_IDX(facts, 0, md_cert_fact).cert->sha256, second);
    SSL_CTX_free(server);
}
END_TEST

static void *shake_often(void *server)
{
    apr_pool_t *p;

    apr_pool_create(&p, NULL);
    for (int i = 0; i < SHAKES / THREADS; ++i)
        shake(server, i % 2 ? TLS1_3_VERSION : TLS1_2_VERSION, p);
    apr_pool_destroy(p);
    return NULL;
}

START_TEST(handshakes_go_on_while_sets_are_exchanged)
{
    const char *first, *last = NULL;
    SSL_CTX *server = ready(&first);
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; ++i)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, shake_often, server), 0);
    for (int i = 0; i < 5; ++i) {
        last = bring(MD_GROUP_LIVE);
        md_board_staged(&board->rows[0], apr_time_now());
    }
    for (int i = 0; i < THREADS; ++i)
        pthread_join(threads[i], NULL);
    md_board_staged(&board->rows[0], apr_time_now());
    ck_assert_str_eq(shake(server, TLS1_3_VERSION, kit_pool), last);
    SSL_CTX_free(server);
}
END_TEST

Suite *suite_httpd_live(void)
{
    Suite *suite = suite_create("httpd/live");
    TCase *tests = kit_case(suite, "live");

    tcase_add_test(tests, without_anything_new_clients_get_what_mod_ssl_loaded);
    tcase_add_test(tests, a_staged_set_is_served_by_the_next_handshake);
    tcase_add_test(tests, a_promoted_set_is_found_though_the_next_renewal_is_at_work);
    tcase_add_test(tests, a_set_that_is_not_whole_leaves_the_one_before);
    tcase_add_test(tests, facts_are_those_of_the_newest_set);
    tcase_add_test(tests, handshakes_go_on_while_sets_are_exchanged);
    return suite;
}
