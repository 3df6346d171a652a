/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heap of due times.
 */
#include "jobs/heap.h"

#include "kit/kit.h"

enum { MANY = 1000 };

static md_heap heap;
static md_heap_item items[MANY];

static void make(void)
{
    md_heap_make(&heap, MANY);
    for (int i = 0; i < MANY; ++i)
        items[i] = (md_heap_item){ 0, 0 };
}

static void unmake(void)
{
    md_heap_free(&heap);
}

/** The same numbers each time, in no order, with some of them twice. */
static apr_time_t number(int i)
{
    return (apr_time_t)i * 7919 % 613;
}

static void check_order(int count)
{
    apr_time_t last = -1;

    for (int i = 0; i < count; ++i) {
        const md_heap_item *top = md_heap_pop(&heap);

        ck_assert_ptr_nonnull(top);
        ck_assert_int_ge(top->when, last);
        ck_assert_int_eq(top->place, 0);
        last = top->when;
    }
    ck_assert_ptr_null(md_heap_pop(&heap));
    ck_assert_ptr_null(md_heap_top(&heap));
}

START_TEST(the_earliest_comes_first)
{
    for (int i = 0; i < MANY; ++i)
        md_heap_push(&heap, &items[i], number(i));
    ck_assert_int_eq(md_heap_top(&heap)->when, 0);
    check_order(MANY);
}
END_TEST

START_TEST(an_item_in_the_middle_can_be_moved)
{
    for (int i = 0; i < MANY; ++i)
        md_heap_push(&heap, &items[i], number(i));
    for (int i = 0; i < MANY; i += 3)
        md_heap_move(&heap, &items[i], number(i + 5) * (i % 2 ? 1 : 3));
    md_heap_move(&heap, &items[500], -1);
    ck_assert_ptr_eq(md_heap_pop(&heap), &items[500]);
    check_order(MANY - 1);
}
END_TEST

START_TEST(items_come_and_go)
{
    for (int i = 0; i < MANY; ++i) {
        md_heap_push(&heap, &items[i], number(i));
        if (i % 2)
            ck_assert_ptr_nonnull(md_heap_pop(&heap));
    }
    check_order(MANY / 2);
}
END_TEST

Suite *suite_jobs_heap(void)
{
    Suite *suite = suite_create("jobs/heap");
    TCase *tcase = kit_case(suite, "heap");

    tcase_add_checked_fixture(tcase, make, unmake);
    tcase_add_test(tcase, the_earliest_comes_first);
    tcase_add_test(tcase, an_item_in_the_middle_can_be_moved);
    tcase_add_test(tcase, items_come_and_go);
    return suite;
}
