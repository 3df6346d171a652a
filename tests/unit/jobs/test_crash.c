/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crash matrix: a renewal whose process dies at every change of the store and at every request - before
 * the CA saw it, and before its answer came - and whose every call of the store fails once. The next process
 * always brings the certificate, with one account, at most one order to spare, and with the keys that were
 * certified.
 */
#include "jobs/activate.h"
#include "kit/kit.h"
#include "kit/renewing.h"

#define AN_HOUR apr_time_from_sec(3600)

enum { ENOUGH = 400 /* more than any renewal needs */ };

static const struct {
    const char *names, *keys;
    int specs;
} worlds[] = {
    { "example.org", "P-256", 1 },
    { "example.org www.example.org", "P-256 P-384", 2 },
};
enum { WORLDS = sizeof(worlds) / sizeof(worlds[0]) };

/* Of the calls of the store that could fail, every n-th does: all of them in the first world, the others are
 * much alike. */
static const int strides[] = { 1, 5 };

/** What must be true in the end, however often the process died. */
static void check_end(renewing *r, int specs, const char *how, int at)
{
    ck_assert_msg(renewing_is_staged(r), "%s %d: no certificate; log:\n%s\nCA:\n%s", how, at, renewing_log(r),
                  fake_ca_log(r->ca, r->p));
    ck_assert_msg(renewing_job(r)->finished, "%s %d: the record does not say finished", how, at);
    ck_assert_msg(r->ca->accounts == 1, "%s %d: %d accounts", how, at, r->ca->accounts);
    ck_assert_msg(r->ca->orders <= specs + 1, "%s %d: %d orders for %d certificates", how, at, r->ca->orders,
                  specs);
    ck_assert_msg(r->ca->finalized == specs, "%s %d: %d certificates were made for %d", how, at,
                  r->ca->finalized, specs);
    ck_assert_msg(!renewing_file(r, "order.json"), "%s %d: an order is left", how, at);
}

static renewing *make(int world, apr_pool_t *p)
{
    renewing *r = renewing_make(worlds[world].names, worlds[world].keys, p);

    r->ca->authz_polls = 1;
    r->ca->order_polls = 1;
    return r;
}

/** One cell of the matrix. False: the process was done before it could die. */
static int die_once(renewing *r, int specs, const char *how, int at)
{
    int died;

    renewing_run(r, AN_HOUR);
    died = renewing_is_dead(r);
    renewing_restart(r);
    renewing_run(r, AN_HOUR);
    check_end(r, specs, how, at);
    ck_assert_msg(!strstr(store_mem_tree(r->store, r->p), "challenges/"), "%s %d: an answer is left:\n%s",
                  how, at, store_mem_tree(r->store, r->p));
    return died;
}

START_TEST(killed_after_any_change_of_the_store_it_goes_on)
{
    for (int at = 0, died = 1; died; ++at) {
        apr_pool_t *p;
        renewing *r;

        apr_pool_create(&p, kit_pool);
        r = make(_i, p);
        renewing_die_after_changes(r, at);
        died = die_once(r, worlds[_i].specs, "killed after change", at);
        apr_pool_destroy(p);
        ck_assert_int_lt(at, ENOUGH);
    }
}
END_TEST

static void kill_at_requests(int world, int ca_saw_it)
{
    for (int at = 1, died = 1; died; ++at) {
        apr_pool_t *p;
        renewing *r;

        apr_pool_create(&p, kit_pool);
        r = make(world, p);
        renewing_die_at_request(r, at, ca_saw_it);
        died = die_once(r, worlds[world].specs,
                        ca_saw_it ? "killed before the answer of request" : "killed at request", at);
        apr_pool_destroy(p);
        ck_assert_int_lt(at, ENOUGH);
    }
}

START_TEST(killed_before_the_ca_saw_any_request_it_goes_on)
{
    kill_at_requests(_i, 0);
}
END_TEST

START_TEST(killed_before_any_answer_came_it_goes_on)
{
    kill_at_requests(_i, 1);
}
END_TEST

START_TEST(killed_again_and_again_it_arrives)
{
    renewing *r = make(_i, kit_pool);

    for (int life = 0; life < ENOUGH && !renewing_is_staged(r); ++life) {
        renewing_die_after_changes(
            r, 1 + life / 8); /* each process gets a little further than those before it */
        renewing_run(r, AN_HOUR);
        renewing_restart(r);
    }
    renewing_run(r, AN_HOUR);
    ck_assert(renewing_is_staged(r));
    ck_assert_int_eq(r->ca->accounts, 1);
    ck_assert_int_eq(r->ca->finalized, worlds[_i].specs);
}
END_TEST

START_TEST(any_call_of_the_store_may_fail_once)
{
    for (int at = 1, calls = at; at <= calls; at += strides[_i]) {
        apr_pool_t *p;
        renewing *r;

        apr_pool_create(&p, kit_pool);
        r = make(_i, p);
        store_mem_fail_at(r->store, at);
        renewing_run(r, 3 * 24 * AN_HOUR);
        calls = store_mem_calls(r->store);
        renewing_restart(r);
        check_end(r, worlds[_i].specs, "failed call", at);
        apr_pool_destroy(p);
    }
}
END_TEST

Suite *suite_jobs_crash(void)
{
    Suite *suite = suite_create("jobs/crash");
    TCase *tcase = kit_case(suite, "crash");

    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, killed_after_any_change_of_the_store_it_goes_on, 0, WORLDS);
    tcase_add_loop_test(tcase, killed_before_the_ca_saw_any_request_it_goes_on, 0, WORLDS);
    tcase_add_loop_test(tcase, killed_before_any_answer_came_it_goes_on, 0, WORLDS);
    tcase_add_loop_test(tcase, killed_again_and_again_it_arrives, 0, WORLDS);
    tcase_add_loop_test(tcase, any_call_of_the_store_may_fail_once, 0, WORLDS);
    return suite;
}
