/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store in files: what it looks like on disk, who may do what, many at once.
 */
#include "store/store_fs.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kit/kit.h"
#include "kit/tree.h"
#include "suites.h"

#define NOBODY 65534
#define JOB    MD_PLACE(MD_GROUP_STAGING, "example.org", "job.json")
#define KEY    MD_PLACE(MD_GROUP_DOMAINS, "example.org", "privkey.pem")

static md_store *store;

static void set_up(void)
{
    tree_begin();
    umask(077);
}

static void tear_down(void)
{
    md_store_fs_fault = NULL;
}

static md_err *open_as(int read_only)
{
    return md_store_fs_open(&(md_store_fs_options){ .base = tree_base, .uid = -1, .read_only = read_only },
                            kit_pool, &store);
}

static const char *path_of(const char *file)
{
    return apr_pstrcat(kit_pool, tree_base, "/", file, NULL);
}

START_TEST(a_new_store_looks_like_this)
{
    struct stat info;

    store = tree_open(-1);
    ck_assert_str_eq(tree_text(""), "drwxr-xr-x accounts\n"
                                    "drwx------ archive\n"
                                    "drwxr-xr-x challenges\n"
                                    "drwxr-xr-x claims\n"
                                    "drwx------ domains\n"
                                    "drwxr-xr-x live\n"
                                    "-rw------- md_store.json\n"
                                    "drwxr-xr-x ocsp\n"
                                    "drwxr-xr-x staging\n"
                                    "drwx------ tmp\n");
    ck_assert_int_eq(stat(tree_base, &info), 0);
    ck_assert_uint_eq(info.st_mode & 07777, 0755);
}
END_TEST

/* What administrators and other programs find after some work. */
START_TEST(the_tree_is_the_one_that_administrators_know)
{
    md_claim *claim;

    store = tree_open(-1);
    CHECK_OK(md_store_save_text(store, MD_PLACE(MD_GROUP_ROOT, NULL, "httpd.json"), "{}", kit_pool));
    CHECK_OK(
        md_store_save_text(store, MD_PLACE(MD_GROUP_ACCOUNTS, "ACME-ca-0000", "account.pem"), "k", kit_pool));
    CHECK_OK(
        md_store_save_text(store, MD_PLACE(MD_GROUP_CHALLENGES, "a.org", "acme-http-01.txt"), "k", kit_pool));
    CHECK_OK(md_store_save_secret(store,
                                  MD_PLACE(MD_GROUP_CHALLENGES, "a.org", "acme-tls-alpn-01-privkey.pem"),
                                  md_bytes_of("k"), kit_pool));
    CHECK_OK(md_store_save_text(store, MD_PLACE(MD_GROUP_DOMAINS, "*.a.org", "md.json"), "{}", kit_pool));
    CHECK_OK(md_store_save_text(store, JOB, "{}", kit_pool));
    CHECK_OK(md_store_save_text(store, MD_PLACE(MD_GROUP_OCSP, "other", "ocsp-00.json"), "{}", kit_pool));
    CHECK_OK(md_store_claim(store, "renew/example.org", kit_pool, &claim));
    ck_assert_str_eq(tree_text(""), "drwxr-xr-x accounts\n"
                                    "drwxr-xr-x accounts/ACME-ca-0000\n"
                                    "-rw-r--r-- accounts/ACME-ca-0000/account.pem\n"
                                    "drwx------ archive\n"
                                    "drwxr-xr-x challenges\n"
                                    "drwxr-xr-x challenges/a.org\n"
                                    "-rw-r--r-- challenges/a.org/acme-http-01.txt\n"
                                    "-rw------- challenges/a.org/acme-tls-alpn-01-privkey.pem\n"
                                    "drwxr-xr-x claims\n"
                                    "-rw-r--r-- claims/renew_example.org.lock\n"
                                    "drwx------ domains\n"
                                    "drwx------ domains/*.a.org\n"
                                    "-rw------- domains/*.a.org/md.json\n"
                                    "-rw------- httpd.json\n"
                                    "drwxr-xr-x live\n"
                                    "-rw------- md_store.json\n"
                                    "drwxr-xr-x ocsp\n"
                                    "drwxr-xr-x ocsp/other\n"
                                    "-rw-r--r-- ocsp/other/ocsp-00.json\n"
                                    "drwxr-xr-x staging\n"
                                    "drwxr-xr-x staging/example.org\n"
                                    "-rw-r--r-- staging/example.org/job.json\n"
                                    "drwx------ tmp\n");
}
END_TEST

START_TEST(groups_of_an_earlier_module_get_their_modes)
{
    tree_write("staging/x/job.json", "{}");
    ck_assert_int_eq(chmod(path_of("staging"), 0750), 0);
    store = tree_open(-1);
    ck_assert_ptr_nonnull(strstr(tree_text(""), "drwxr-xr-x staging\ndrwx------ staging/x\n"));
}
END_TEST

START_TEST(the_secret_is_made_once)
{
    static const char start[] = "{\n  \"store\": {\n    \"version\": 3.0\n  },\n  \"key\": \"";
    md_store *again;

    store = tree_open(-1);
    again = tree_open(-1);
    ck_assert_uint_eq(store->secret.size, 48);
    ck_assert(md_bytes_equal(store->secret, again->secret));
    ck_assert_int_eq(strncmp(tree_read("md_store.json"), start, sizeof start - 1), 0);
}
END_TEST

START_TEST(two_stores_have_two_secrets)
{
    const md_store *other = tree_open(-1);

    set_up();
    store = tree_open(-1);
    ck_assert(!md_bytes_equal(store->secret, other->secret));
}
END_TEST

static const struct {
    const char *text, *reason;
} damaged[] = {
    { "", "md_store.json cannot be used" },
    { "{\"store\":", "md_store.json cannot be used" },
    { "[]", "no member 'key'" },
    { "{\"store\":{\"version\":3.0}}", "no member 'key'" },
    { "{\"store\":{\"version\":3.0},\"key\":\"!!\"}", "not base64url" },
    { "{\"store\":{\"version\":3.0},\"key\":\"YWJj\"}", "has 3 bytes instead of 48" },
    { "{\"store\":{\"version\":3.1},\"key\":\"YWJj\"}", "newer version" },
};

START_TEST(a_store_that_cannot_be_read_is_refused_and_kept)
{
    tree_write("md_store.json", damaged[_i].text);
    CHECK_FAILS(open_as(0), MD_FAULT_CONFIG, damaged[_i].reason);
    CHECK_FAILS(open_as(1), MD_FAULT_CONFIG, "restore it from a backup");
    ck_assert_str_eq(tree_read("md_store.json"), damaged[_i].text);
}
END_TEST

START_TEST(the_refusal_does_not_show_the_secret)
{
    const char *key = "c2VjcmV0c2VjcmV0c2VjcmV0";

    tree_write("md_store.json", apr_pstrcat(kit_pool, "{\"key\":\"", key, "\"}", NULL));
    ck_assert_ptr_null(strstr(md_err_text(open_as(0), kit_pool), key));
}
END_TEST

START_TEST(a_store_that_cannot_be_made_is_a_failure)
{
    tree_fail(1, 1, EACCES);
    CHECK_FAILS(open_as(0), MD_FAULT_LOCAL, "cannot make the folder of the store");
    tree_fail(3, 1, ENOSPC);
    CHECK_FAILS(open_as(0), MD_FAULT_LOCAL, "No space left");
}
END_TEST

START_TEST(a_first_start_can_be_stopped_after_every_system_call)
{
    const md_err *err;
    int at = 0;

    do {
        set_up();
        tree_fail(++at, 100000, EIO);
        err = open_as(0);
        tree_fail(0, 0, 0);
        store = tree_open(-1);
        ck_assert_uint_eq(store->secret.size, 48);
    } while (err && at < 200);
    ck_assert_int_gt(at, 20);
    ck_assert_int_lt(at, 200);
}
END_TEST

START_TEST(a_dry_run_makes_nothing)
{
    md_bytes value;
    md_names *names;

    CHECK_OK(open_as(1));
    ck_assert_int_eq(access(tree_base, F_OK), -1);
    CHECK_OK(md_store_load(store, JOB, kit_pool, &value));
    ck_assert_ptr_null(value.data);
    CHECK_OK(md_store_list(store, MD_GROUP_DOMAINS, NULL, kit_pool, &names));
    ck_assert_int_eq(names->nelts, 0);
    ck_assert_int_eq(md_store_changed(store, JOB, kit_pool), 0);
    CHECK_FAILS(md_store_save_text(store, JOB, "x", kit_pool), MD_FAULT_LOCAL, "for reading only");
    CHECK_FAILS(md_store_drop(store, JOB, kit_pool), MD_FAULT_LOCAL, "for reading only");
}
END_TEST

START_TEST(a_dry_run_reads_what_is_there)
{
    const char *text;

    store = tree_open(-1);
    CHECK_OK(md_store_save_text(store, JOB, "{}", kit_pool));
    tree_fail(1, 100000, EIO);
    CHECK_OK(open_as(1));
    CHECK_OK(md_store_load_text(store, JOB, kit_pool, &text));
    ck_assert_str_eq(text, "{}");
    ck_assert_uint_eq(store->secret.size, 48);
    ck_assert(!tree_failed());
}
END_TEST

START_TEST(values_come_back_and_go)
{
    md_bytes value;

    store = tree_open(-1);
    CHECK_OK(md_store_save(store, JOB, (md_bytes){ "a\0b", 3 }, kit_pool));
    CHECK_OK(md_store_load(store, JOB, kit_pool, &value));
    ck_assert(md_bytes_equal(value, (md_bytes){ "a\0b", 3 }));
    ck_assert_int_gt(md_store_changed(store, JOB, kit_pool), apr_time_now() - apr_time_from_sec(60));
    CHECK_OK(md_store_drop(store, JOB, kit_pool));
    CHECK_OK(md_store_drop(store, JOB, kit_pool));
    CHECK_OK(md_store_load(store, JOB, kit_pool, &value));
    ck_assert_ptr_null(value.data);
}
END_TEST

START_TEST(folders_are_listed_renamed_and_dropped)
{
    md_names *names;

    store = tree_open(-1);
    tree_write("domains/b.org/md.json", "{}");
    tree_write("domains/*.a.org/md.json", "{}");
    tree_write("domains/stray", "");
    CHECK_OK(md_store_list(store, MD_GROUP_DOMAINS, NULL, kit_pool, &names));
    ck_assert_str_eq(md_names_join(names, " ", kit_pool), "*.a.org b.org");
    CHECK_OK(md_store_rename(store, MD_GROUP_DOMAINS, "b.org", "c.org", kit_pool));
    CHECK_OK(md_store_rename(store, MD_GROUP_DOMAINS, "absent", "d.org", kit_pool));
    CHECK_OK(md_store_drop(store, MD_PLACE(MD_GROUP_DOMAINS, "*.a.org", NULL), kit_pool));
    CHECK_OK(md_store_drop(store, MD_PLACE(MD_GROUP_DOMAINS, "absent", NULL), kit_pool));
    CHECK_OK(md_store_list(store, MD_GROUP_DOMAINS, NULL, kit_pool, &names));
    ck_assert_str_eq(md_names_join(names, " ", kit_pool), "c.org");
    CHECK_OK(md_store_list(store, MD_GROUP_DOMAINS, "c.org", kit_pool, &names));
    ck_assert_str_eq(md_names_join(names, " ", kit_pool), "md.json");
}
END_TEST

START_TEST(a_rename_does_not_replace_a_domain)
{
    store = tree_open(-1);
    tree_write("domains/a.org/md.json", "a");
    tree_write("domains/b.org/md.json", "b");
    CHECK_FAILS(md_store_rename(store, MD_GROUP_DOMAINS, "a.org", "b.org", kit_pool), MD_FAULT_LOCAL,
                "cannot rename a.org to");
    ck_assert_str_eq(tree_read("domains/b.org/md.json"), "b");
}
END_TEST

START_TEST(whatever_is_there_is_set_aside)
{
    store = tree_open(-1);
    tree_write("staging/example.org/x", "");
    ck_assert_int_eq(symlink("/etc/passwd", path_of("staging/example.org/job.json")), 0);
    md_store_set_aside(store, JOB, "is a link", kit_pool);
    ck_assert_ptr_nonnull(strstr(tree_text("staging"), "staging/example.org/job.json.bad\n"));
    ck_assert_ptr_null(strstr(tree_text("staging"), "staging/example.org/job.json\n"));
}
END_TEST

START_TEST(paths_are_absolute)
{
    store = tree_open(-1);
    ck_assert_str_eq(md_store_path(store, KEY, kit_pool), path_of("domains/example.org/privkey.pem"));
    ck_assert_str_eq(md_store_path(store, MD_PLACE(MD_GROUP_ROOT, NULL, "httpd.json"), kit_pool),
                     path_of("httpd.json"));
}
END_TEST

START_TEST(a_linked_domain_is_not_followed)
{
    md_bytes value;

    store = tree_open(-1);
    tree_write("domains/example.org/job.json", "mine");
    ck_assert_int_eq(symlink("../domains/example.org", path_of("staging/example.org")), 0);
    CHECK_FAILS(md_store_load(store, JOB, kit_pool, &value), MD_FAULT_LOCAL,
                "staging/example.org is not a folder");
    CHECK_FAILS(md_store_save_text(store, JOB, "x", kit_pool), MD_FAULT_LOCAL, "is not a folder");
    CHECK_OK(md_store_drop(store, MD_PLACE(MD_GROUP_STAGING, "example.org", NULL), kit_pool));
    ck_assert_str_eq(tree_read("domains/example.org/job.json"), "mine");
    CHECK_OK(md_store_save_text(store, JOB, "x", kit_pool));
}
END_TEST

START_TEST(every_operation_that_writes_reports_a_fault)
{
    static const int faults[] = { ENOSPC, EIO, EROFS };
    md_claim *claim;

    store = tree_open(-1);
    CHECK_OK(md_store_save_text(store, JOB, "old", kit_pool));
    tree_fail(1, 100000, faults[_i]);
    CHECK_FAILS(md_store_save_text(store, JOB, "new", kit_pool), MD_FAULT_LOCAL,
                path_of("staging/example.org/job.json"));
    CHECK_FAILS(md_store_drop(store, JOB, kit_pool), MD_FAULT_LOCAL, "cannot remove");
    CHECK_FAILS(md_store_drop(store, MD_PLACE(MD_GROUP_STAGING, "example.org", NULL), kit_pool),
                MD_FAULT_LOCAL, "remove");
    CHECK_FAILS(md_store_rename(store, MD_GROUP_STAGING, "example.org", "b", kit_pool), MD_FAULT_LOCAL,
                "cannot rename");
    CHECK_OK(md_store_claim(store, "renew/example.org", kit_pool, &claim));
    ck_assert_str_eq(tree_read("staging/example.org/job.json"), "old");
}
END_TEST

START_TEST(a_save_for_later_needs_no_disk)
{
    store = tree_open(-1);
    tree_fail(1, 0, 0);
    CHECK_OK(
        md_store_save_scratch(store, KEY, &(md_file){ .value = md_bytes_of("k"), .secret = 1 }, kit_pool));
    ck_assert_ptr_nonnull(strstr(tree_text("domains"), "-rw------- domains/example.org/privkey.pem"));
}
END_TEST

#define THREADS 4
#define ROUNDS  50

static void *save_often(void *data)
{
    apr_pool_t *p;

    apr_pool_create_unmanaged_ex(&p, NULL, NULL);
    for (int i = 0; i < ROUNDS; ++i) {
        const char *text = apr_psprintf(p, "{ \"by\": \"%s\", \"round\": %d }", (const char *)data, i);
        const char *seen;
        const md_err *err = md_store_save_text(store, JOB, text, p);

        if (!err)
            err = md_store_load_text(store, JOB, p, &seen);
        if (err || !seen || seen[strlen(seen) - 1] != '}')
            return NULL;
    }
    apr_pool_destroy(p);
    return data;
}

static void run_threads(void *(*work)(void *))
{
    static char names[THREADS][2] = { "a", "b", "c", "d" };
    pthread_t threads[THREADS];
    void *result;

    md_store_fs_fault = NULL; /* its counters know no threads */
    for (int i = 0; i < THREADS; ++i)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, names[i]), 0);
    for (int i = 0; i < THREADS; ++i) {
        pthread_join(threads[i], &result);
        ck_assert_ptr_eq(result, names[i]);
    }
}

START_TEST(threads_that_save_one_file_leave_a_whole_one)
{
    store = tree_open(-1);
    run_threads(save_often);
    ck_assert_str_eq(tree_text("staging"),
                     "drwxr-xr-x staging/example.org\n-rw-r--r-- staging/example.org/job.json\n");
}
END_TEST

Suite *suite_store_store_fs(void)
{
    Suite *suite = suite_create("store/store_fs");
    TCase *tcase = kit_case(suite, "on disk");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_new_store_looks_like_this);
    tcase_add_test(tcase, the_tree_is_the_one_that_administrators_know);
    tcase_add_test(tcase, groups_of_an_earlier_module_get_their_modes);
    tcase_add_test(tcase, the_secret_is_made_once);
    tcase_add_test(tcase, two_stores_have_two_secrets);
    KIT_ADD_ROWS(tcase, a_store_that_cannot_be_read_is_refused_and_kept, damaged);
    tcase_add_test(tcase, the_refusal_does_not_show_the_secret);
    tcase_add_test(tcase, a_store_that_cannot_be_made_is_a_failure);
    tcase_add_test(tcase, a_first_start_can_be_stopped_after_every_system_call);
    tcase_add_test(tcase, a_dry_run_makes_nothing);
    tcase_add_test(tcase, a_dry_run_reads_what_is_there);
    tcase = kit_case(suite, "operations");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, values_come_back_and_go);
    tcase_add_test(tcase, folders_are_listed_renamed_and_dropped);
    tcase_add_test(tcase, a_rename_does_not_replace_a_domain);
    tcase_add_test(tcase, whatever_is_there_is_set_aside);
    tcase_add_test(tcase, paths_are_absolute);
    tcase_add_test(tcase, a_linked_domain_is_not_followed);
    tcase_add_loop_test(tcase, every_operation_that_writes_reports_a_fault, 0, 3);
    tcase_add_test(tcase, a_save_for_later_needs_no_disk);
    tcase_add_test(tcase, threads_that_save_one_file_leave_a_whole_one);
    return suite;
}
