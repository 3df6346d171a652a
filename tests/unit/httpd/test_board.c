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

START_TEST(without_domains_there_is_an_empty_board)
{
    md_board *board;

    CHECK_OK(md_board_make(0, kit_pool, &board));
    ck_assert_int_eq(board->count, 0);
}
END_TEST

Suite *suite_httpd_board(void)
{
    Suite *suite = suite_create("httpd/board");
    TCase *tests = kit_case(suite, "board");

    tcase_add_test(tests, what_a_child_counts_is_seen_by_its_parent);
    tcase_add_test(tests, without_domains_there_is_an_empty_board);
    return suite;
}
