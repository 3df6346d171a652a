/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies for other daemons: complete, with the right modes, and the old ones or the new ones whatever fails.
 */
#include "jobs/export.h"

#include <apr_strings.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kit/kit.h"
#include "kit/sample.h"
#include "kit/store_mem.h"
#include "kit/tree.h"

static md_store *store;
static sample_ca *ca;
static md_domain *domain;
static md_export_to to = { .user = -1, .group = -1, .mode = 0600 };

static void set_up(void)
{
    tree_begin();
    umask(077);
    ck_assert_int_eq(mkdir(tree_base, 0755), 0);
    store = store_mem_open(kit_pool);
    ca = sample_ca_make("Export", kit_pool);
    domain = md_domain_make(sample_names("example.org", kit_pool), kit_pool);
    to.dir = apr_pstrcat(kit_pool, tree_base, "/mail", NULL);
    domain->policy.exports.exports = apr_array_make(kit_pool, 1, sizeof(md_export_to));
    APR_ARRAY_PUSH(domain->policy.exports.exports, md_export_to) = to;
    ck_assert_ptr_null(
        md_field_read_text(&md_field_rows[MD_FIELD_keys], "P-256 P-384", &domain->policy, kit_pool));
}

static void tear_down(void)
{
    tree_fail(0, 0, 0);
}

/** A new set in DOMAINS. */
static void renew(void)
{
    const sample_wish wish = { .names = domain->names };

    for (int i = 0; i < 2; ++i) {
        const md_key_spec *spec = MD_SPEC(domain->policy.keys, i);
        md_key *key = sample_key(spec->curve, kit_pool);

        CHECK_OK(md_creds_save_key(store, MD_GROUP_DOMAINS, domain->name, spec, key, kit_pool));
        CHECK_OK(md_creds_save_chain(store, MD_GROUP_DOMAINS, domain->name, spec,
                                     sample_issue(ca, key, &wish, kit_pool), kit_pool));
    }
}

static int export_now(void)
{
    int wrote;

    CHECK_OK(md_export_domain(store, domain, kit_pool, &wrote));
    return wrote;
}

/** Everything in the folder, in one text. */
static const char *all_of(void)
{
    static const char *const files[] = { "privkey", "cert", "chain", "fullchain" };
    const char *text = "";

    for (int i = 0; i < 8; ++i)
        text = apr_pstrcat(kit_pool, text,
                           tree_read(apr_pstrcat(kit_pool, "mail/", files[i / 2],
                                                 i % 2 ? ".p-256.pem" : ".p-384.pem", NULL)),
                           "\n", NULL);
    return text;
}

START_TEST(each_key_has_four_files_and_only_its_own_is_secret)
{
    const char *cert, *chain;

    renew();
    ck_assert_int_eq(export_now(), 1);
    ck_assert_str_eq(tree_text("mail"), "-rw-r--r-- mail/cert.p-256.pem\n"
                                        "-rw-r--r-- mail/cert.p-384.pem\n"
                                        "-rw-r--r-- mail/chain.p-256.pem\n"
                                        "-rw-r--r-- mail/chain.p-384.pem\n"
                                        "-rw-r--r-- mail/fullchain.p-256.pem\n"
                                        "-rw-r--r-- mail/fullchain.p-384.pem\n"
                                        "-rw------- mail/privkey.p-256.pem\n"
                                        "-rw------- mail/privkey.p-384.pem\n");
    cert = tree_read("mail/cert.p-256.pem");
    chain = tree_read("mail/chain.p-256.pem");
    ck_assert_str_eq(tree_read("mail/fullchain.p-256.pem"), apr_pstrcat(kit_pool, cert, chain, NULL));
    ck_assert_str_ne(chain, "");
    ck_assert_ptr_nonnull(strstr(tree_read("mail/privkey.p-256.pem"), "BEGIN PRIVATE KEY"));
}
END_TEST

START_TEST(what_is_up_to_date_is_left_alone)
{
    renew();
    ck_assert_int_eq(export_now(), 1);
    ck_assert_int_eq(export_now(), 0);
    renew();
    ck_assert_int_eq(export_now(), 1);
    tree_write("mail/cert.p-256.pem", "something else");
    ck_assert_int_eq(export_now(), 1);
    ck_assert_int_eq(chmod(apr_pstrcat(kit_pool, to.dir, "/privkey.p-256.pem", NULL), 0644), 0);
    ck_assert_int_eq(export_now(), 1);
    ck_assert_int_eq(export_now(), 0);
}
END_TEST

START_TEST(nothing_is_copied_before_there_is_a_certificate)
{
    ck_assert_int_eq(export_now(), 0);
    ck_assert_ptr_null(tree_read("mail/cert.p-256.pem"));
}
END_TEST

START_TEST(a_full_disk_leaves_the_old_set_whole)
{
    const char *old;
    int at = 1, wrote;

    renew();
    ck_assert_int_eq(export_now(), 1);
    renew();
    for (;; ++at) { /* every call that can meet a full disk: those before the first file takes its name */
        md_err *err;

        old = all_of();
        tree_fail(at, 1, ENOSPC);
        err = md_export_domain(store, domain, kit_pool, &wrote);
        if (!err || !strstr(md_err_text(err, kit_pool), "cannot write"))
            break;
        ck_assert_str_eq(all_of(), old);
        ck_assert_ptr_null(strstr(tree_text("mail"), ".file-"));
    }
    ck_assert_int_ge(at, 8);
    tree_fail(0, 0, 0);
    (void)export_now();
    ck_assert_int_eq(export_now(), 0);
}
END_TEST

START_TEST(a_link_in_the_folder_is_replaced_and_not_followed)
{
    const char *victim = apr_pstrcat(kit_pool, tree_base, "/victim", NULL);
    struct stat info;

    renew();
    tree_write("victim", "untouched");
    ck_assert_int_eq(mkdir(to.dir, 0700), 0);
    ck_assert_int_eq(symlink(victim, apr_pstrcat(kit_pool, to.dir, "/privkey.p-256.pem", NULL)), 0);
    ck_assert_int_eq(export_now(), 1);
    ck_assert_str_eq(tree_read("victim"), "untouched");
    ck_assert_int_eq(lstat(apr_pstrcat(kit_pool, to.dir, "/privkey.p-256.pem", NULL), &info), 0);
    ck_assert(S_ISREG(info.st_mode));
}
END_TEST

START_TEST(one_folder_that_cannot_be_made_does_not_keep_others_from_being_filled)
{
    md_export_to second = to;
    md_err *err;
    int wrote;

    renew();
    APR_ARRAY_IDX(domain->policy.exports.exports, 0, md_export_to).dir = "/nowhere/at/all";
    APR_ARRAY_PUSH(domain->policy.exports.exports, md_export_to) = second;
    err = md_export_domain(store, domain, kit_pool, &wrote);
    ck_assert_ptr_nonnull(err);
    ck_assert_ptr_nonnull(strstr(md_err_text(err, kit_pool), "/nowhere/at/all"));
    ck_assert_int_eq(wrote, 1);
    ck_assert_ptr_nonnull(tree_read("mail/cert.p-256.pem"));
}
END_TEST

Suite *suite_jobs_export(void)
{
    Suite *suite = suite_create("jobs/export");
    TCase *tcase = kit_case(suite, "export");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, each_key_has_four_files_and_only_its_own_is_secret);
    tcase_add_test(tcase, what_is_up_to_date_is_left_alone);
    tcase_add_test(tcase, nothing_is_copied_before_there_is_a_certificate);
    tcase_add_test(tcase, a_full_disk_leaves_the_old_set_whole);
    tcase_add_test(tcase, a_link_in_the_folder_is_replaced_and_not_followed);
    tcase_add_test(tcase, one_folder_that_cannot_be_made_does_not_keep_others_from_being_filled);
    return suite;
}
