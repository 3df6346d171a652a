/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores of earlier versions.
 */
#include "store/migrate.h"

#include <apr_strings.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kit/kit.h"
#include "kit/tree.h"
#include "suites.h"

#define SECRET "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3"

static void set_up(void)
{
    tree_begin();
}

static void tear_down(void)
{
    md_store_fs_fault = NULL;
}

/* A store of version 1: keys and chains under their old names. */
static void make_first_version(void)
{
    tree_write("md_store.json", "{ \"version\": \"1.0\", \"key\": \"" SECRET "\" }");
    tree_write("accounts/ACME-ca-0000/pkey.pem", "account key");
    tree_write("domains/a.org/pkey.pem", "key");
    tree_write("domains/a.org/cert.pem", "cert");
    tree_write("domains/a.org/chain.pem", "chain\n");
    tree_write("domains/b.org/cert.pem", "only\n");
    tree_write("archive/a.org.1/cert.pem", "old\n");
    tree_write("archive/a.org.1/pubcert.pem", "made before");
    tree_write("staging/a.org/cert.pem", "staged");
}

static void expect_migrated(void)
{
    const char *text = tree_read("md_store.json");

    ck_assert_ptr_nonnull(strstr(text, "\"version\": 3.0"));
    ck_assert_ptr_nonnull(strstr(text, SECRET));
    ck_assert_ptr_null(strstr(text, "\"1.0\""));
    ck_assert_str_eq(tree_read("accounts/ACME-ca-0000/privkey.pem"), "account key");
    ck_assert_str_eq(tree_read("domains/a.org/privkey.pem"), "key");
    ck_assert_ptr_null(tree_read("domains/a.org/pkey.pem"));
    ck_assert_str_eq(tree_read("domains/a.org/pubcert.pem"), "cert\nchain\n");
    ck_assert_str_eq(tree_read("domains/a.org/cert.pem"), "cert");
    ck_assert_str_eq(tree_read("domains/b.org/pubcert.pem"), "only\n");
    ck_assert_str_eq(tree_read("archive/a.org.1/pubcert.pem"), "made before");
    ck_assert_ptr_null(tree_read("staging/a.org/pubcert.pem"));
}

START_TEST(the_first_version_gets_new_names_and_chains)
{
    const md_store *store;

    make_first_version();
    store = tree_open(-1);
    expect_migrated();
    ck_assert_uint_eq(store->secret.size, MD_SECRET_SIZE);
    ck_assert_ptr_nonnull(strstr(tree_text("domains/a.org"), "-rw------- domains/a.org/pubcert.pem\n"));
    ck_assert_ptr_nonnull(strstr(tree_text(""), "-rw------- md_store.json\n"));
}
END_TEST

START_TEST(the_second_version_loses_its_own_version)
{
    tree_write("md_store.json",
               "{\"version\": \"2.0\", \"store\": {\"version\": 2.0}, \"key\": \"" SECRET "\", \"x\": 1}");
    tree_write("domains/a.org/pkey.pem", "stays");
    tree_open(-1);
    ck_assert_str_eq(tree_read("md_store.json"),
                     "{\n  \"store\": {\n    \"version\": 3.0\n  },\n  \"key\": \"" SECRET
                     "\",\n  \"x\": 1\n}");
    ck_assert_str_eq(tree_read("domains/a.org/pkey.pem"), "stays");
}
END_TEST

START_TEST(the_third_version_stays_as_it_is)
{
    const char *text = "{\"store\":{\"version\":3}, \"key\":\"" SECRET "\", \"version\":\"mine\"}";

    tree_write("md_store.json", text);
    tree_write("domains/a.org/pkey.pem", "stays");
    tree_open(-1);
    ck_assert_str_eq(tree_read("md_store.json"), text);
    ck_assert_str_eq(tree_read("domains/a.org/pkey.pem"), "stays");
}
END_TEST

START_TEST(a_dry_run_does_not_migrate)
{
    md_store *store;

    make_first_version();
    CHECK_OK(md_store_fs_open(&(md_store_fs_options){ .base = tree_base, .uid = -1, .read_only = 1 },
                              kit_pool, &store));
    ck_assert_uint_eq(store->secret.size, MD_SECRET_SIZE);
    ck_assert_str_eq(tree_read("domains/a.org/pkey.pem"), "key");
}
END_TEST

START_TEST(both_keys_are_kept_when_there_are_two)
{
    make_first_version();
    tree_write("domains/a.org/privkey.pem", "newer");
    tree_open(-1);
    ck_assert_str_eq(tree_read("domains/a.org/privkey.pem"), "newer");
    ck_assert_str_eq(tree_read("domains/a.org/pkey.pem"), "key");
}
END_TEST

START_TEST(a_damaged_domain_does_not_stop_the_others)
{
    make_first_version();
    ck_assert_int_eq(mkdir(apr_pstrcat(kit_pool, tree_base, "/domains/0.org", NULL), 0700), 0);
    ck_assert_int_eq(
        symlink("/etc/passwd", apr_pstrcat(kit_pool, tree_base, "/domains/0.org/cert.pem", NULL)), 0);
    tree_open(-1);
    expect_migrated();
    ck_assert_ptr_null(tree_read("domains/0.org/pubcert.pem"));
}
END_TEST

START_TEST(a_migration_can_be_stopped_after_every_system_call)
{
    const md_err *err;
    md_store *store;
    int at = 0;

    do {
        set_up();
        make_first_version();
        tree_fail(++at, 100000, EIO);
        err = md_store_fs_open(&(md_store_fs_options){ .base = tree_base, .uid = -1 }, kit_pool, &store);
        tree_fail(0, 0, 0);
        tree_open(-1);
        expect_migrated();
    } while (err && at < 200);
    ck_assert_int_gt(at, 20);
    ck_assert_int_lt(at, 200);
}
END_TEST

START_TEST(what_is_made_can_be_read)
{
    md_store_facts made;
    md_store_facts read;
    md_bytes text;

    CHECK_OK(md_store_facts_make(kit_pool, &made, &text));
    CHECK_OK(md_store_facts_read(text, kit_pool, &read));
    ck_assert(md_bytes_equal(made.secret, read.secret));
    ck_assert_double_eq(read.version, MD_STORE_VERSION);
}
END_TEST

Suite *suite_store_migrate(void)
{
    Suite *suite = suite_create("store/migrate");
    TCase *tcase = kit_case(suite, "versions");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, the_first_version_gets_new_names_and_chains);
    tcase_add_test(tcase, the_second_version_loses_its_own_version);
    tcase_add_test(tcase, the_third_version_stays_as_it_is);
    tcase_add_test(tcase, a_dry_run_does_not_migrate);
    tcase_add_test(tcase, both_keys_are_kept_when_there_are_two);
    tcase_add_test(tcase, a_damaged_domain_does_not_stop_the_others);
    tcase_add_test(tcase, a_migration_can_be_stopped_after_every_system_call);
    tcase_add_test(tcase, what_is_made_can_be_read);
    return suite;
}
