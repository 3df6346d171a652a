/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims: exclusive among threads and processes.
 */
#include "store/claims.h"

#include <apr_strings.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kit/kit.h"
#include "kit/tree.h"
#include "suites.h"

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

START_TEST(a_claim_is_exclusive_until_released)
{
    md_claim *first;
    md_claim *second;

    store = tree_open(-1);
    CHECK_OK(md_store_claim(store, "renew/example.org", kit_pool, &first));
    ck_assert_ptr_nonnull(first);
    CHECK_OK(md_store_claim(store, "renew/example.org", kit_pool, &second));
    ck_assert_ptr_null(second);
    CHECK_OK(md_store_claim(store, "renew/other.org", kit_pool, &second));
    ck_assert_ptr_nonnull(second);
    md_store_release(store, first);
    CHECK_OK(md_store_claim(store, "renew/example.org", kit_pool, &second));
    ck_assert_ptr_nonnull(second);
}
END_TEST

START_TEST(a_claim_ends_with_its_pool)
{
    apr_pool_t *pool;
    md_claim *claim;

    store = tree_open(-1);
    apr_pool_create(&pool, kit_pool);
    CHECK_OK(md_store_claim(store, "renew/example.org", pool, &claim));
    apr_pool_destroy(pool);
    CHECK_OK(md_store_claim(store, "renew/example.org", kit_pool, &claim));
    ck_assert_ptr_nonnull(claim);
}
END_TEST

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

static int claim_and_die(void)
{
    md_claim *claim;

    return md_store_claim(store, "renew/example.org", kit_pool, &claim) || !claim;
}

static int find_claimed(void)
{
    md_claim *claim;

    return md_store_claim(store, "renew/example.org", kit_pool, &claim) || claim;
}

START_TEST(a_claim_ends_with_its_process_and_holds_against_others)
{
    md_claim *claim;

    store = tree_open(-1);
    ck_assert_int_eq(in_process(claim_and_die), 0);
    CHECK_OK(md_store_claim(store, "renew/example.org", kit_pool, &claim));
    ck_assert_ptr_nonnull(claim);
    ck_assert_int_eq(in_process(find_claimed), 0);
}
END_TEST

START_TEST(long_names_can_be_claimed_and_stay_apart)
{
    char name[300];
    md_claim *first;
    md_claim *second;

    store = tree_open(-1);
    memset(name, 'a', sizeof name);
    name[299] = '\0';
    CHECK_OK(md_store_claim(store, name, kit_pool, &first));
    name[298] = 'b';
    CHECK_OK(md_store_claim(store, name, kit_pool, &second));
    ck_assert(first && second);
}
END_TEST

START_TEST(a_trap_in_place_of_a_lock_is_a_failure)
{
    md_claim *claim;

    store = tree_open(-1);
    ck_assert_int_eq(symlink("../md_store.json", path_of("claims/renew_example.org.lock")), 0);
    CHECK_FAILS(md_store_claim(store, "renew/example.org", kit_pool, &claim), MD_FAULT_LOCAL, "cannot claim");
}
END_TEST

#define THREADS 4
#define ROUNDS  50L

static atomic_int inside, entered;

static void *claim_often(void *data)
{
    apr_pool_t *p;
    md_claim *claim = NULL;

    apr_pool_create_unmanaged_ex(&p, NULL, NULL);
    for (int i = 0; i < ROUNDS;) {
        if (md_store_claim(store, "renew/example.org", p, &claim))
            return NULL;
        if (!claim)
            continue;
        ++i;
        if (inside++) /* somebody else is here */
            return NULL;
        ++entered;
        --inside;
        md_store_release(store, claim);
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

START_TEST(a_claim_keeps_threads_apart)
{
    store = tree_open(-1);
    run_threads(claim_often);
    ck_assert_int_eq(entered, THREADS * ROUNDS);
}
END_TEST

Suite *suite_store_claims(void)
{
    Suite *suite = suite_create("store/claims");
    TCase *tcase = kit_case(suite, "claims");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_claim_is_exclusive_until_released);
    tcase_add_test(tcase, a_claim_ends_with_its_pool);
    tcase_add_test(tcase, a_claim_ends_with_its_process_and_holds_against_others);
    tcase_add_test(tcase, long_names_can_be_claimed_and_stay_apart);
    tcase_add_test(tcase, a_trap_in_place_of_a_lock_is_a_failure);
    tcase_add_test(tcase, a_claim_keeps_threads_apart);
    return suite;
}
