/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who owns what: root and the unprivileged children of a server in one store.
 */
#include "store/group.h"

#include <apr_strings.h>
#include <grp.h>
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

static const char *path_of(const char *file)
{
    return apr_pstrcat(kit_pool, tree_base, "/", file, NULL);
}

/* Runs `work` in another process; its result, or -1 if it did not end by itself. */
static int in_process(int (*work)(void))
{
    int status;
    const pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (!child)
        _exit(work());
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int owner_of(const char *file)
{
    struct stat info;

    return lstat(path_of(file), &info) ? -1 : (int)info.st_uid;
}

/* Folders that children write belong to them; nobody else's do. */
static void expect_owners(int children)
{
    ck_assert_int_eq(owner_of("staging"), children);
    ck_assert_int_eq(owner_of("challenges"), children);
    ck_assert_int_eq(owner_of("ocsp"), children);
    ck_assert_int_eq(owner_of("claims"), children);
    ck_assert_int_eq(owner_of("accounts"), (int)geteuid());
    ck_assert_int_eq(owner_of("domains"), (int)geteuid());
    ck_assert_int_eq(owner_of("live"), (int)geteuid());
    ck_assert_int_eq(owner_of("md_store.json"), (int)geteuid());
}

START_TEST(children_own_what_they_write)
{
    const int children = geteuid() ? (int)geteuid() : NOBODY;

    store = tree_open(NOBODY);
    expect_owners(children);
    CHECK_OK(md_store_save_text(store, JOB, "{}", kit_pool));
    ck_assert_int_eq(owner_of("staging/example.org"), children);
    ck_assert_int_eq(owner_of("staging/example.org/job.json"), (int)geteuid());
    CHECK_OK(md_store_save_text(store, KEY, "k", kit_pool));
    ck_assert_int_eq(owner_of("domains/example.org"), (int)geteuid());
}
END_TEST

START_TEST(a_program_that_does_not_know_the_user_keeps_the_owners)
{
    store = tree_open(NOBODY);
    store = tree_open(-1);
    expect_owners(geteuid() ? (int)geteuid() : NOBODY);
    CHECK_OK(md_store_save_text(store, JOB, "{}", kit_pool));
    ck_assert_int_eq(owner_of("staging/example.org"), geteuid() ? (int)geteuid() : NOBODY);
}
END_TEST

static void become_nobody(void)
{
    const int failed = !geteuid() && (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY));

    if (failed)
        _exit(100);
}

/* The number of the first expectation that is not met. */
static int work_as_child(void)
{
    md_claim *claim;
    md_bytes value;

    become_nobody();
    if (md_store_load(store, JOB, kit_pool, &value) || !value.data)
        return 1;
    if (md_store_save_text(store, JOB, "{ }", kit_pool))
        return 2;
    if (md_store_save_text(store, MD_PLACE(MD_GROUP_CHALLENGES, "a.org", "acme-http-01.txt"), "x", kit_pool))
        return 3;
    if (md_store_load(store, MD_PLACE(MD_GROUP_ACCOUNTS, "ACME-ca-0000", "account.pem"), kit_pool, &value) ||
        !value.data)
        return 4;
    if (md_store_claim(store, "renew/example.org", kit_pool, &claim) || !claim)
        return 5;
    if (md_store_claim(store, "promote/example.org", kit_pool, &claim) || !claim)
        return 6; /* root's lock file */
    return md_store_drop(store, MD_PLACE(MD_GROUP_STAGING, "example.org", NULL), kit_pool) ? 7 : 0;
}

static int try_as_child(void)
{
    md_bytes value;
    const md_err *err;

    become_nobody();
    if (geteuid() != NOBODY)
        return 0; /* without root all belongs to one user */
    err = md_store_load(store, KEY, kit_pool, &value);
    if (!err || !strstr(md_err_text(err, kit_pool), "domains belongs to root and has mode 0700"))
        return 1;
    if (!md_store_save_text(store, KEY, "x", kit_pool))
        return 2;
    if (!md_store_load(store, MD_PLACE(MD_GROUP_ROOT, NULL, "md_store.json"), kit_pool, &value))
        return 3;
    err = md_store_save_text(store, MD_PLACE(MD_GROUP_ACCOUNTS, "a", "account.json"), "x", kit_pool);
    if (!err || !strstr(md_err_text(err, kit_pool), "accounts belongs to root"))
        return 4;
    return md_store_drop(store, MD_PLACE(MD_GROUP_DOMAINS, "example.org", NULL), kit_pool) ? 0 : 5;
}

static void fill_as_root(void)
{
    md_claim *claim;

    store = tree_open(NOBODY);
    CHECK_OK(md_store_save_secret(store, KEY, md_bytes_of("k"), kit_pool));
    CHECK_OK(md_store_save_text(store, JOB, "{}", kit_pool));
    CHECK_OK(
        md_store_save_text(store, MD_PLACE(MD_GROUP_ACCOUNTS, "ACME-ca-0000", "account.pem"), "x", kit_pool));
    umask(022); /* as servers have it */
    CHECK_OK(md_store_claim(store, "promote/example.org", kit_pool, &claim));
    md_store_release(store, claim);
}

START_TEST(a_child_can_do_its_work)
{
    fill_as_root();
    ck_assert_int_eq(in_process(work_as_child), 0);
}
END_TEST

START_TEST(a_child_cannot_touch_what_is_roots)
{
    fill_as_root();
    ck_assert_int_eq(in_process(try_as_child), 0);
    ck_assert_str_eq(tree_read("domains/example.org/privkey.pem"), "k");
}
END_TEST

Suite *suite_store_group(void)
{
    Suite *suite = suite_create("store/group");
    TCase *tcase = kit_case(suite, "owners");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, children_own_what_they_write);
    tcase_add_test(tcase, a_program_that_does_not_know_the_user_keeps_the_owners);
    tcase_add_test(tcase, a_child_can_do_its_work);
    tcase_add_test(tcase, a_child_cannot_touch_what_is_roots);
    return suite;
}
