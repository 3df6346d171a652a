/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key and chain as a pair in the store, and the placeholder.
 */
#include "store/creds.h"

#include <apr_strings.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kit/kit.h"
#include "kit/store_mem.h"
#include "kit/tree.h"
#include "suites.h"
#include "tls/selfsign.h"

#define NAME "example.org"
#define DAY  apr_time_from_sec(24 * 3600)

static const md_key_spec p256 = { .type = MD_KEY_EC, .curve = "P-256" };
static const md_key_spec rsa = { .type = MD_KEY_DEFAULT, .bits = 2048 };

static md_store *store;
static md_names *names;

static void add_names(void)
{
    names = md_names_make(kit_pool);
    md_names_add(names, NAME);
    md_names_add(names, "www.example.org");
}

static void set_up(void)
{
    store = store_mem_open(kit_pool);
    add_names();
}

static void set_up_disk(void)
{
    tree_begin();
    store = tree_open(-1);
    add_names();
}

static md_creds *make_creds(const md_key_spec *spec, apr_time_t from)
{
    md_creds *creds = apr_pcalloc(kit_pool, sizeof *creds);

    creds->spec = spec;
    CHECK_OK(md_key_make(spec, kit_pool, &creds->key));
    CHECK_OK(md_selfsign_placeholder(creds->key, names, (md_period){ from, from + 14 * DAY }, kit_pool,
                                     &creds->chain));
    CHECK_OK(md_chain_facts(creds->chain, kit_pool, &creds->facts));
    return creds;
}

static void save(md_group group, const md_creds *creds)
{
    CHECK_OK(md_creds_save_key(store, group, NAME, creds->spec, creds->key, kit_pool));
    CHECK_OK(md_creds_save_chain(store, group, NAME, creds->spec, creds->chain, kit_pool));
}

static const char *text_of(md_group group, const char *file)
{
    const char *text;

    CHECK_OK(md_store_load_text(store, MD_PLACE(group, NAME, file), kit_pool, &text));
    return text ? text : "";
}

START_TEST(a_pair_comes_back)
{
    static const md_group groups[] = { MD_GROUP_DOMAINS, MD_GROUP_STAGING, MD_GROUP_LIVE };
    const md_creds *made = make_creds(&p256, apr_time_now());
    md_creds *creds;

    save(groups[_i], made);
    CHECK_OK(md_creds_load(store, groups[_i], NAME, &p256, kit_pool, &creds));
    ck_assert_str_eq(creds->facts.sha256, made->facts.sha256);
    ck_assert_str_eq(md_key_sha256(creds->key, kit_pool), md_key_sha256(made->key, kit_pool));
    ck_assert_ptr_eq(creds->spec, &p256);
    CHECK_OK(md_creds_load(store, groups[_i], NAME, &rsa, kit_pool, &creds));
    ck_assert_ptr_null(creds);
}
END_TEST

START_TEST(keys_are_plain_or_encrypted_as_their_group_says)
{
    const md_creds *made = make_creds(&p256, apr_time_now());

    save(MD_GROUP_DOMAINS, made);
    save(MD_GROUP_STAGING, made);
    ck_assert_ptr_nonnull(strstr(text_of(MD_GROUP_DOMAINS, "privkey.p-256.pem"), "BEGIN PRIVATE KEY"));
    ck_assert_ptr_nonnull(
        strstr(text_of(MD_GROUP_STAGING, "privkey.p-256.pem"), "BEGIN ENCRYPTED PRIVATE KEY"));
    ck_assert_str_eq(store_mem_tree(store, kit_pool), "domains/example.org/privkey.p-256.pem (secret)\n"
                                                      "domains/example.org/pubcert.p-256.pem\n"
                                                      "staging/example.org/privkey.p-256.pem\n"
                                                      "staging/example.org/pubcert.p-256.pem\n");
}
END_TEST

START_TEST(half_a_pair_is_none)
{
    const md_creds *made = make_creds(&p256, apr_time_now());
    md_cert_facts *facts;
    md_creds *creds;
    md_key *key;

    CHECK_OK(md_creds_save_key(store, MD_GROUP_STAGING, NAME, &p256, made->key, kit_pool));
    CHECK_OK(md_creds_load(store, MD_GROUP_STAGING, NAME, &p256, kit_pool, &creds));
    ck_assert_ptr_null(creds);
    CHECK_OK(md_creds_load_key(store, MD_GROUP_STAGING, NAME, &p256, kit_pool, &key));
    ck_assert_ptr_nonnull(key);
    CHECK_OK(md_creds_load_facts(store, MD_GROUP_STAGING, NAME, &p256, kit_pool, &facts));
    ck_assert_ptr_null(facts);
}
END_TEST

START_TEST(facts_need_no_key)
{
    const md_creds *made = make_creds(&p256, apr_time_now());
    md_cert_facts *facts;

    CHECK_OK(md_creds_save_chain(store, MD_GROUP_STAGING, NAME, &p256, made->chain, kit_pool));
    CHECK_OK(md_creds_load_facts(store, MD_GROUP_STAGING, NAME, &p256, kit_pool, &facts));
    ck_assert_str_eq(facts->sha256, made->facts.sha256);
}
END_TEST

START_TEST(a_pair_that_does_not_fit_is_refused)
{
    md_creds *creds;
    const md_err *err;

    save(MD_GROUP_DOMAINS, make_creds(&p256, apr_time_now()));
    CHECK_OK(md_creds_save_key(store, MD_GROUP_DOMAINS, NAME, &p256, make_creds(&p256, 0)->key, kit_pool));
    err = md_creds_load(store, MD_GROUP_DOMAINS, NAME, &p256, kit_pool, &creds);
    ck_assert_str_eq(err->type, "md:bad-file");
    ck_assert_ptr_nonnull(strstr(err->detail, "domains/example.org/pubcert.p-256.pem"));
    ck_assert_ptr_null(creds);
}
END_TEST

START_TEST(a_damaged_file_is_named)
{
    static const char *const files[] = { "privkey.p-256.pem", "pubcert.p-256.pem" };
    md_creds *creds;
    const md_err *err;

    save(MD_GROUP_STAGING, make_creds(&p256, apr_time_now()));
    CHECK_OK(md_store_save_text(store, MD_PLACE(MD_GROUP_STAGING, NAME, files[_i]), "no PEM", kit_pool));
    err = md_creds_load(store, MD_GROUP_STAGING, NAME, &p256, kit_pool, &creds);
    ck_assert_str_eq(err->type, "md:bad-file");
    ck_assert_ptr_nonnull(strstr(err->detail, files[_i]));
}
END_TEST

START_TEST(a_key_of_another_store_is_refused)
{
    md_key *key;

    save(MD_GROUP_STAGING, make_creds(&p256, apr_time_now()));
    store->secret = md_bytes_of("another secret of another store");
    CHECK_FAILS(md_creds_load_key(store, MD_GROUP_STAGING, NAME, &p256, kit_pool, &key), MD_FAULT_LOCAL,
                "cannot be used");
}
END_TEST

START_TEST(without_a_secret_no_key_is_written_plain)
{
    const md_creds *made = make_creds(&p256, apr_time_now());

    store->secret = (md_bytes){ NULL, 0 };
    CHECK_FAILS(md_creds_save_key(store, MD_GROUP_STAGING, NAME, &p256, made->key, kit_pool), MD_FAULT_LOCAL,
                "no secret");
    ck_assert_str_eq(store_mem_tree(store, kit_pool), "");
}
END_TEST

START_TEST(a_set_of_pairs_is_saved_at_once)
{
    apr_array_header_t *files = apr_array_make(kit_pool, 4, sizeof(md_file));
    md_creds *creds;

    CHECK_OK(md_creds_to_files(store, MD_GROUP_DOMAINS, make_creds(&p256, apr_time_now()), files, kit_pool));
    CHECK_OK(md_creds_to_files(store, MD_GROUP_DOMAINS, make_creds(&rsa, apr_time_now()), files, kit_pool));
    CHECK_OK(md_store_save_set(store, MD_GROUP_DOMAINS, NAME, files, 1, kit_pool));
    ck_assert_str_eq(store_mem_tree(store, kit_pool), "domains/example.org/privkey.p-256.pem (secret)\n"
                                                      "domains/example.org/privkey.pem (secret)\n"
                                                      "domains/example.org/pubcert.p-256.pem\n"
                                                      "domains/example.org/pubcert.pem\n");
    CHECK_OK(md_creds_load(store, MD_GROUP_DOMAINS, NAME, &rsa, kit_pool, &creds));
    ck_assert_ptr_nonnull(creds);
}
END_TEST

/* The secret is of a text that would be seen. */
START_TEST(failures_do_not_show_secrets)
{
    const md_creds *made = make_creds(&p256, apr_time_now());
    const char *pem;
    md_key *key;
    const md_err *err;

    CHECK_OK(md_creds_save_key(store, MD_GROUP_DOMAINS, NAME, &p256, made->key, kit_pool));
    pem = apr_pstrmemdup(kit_pool, text_of(MD_GROUP_DOMAINS, "privkey.p-256.pem"), 120);
    CHECK_OK(md_store_save_text(store, MD_PLACE(MD_GROUP_DOMAINS, NAME, "privkey.p-256.pem"), pem, kit_pool));
    err = md_creds_load_key(store, MD_GROUP_DOMAINS, NAME, &p256, kit_pool, &key);
    ck_assert_ptr_nonnull(err);
    ck_assert_ptr_null(strstr(md_err_text(err, kit_pool), apr_pstrmemdup(kit_pool, pem + 40, 20)));
}
END_TEST

static md_pair_paths placeholder(apr_time_t now)
{
    md_pair_paths paths;

    CHECK_OK(md_creds_placeholder(store, NAME, names, now, kit_pool, &paths));
    return paths;
}

START_TEST(a_placeholder_is_made_and_found_again)
{
    const apr_time_t now = apr_time_now();
    const md_pair_paths paths = placeholder(now);
    const char *cert = tree_read("domains/example.org/fallback-pubcert.p-256.pem");

    ck_assert_str_eq(paths.cert, apr_pstrcat(kit_pool, tree_base,
                                             "/domains/example.org/fallback-pubcert.p-256.pem", NULL));
    ck_assert_str_eq(
        paths.key, apr_pstrcat(kit_pool, tree_base, "/domains/example.org/fallback-privkey.p-256.pem", NULL));
    ck_assert_str_eq(tree_text("domains"), "drwx------ domains/example.org\n"
                                           "-rw------- domains/example.org/fallback-privkey.p-256.pem\n"
                                           "-rw------- domains/example.org/fallback-pubcert.p-256.pem\n");
    placeholder(now + 11 * DAY);
    ck_assert_str_eq(tree_read("domains/example.org/fallback-pubcert.p-256.pem"), cert);
}
END_TEST

START_TEST(a_placeholder_is_made_anew_before_it_expires)
{
    const apr_time_t now = apr_time_now();
    const char *cert;

    placeholder(now);
    cert = tree_read("domains/example.org/fallback-pubcert.p-256.pem");
    placeholder(now + 12 * DAY + apr_time_from_sec(60));
    ck_assert_str_ne(tree_read("domains/example.org/fallback-pubcert.p-256.pem"), cert);
}
END_TEST

START_TEST(a_placeholder_is_made_anew_for_a_new_name)
{
    const apr_time_t now = apr_time_now();
    const char *cert;

    placeholder(now);
    cert = tree_read("domains/example.org/fallback-pubcert.p-256.pem");
    md_names_add(names, "new.example.org");
    placeholder(now);
    ck_assert_str_ne(tree_read("domains/example.org/fallback-pubcert.p-256.pem"), cert);
}
END_TEST

START_TEST(a_damaged_placeholder_is_made_anew)
{
    static const char *const files[] = { "domains/example.org/fallback-pubcert.p-256.pem",
                                         "domains/example.org/fallback-privkey.p-256.pem" };
    placeholder(apr_time_now());
    tree_write(files[_i], "");
    placeholder(apr_time_now());
    ck_assert_uint_gt(strlen(tree_read(files[_i])), 100);
}
END_TEST

START_TEST(the_placeholder_of_an_earlier_module_is_used)
{
    const md_creds *made = make_creds(&rsa, apr_time_now() - DAY);
    md_bytes pem;

    CHECK_OK(md_key_to_pem(made->key, (md_bytes){ NULL, 0 }, kit_pool, &pem));
    tree_write("domains/example.org/fallback-privkey.pem", pem.data);
    CHECK_OK(md_chain_to_pem(made->chain, kit_pool, &pem));
    tree_write("domains/example.org/fallback-pubcert.pem", pem.data);
    ck_assert_ptr_nonnull(strstr(placeholder(apr_time_now()).cert, "/fallback-pubcert.pem"));
    ck_assert_ptr_null(tree_read("domains/example.org/fallback-pubcert.p-256.pem"));
}
END_TEST

START_TEST(a_placeholder_that_cannot_be_saved_is_a_failure)
{
    md_pair_paths paths;

    tree_fail(1, 100000, 28);
    CHECK_FAILS(md_creds_placeholder(store, NAME, names, apr_time_now(), kit_pool, &paths), MD_FAULT_LOCAL,
                "cannot");
    tree_fail(0, 0, 0);
}
END_TEST

Suite *suite_store_creds(void)
{
    Suite *suite = suite_create("store/creds");
    TCase *tcase = kit_case(suite, "pairs");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_loop_test(tcase, a_pair_comes_back, 0, 3);
    tcase_add_test(tcase, keys_are_plain_or_encrypted_as_their_group_says);
    tcase_add_test(tcase, half_a_pair_is_none);
    tcase_add_test(tcase, facts_need_no_key);
    tcase_add_test(tcase, a_pair_that_does_not_fit_is_refused);
    tcase_add_loop_test(tcase, a_damaged_file_is_named, 0, 2);
    tcase_add_test(tcase, a_key_of_another_store_is_refused);
    tcase_add_test(tcase, without_a_secret_no_key_is_written_plain);
    tcase_add_test(tcase, a_set_of_pairs_is_saved_at_once);
    tcase_add_test(tcase, failures_do_not_show_secrets);
    tcase = kit_case(suite, "placeholder");
    tcase_add_checked_fixture(tcase, set_up_disk, NULL);
    tcase_add_test(tcase, a_placeholder_is_made_and_found_again);
    tcase_add_test(tcase, a_placeholder_is_made_anew_before_it_expires);
    tcase_add_test(tcase, a_placeholder_is_made_anew_for_a_new_name);
    tcase_add_loop_test(tcase, a_damaged_placeholder_is_made_anew, 0, 2);
    tcase_add_test(tcase, the_placeholder_of_an_earlier_module_is_used);
    tcase_add_test(tcase, a_placeholder_that_cannot_be_saved_is_a_failure);
    return suite;
}
