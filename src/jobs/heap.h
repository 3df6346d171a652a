/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A binary heap of items by time, the earliest on top. An item knows its place, so that one in the middle can
 * be moved.
 */
#ifndef MD_JOBS_HEAP_H
#define MD_JOBS_HEAP_H

#include <apr_time.h>

typedef struct md_heap_item {
    apr_time_t when;
    unsigned place; /* of the heap: 0 while in none */
} md_heap_item;

typedef struct md_heap {
    md_heap_item **items; /* from 1 */
    unsigned count, room;
} md_heap;

/** Room for `room` items, on the C heap; freed by md_heap_free. */
void md_heap_make(md_heap *heap, unsigned room);
void md_heap_free(md_heap *heap);
/** The earliest, or NULL. */
md_heap_item *md_heap_top(const md_heap *heap);
/** The item must be in no heap, and there must be room. */
void md_heap_push(md_heap *heap, md_heap_item *item, apr_time_t when);
/** Takes the earliest out; NULL when empty. */
md_heap_item *md_heap_pop(md_heap *heap);
/** Makes all times earlier by so much, which keeps their order. */
void md_heap_shift(md_heap *heap, apr_interval_time_t earlier);
/** Changes the time of an item that is in the heap. */
void md_heap_move(md_heap *heap, md_heap_item *item, apr_time_t when);

#endif
