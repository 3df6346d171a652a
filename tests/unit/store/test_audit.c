/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with a store is found, with the path and what mends it; what is right is not complained of.
 */
#include "store/audit.h"

#include <apr_strings.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kit/kit.h"
#include "kit/tree.h"

#define STRANGER 54321 /* nobody has this number */

static void set_up(void)
{
    tree_begin();
    (void)tree_open(-1);
}

static const char *path_of(const char *file)
{
    return apr_pstrcat(kit_pool, tree_base, "/", file, NULL);
}

/** All findings in one text. */
static const char *findings_of(long uid, const char *enforce)
{
    const md_audit_options options = { .base = tree_base, .uid = uid, .enforce = enforce };
    const apr_array_header_t *found = md_store_audit(&options, kit_pool);
    const char *text = "";

    for (int i = 0; i < found->nelts; ++i) {
        const md_finding *each = &APR_ARRAY_IDX(found, i, md_finding);

        text = apr_pstrcat(kit_pool, text, each->what, " -> ", each->mend, "\n", NULL);
    }
    return text;
}

static void change_mode(const char *file, mode_t mode)
{
    ck_assert_int_eq(chmod(path_of(file), mode), 0);
}

START_TEST(nothing_is_found_in_a_new_store)
{
    ck_assert_str_eq(findings_of(-1, NULL), "");
}
END_TEST

START_TEST(a_store_that_is_not_there_yet_is_no_finding)
{
    const md_audit_options options = { .base = "/nowhere", .uid = -1 };

    ck_assert_int_eq(md_store_audit(&options, kit_pool)->nelts, 0);
}
END_TEST

/* What is changed, to which mode, and what must be found. */
static const struct {
    const char *file;
    mode_t mode;
    const char *what, *mend;
} rows[] = {
    { "domains", 0755, "/domains, which has private keys, can be entered by others", "chmod 0700 " },
    { "archive", 0711, "/archive, which has private keys", "chmod 0700 " },
    { "md_store.json", 0644, "/md_store.json, which has the secret", "chmod 0600 " },
    { "", 0777, "can be written by others than root", "chmod go-w " },
};

START_TEST(what_others_may_see_is_found)
{
    const char *found;

    change_mode(rows[_i].file, rows[_i].mode);
    found = findings_of(-1, NULL);
    ck_assert_msg(strstr(found, rows[_i].what) != NULL, "\"%s\" is not in \"%s\"", rows[_i].what, found);
    ck_assert_msg(strstr(found, rows[_i].mend) != NULL, "\"%s\" is not in \"%s\"", rows[_i].mend, found);
}
END_TEST

START_TEST(folders_that_the_servers_user_cannot_write_are_found)
{
    const char *found;

    ck_assert_int_eq(mkdir(path_of("staging/example.org"), 0755), 0);
    found = findings_of(STRANGER, NULL);
    ck_assert_ptr_nonnull(strstr(found, "user 54321 cannot write to"));
    ck_assert_ptr_nonnull(
        strstr(found, apr_psprintf(kit_pool, "chown -R 54321 %s/staging/example.org\n", tree_base)));
    ck_assert_ptr_nonnull(strstr(found, apr_psprintf(kit_pool, "chown -R 54321 %s/challenges\n", tree_base)));
    ck_assert_ptr_null(strstr(found, "/domains"));
}
END_TEST

START_TEST(folders_that_the_servers_user_cannot_pass_or_read_are_found)
{
    const char *found;

    change_mode("", 0700);
    change_mode("accounts", 0700);
    found = findings_of(STRANGER, NULL);
    ck_assert_ptr_nonnull(strstr(found, apr_psprintf(kit_pool, "cannot pass %s -> chmod 0755", tree_base)));
    ck_assert_ptr_nonnull(
        strstr(found, apr_psprintf(kit_pool, "cannot read %s/accounts -> chmod 0755", tree_base)));
}
END_TEST

START_TEST(folders_above_the_store_are_looked_at)
{
    const char *above = apr_pstrndup(kit_pool, tree_base, (apr_size_t)(strrchr(tree_base, '/') - tree_base));
    const md_audit_options options = { .base = path_of("staging/deep"), .uid = STRANGER };
    const apr_array_header_t *found;

    ck_assert_ptr_nonnull(above);
    ck_assert_int_eq(mkdir(path_of("staging/deep"), 0755), 0);
    change_mode("staging", 0700);
    found = md_store_audit(&options, kit_pool);
    ck_assert_int_gt(found->nelts, 0);
    ck_assert_ptr_nonnull(strstr(APR_ARRAY_IDX(found, found->nelts - 1, md_finding).what,
                                 "/staging, which is above the store"));
}
END_TEST

START_TEST(a_file_in_place_of_a_folder_is_found)
{
    ck_assert_int_eq(rmdir(path_of("ocsp")), 0);
    tree_write("ocsp", "");
    ck_assert_ptr_nonnull(strstr(findings_of(-1, NULL), "/ocsp is not a folder"));
}
END_TEST

START_TEST(labels_matter_only_where_selinux_enforces)
{
    tree_write("enforce", "0");
    ck_assert_str_eq(findings_of(-1, path_of("enforce")), "");
    tree_write("enforce", "1"); /* and the file system has no labels */
    ck_assert_str_eq(findings_of(-1, path_of("enforce")), "");
}
END_TEST

Suite *suite_store_audit(void)
{
    Suite *suite = suite_create("store/audit");
    TCase *tcase = kit_case(suite, "audit");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, nothing_is_found_in_a_new_store);
    tcase_add_test(tcase, a_store_that_is_not_there_yet_is_no_finding);
    KIT_ADD_ROWS(tcase, what_others_may_see_is_found, rows);
    tcase_add_test(tcase, folders_that_the_servers_user_cannot_write_are_found);
    tcase_add_test(tcase, folders_that_the_servers_user_cannot_pass_or_read_are_found);
    tcase_add_test(tcase, folders_above_the_store_are_looked_at);
    tcase_add_test(tcase, a_file_in_place_of_a_folder_is_found);
    tcase_add_test(tcase, labels_matter_only_where_selinux_enforces);
    return suite;
}
