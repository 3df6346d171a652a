/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory shared by processes.
 */
#include "httpd/board.h"

#include <sys/wait.h>
#include <unistd.h>

#include "kit/kit.h"

START_TEST(what_a_child_counts_is_seen_by_its_parent)
{
    md_board *board;
    int status;
    pid_t child;

    CHECK_OK(md_board_make(3, kit_pool, &board));
    ck_assert_int_eq(board->count, 3);
    child = fork();
    if (!child) {
        md_board_staged(&board->rows[1], 42);
        md_board_proved(&board->rows[2], MD_PROOF_BAD, 43);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_uint_eq(atomic_load(&board->rows[0].staged), 0);
    ck_assert_uint_eq(atomic_load(&board->rows[1].staged), 1);
    ck_assert_int_eq(atomic_load(&board->rows[1].staged_at), 42);
    ck_assert_uint_eq(atomic_load(&board->rows[2].proof), MD_PROOF_BAD);
    ck_assert_int_eq(atomic_load(&board->rows[2].proved_at), 43);
}
END_TEST

START_TEST(a_glance_has_what_every_process_has_said)
{
    md_glance before, glance;
    md_board *board;

    CHECK_OK(md_board_make(2, kit_pool, &board));
    md_board_progress(&board->rows[1], &(md_progress){ .stage = 4, .since = 50, .changed = 1 });
    md_board_progress(&board->rows[1], &(md_progress){ .stage = -1, .changed = 1 }); /* of another kind */
    md_board_staged(&board->rows[1], 60);
    md_board_glance(&board->rows[0], &before);
    md_board_glance(&board->rows[1], &glance);
    ck_assert_uint_eq(before.stage + before.changes + before.staged, 0);
    ck_assert_uint_eq(glance.stage, 4);
    ck_assert_int_eq(glance.since, 50);
    ck_assert_uint_eq(glance.changes, 2);
    ck_assert_uint_eq(glance.staged, 1);
    ck_assert_int_eq(glance.staged_at, 60);
}
END_TEST

/* with domains, and with staples alone */
static const int domains[] = { 1, 0 };

START_TEST(the_engine_says_how_busy_it_is)
{
    const md_load said = { .in_progress = 3, .queued = 4, .next = 5, .beat = 6 };
    md_load load;
    md_board *board;

    CHECK_OK(md_board_make(domains[_i], kit_pool, &board));
    ck_assert_int_eq(board->count, domains[_i]);
    md_board_set_load(board, &said);
    md_board_load(board, &load);
    ck_assert_uint_eq(load.in_progress, 3);
    ck_assert_uint_eq(load.queued, 4);
    ck_assert_int_eq(load.next, 5);
    ck_assert_int_eq(load.beat, 6);
}
END_TEST

Suite *suite_httpd_board(void)
{
    Suite *suite = suite_create("httpd/board");
    TCase *tests = kit_case(suite, "board");

    tcase_add_test(tests, what_a_child_counts_is_seen_by_its_parent);
    tcase_add_test(tests, a_glance_has_what_every_process_has_said);
    KIT_ADD_ROWS(tests, the_engine_says_how_busy_it_is, domains);
    return suite;
}
