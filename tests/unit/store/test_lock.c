/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock of a store that several servers share.
 */
#include "store/lock.h"

#include <apr_strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kit/kit.h"
#include "kit/store_mem.h"
#include "kit/tree.h"

static md_store *store;

static void set_up(void)
{
    tree_begin();
    store = tree_open(-1);
}

/** Can another process have the lock now? */
static int is_free_for_others(void)
{
    int status = 0;
    pid_t other = fork();

    if (!other) {
        apr_file_t *lock;

        _exit(md_store_lock(store, 0, kit_pool, &lock) ? 1 : 0);
    }
    ck_assert_int_eq(waitpid(other, &status, 0), other);
    return WEXITSTATUS(status) == 0;
}

START_TEST(the_lock_keeps_other_servers_out_until_it_is_given_back)
{
    apr_file_t *lock;

    CHECK_OK(md_store_lock(store, 0, kit_pool, &lock));
    ck_assert(!is_free_for_others());
    md_store_unlock(lock);
    ck_assert(is_free_for_others());
}
END_TEST

START_TEST(who_waits_in_vain_is_told_where)
{
    apr_file_t *lock;
    int ready[2], done[2], status;
    char byte = 0;
    md_err *err;
    pid_t other;

    ck_assert_int_eq(pipe(ready) + pipe(done), 0);
    other = fork();
    if (!other) {
        err = md_store_lock(store, 0, kit_pool, &lock);
        _exit(err || write(ready[1], &byte, 1) != 1 || read(done[0], &byte, 1) != 1);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    err = md_store_lock(store, apr_time_from_msec(150), kit_pool, &lock);
    ck_assert_ptr_nonnull(err);
    ck_assert_str_eq(err->type, "md:locked");
    ck_assert_ptr_nonnull(strstr(err->detail, "store.lock locked for more than 150ms"));
    ck_assert_ptr_null(lock);
    ck_assert_int_eq(write(done[1], &byte, 1), 1);
    CHECK_OK(md_store_lock(store, apr_time_from_sec(10), kit_pool, &lock));
    ck_assert_int_eq(waitpid(other, &status, 0), other);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(only_the_owner_writes_the_lock_file)
{
    struct stat info;
    apr_file_t *lock;

    umask(022);
    CHECK_OK(md_store_lock(store, 0, kit_pool, &lock));
    ck_assert_int_eq(stat(apr_pstrcat(kit_pool, tree_base, "/store.lock", NULL), &info), 0);
    ck_assert_int_eq((int)info.st_mode & 0777, 0640);
}
END_TEST

START_TEST(a_store_without_files_has_no_lock)
{
    apr_file_t *lock;

    CHECK_OK(md_store_lock(store_mem_open(kit_pool), 0, kit_pool, &lock));
    ck_assert_ptr_null(lock);
    md_store_unlock(lock);
}
END_TEST

/** In another process: who occupies the store, and who would be in the way of occupying it. */
static void ask_elsewhere(long *occupant, long *in_the_way)
{
    long answers[2];
    int way[2], status;
    pid_t other;

    ck_assert_int_eq(pipe(way), 0);
    other = fork();
    if (!other) {
        answers[0] = md_store_occupant(store, kit_pool);
        if (md_store_occupy(store, kit_pool, &answers[1]))
            _exit(1);
        _exit(write(way[1], answers, sizeof(answers)) != sizeof(answers));
    }
    ck_assert_int_eq(waitpid(other, &status, 0), other);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(read(way[0], answers, sizeof(answers)), sizeof(answers));
    *occupant = answers[0];
    *in_the_way = answers[1];
}

START_TEST(others_see_which_server_runs_until_it_ends)
{
    apr_pool_t *server;
    long occupant, in_the_way;

    apr_pool_create(&server, kit_pool);
    ask_elsewhere(&occupant, &in_the_way);
    ck_assert(occupant == 0 && in_the_way == 0);
    CHECK_OK(md_store_occupy(store, server, &occupant));
    ck_assert_int_eq(occupant, 0);
    ask_elsewhere(&occupant, &in_the_way);
    ck_assert(occupant == getpid() && in_the_way == getpid());
    apr_pool_destroy(server);
    ask_elsewhere(&occupant, &in_the_way);
    ck_assert(occupant == 0 && in_the_way == 0);
}
END_TEST

Suite *suite_store_lock(void)
{
    Suite *suite = suite_create("store/lock");
    TCase *tcase = kit_case(suite, "lock");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, the_lock_keeps_other_servers_out_until_it_is_given_back);
    tcase_add_test(tcase, who_waits_in_vain_is_told_where);
    tcase_add_test(tcase, only_the_owner_writes_the_lock_file);
    tcase_add_test(tcase, others_see_which_server_runs_until_it_ends);
    tcase_add_test(tcase, a_store_without_files_has_no_lock);
    return suite;
}
