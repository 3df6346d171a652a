/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Responses in shared memory: whole ones or none, in any process, while they are replaced.
 */
#include "httpd/staple_board.h"

#include <apr_strings.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kit/fake_clock.h"
#include "kit/kit.h"
#include "tls/ocsp.h"

#define ID_A  "aaaaaaaaaaaaaaaaaaaa"
#define ID_B  "bbbbbbbbbbbbbbbbbbbb"
#define UNTIL (FAKE_NOW + apr_time_from_sec(60))

enum { ROUNDS = 20000, READERS = 3 };

static md_staple_board *board;
static char got[MD_OCSP_SIZE_MAX];

static void set_up(void)
{
    CHECK_OK(md_staple_board_make(4, kit_pool, &board));
}

static md_bytes text_of(char c, apr_size_t size)
{
    char *text = apr_palloc(kit_pool, size + 1);

    memset(text, c, size);
    return (md_bytes){ text, size };
}

/** Does row 1 have this text for A? */
static int has(md_bytes text)
{
    return md_staple_board_get(board, 1, ID_A, FAKE_NOW, got) == text.size &&
           !memcmp(got, text.data, text.size);
}

START_TEST(an_empty_row_has_nothing)
{
    ck_assert_uint_eq(md_staple_board_get(board, 1, ID_A, FAKE_NOW, got), 0);
    ck_assert(!md_staple_board_is(board, 1, ID_A));
    ck_assert_uint_eq(md_staple_board_age(board, 1), 0);
}
END_TEST

static const apr_size_t sizes[] = {
    1, 7, 8, 9, 1967, 1968, 1969, 4000, MD_OCSP_SIZE_MAX - 1, MD_OCSP_SIZE_MAX
};

START_TEST(responses_of_all_sizes_come_back)
{
    const md_bytes first = text_of('1', sizes[_i]), second = text_of('2', sizes[_i]);

    md_staple_board_put(board, 1, ID_A, first, UNTIL);
    ck_assert(has(first));
    md_staple_board_put(board, 1, ID_A, second, UNTIL);
    ck_assert(has(second));
    ck_assert_uint_eq(md_staple_board_get(board, 0, ID_A, FAKE_NOW, got), 0);
    ck_assert_uint_eq(md_staple_board_get(board, 2, ID_A, FAKE_NOW, got), 0);
}
END_TEST

START_TEST(what_is_too_long_is_not_taken)
{
    const md_bytes first = text_of('1', 10);

    md_staple_board_put(board, 1, ID_A, first, UNTIL);
    md_staple_board_put(board, 1, ID_A, text_of('2', MD_OCSP_SIZE_MAX + 1), UNTIL);
    ck_assert(has(first));
}
END_TEST

START_TEST(what_has_expired_is_not_given_out)
{
    md_staple_board_put(board, 1, ID_A, text_of('1', 10), FAKE_NOW);
    ck_assert_uint_eq(md_staple_board_get(board, 1, ID_A, FAKE_NOW, got), 0);
    ck_assert_uint_eq(md_staple_board_get(board, 1, ID_A, FAKE_NOW - 1, got), 10);
}
END_TEST

START_TEST(a_row_speaks_of_one_certificate)
{
    md_staple_board_put(board, 1, ID_A, text_of('1', 10), UNTIL);
    ck_assert(md_staple_board_is(board, 1, ID_A) && !md_staple_board_is(board, 1, ID_B));
    md_staple_board_put(board, 1, ID_B, text_of('2', 10), UNTIL);
    ck_assert_uint_eq(md_staple_board_get(board, 1, ID_A, FAKE_NOW, got), 0);
    ck_assert_uint_eq(md_staple_board_get(board, 1, ID_B, FAKE_NOW, got), 10);
}
END_TEST

START_TEST(what_is_there_already_is_not_written_again)
{
    unsigned age;

    md_staple_board_put(board, 1, ID_A, text_of('1', 10), UNTIL);
    age = md_staple_board_age(board, 1);
    md_staple_board_put(board, 1, ID_A, text_of('1', 10), UNTIL);
    ck_assert_uint_eq(md_staple_board_age(board, 1), age);
    md_staple_board_put(board, 1, ID_A, text_of('1', 10), UNTIL + 1);
    ck_assert_uint_gt(md_staple_board_age(board, 1), age);
}
END_TEST

START_TEST(rows_know_which_is_older)
{
    md_staple_board_put(board, 2, ID_A, text_of('1', 10), UNTIL);
    md_staple_board_put(board, 1, ID_B, text_of('1', 10), UNTIL);
    ck_assert_uint_lt(md_staple_board_age(board, 2), md_staple_board_age(board, 1));
    ck_assert_uint_lt(md_staple_board_age(board, 3), md_staple_board_age(board, 2));
}
END_TEST

START_TEST(other_processes_see_what_is_put)
{
    const md_bytes text = text_of('1', 3000);
    const pid_t child = fork();
    int status = -1;

    if (!child) {
        md_staple_board_put(board, 1, ID_A, text, UNTIL);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(has(text));
}
END_TEST

static atomic_int ended, torn, seen;

/** Reads until the writer has ended: each response must be of one letter. */
static void *read_on(void *data)
{
    char into[MD_OCSP_SIZE_MAX];

    (void)data;
    while (!atomic_load(&ended)) {
        const apr_size_t size = md_staple_board_get(board, 1, ID_A, FAKE_NOW, into);

        for (apr_size_t i = 1; i < size; ++i)
            atomic_fetch_or(&torn, into[i] != into[0]);
        atomic_fetch_or(&seen, size > 0);
    }
    return NULL;
}

static void write_on(const md_bytes *texts)
{
    for (int i = 0; i < ROUNDS || !atomic_load(&seen); ++i)
        md_staple_board_put(board, 1, ID_A, texts[i % 2], UNTIL);
    atomic_store(&ended, 1);
}

START_TEST(readers_never_see_halves)
{
    const md_bytes texts[] = { text_of('x', 25), text_of('y', 3000) };
    pthread_t readers[READERS];

    for (int i = 0; i < READERS; ++i)
        pthread_create(&readers[i], NULL, read_on, NULL);
    write_on(texts);
    for (int i = 0; i < READERS; ++i)
        pthread_join(readers[i], NULL);
    ck_assert(!atomic_load(&torn));
    ck_assert(atomic_load(&seen));
}
END_TEST

Suite *suite_httpd_staple_board(void)
{
    Suite *suite = suite_create("httpd/staple_board");
    TCase *tcase = kit_case(suite, "rows");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, an_empty_row_has_nothing);
    KIT_ADD_ROWS(tcase, responses_of_all_sizes_come_back, sizes);
    tcase_add_test(tcase, what_is_too_long_is_not_taken);
    tcase_add_test(tcase, what_has_expired_is_not_given_out);
    tcase_add_test(tcase, a_row_speaks_of_one_certificate);
    tcase_add_test(tcase, what_is_there_already_is_not_written_again);
    tcase_add_test(tcase, rows_know_which_is_older);
    tcase_add_test(tcase, other_processes_see_what_is_put);
    tcase_add_test(tcase, readers_never_see_halves);
    return suite;
}
