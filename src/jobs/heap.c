/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The textbook's binary heap, with the root at 1.
 */
#include "jobs/heap.h"

#include <stdlib.h>

void md_heap_make(md_heap *heap, unsigned room)
{
    heap->items = calloc((size_t)room + 1, sizeof(md_heap_item *));
    if (!heap->items)
        abort();
    heap->count = 0;
    heap->room = room;
}

void md_heap_free(md_heap *heap)
{
    free(heap->items);
    heap->items = NULL;
}

md_heap_item *md_heap_top(const md_heap *heap)
{
    return heap->count ? heap->items[1] : NULL;
}

static void put(md_heap *heap, unsigned place, md_heap_item *item)
{
    heap->items[place] = item;
    item->place = place;
}

static void rise(md_heap *heap, unsigned place, md_heap_item *item)
{
    for (; place > 1 && item->when < heap->items[place / 2]->when; place /= 2)
        put(heap, place, heap->items[place / 2]);
    put(heap, place, item);
}

static unsigned earlier_child(const md_heap *heap, unsigned place)
{
    unsigned child = 2 * place;

    return child < heap->count && heap->items[child + 1]->when < heap->items[child]->when ? child + 1 : child;
}

static void sink(md_heap *heap, unsigned place, md_heap_item *item)
{
    while (2 * place <= heap->count) {
        unsigned child = earlier_child(heap, place);

        if (heap->items[child]->when >= item->when)
            break;
        put(heap, place, heap->items[child]);
        place = child;
    }
    put(heap, place, item);
}

void md_heap_push(md_heap *heap, md_heap_item *item, apr_time_t when)
{
    if (heap->count >= heap->room || item->place)
        abort();
    item->when = when;
    rise(heap, ++heap->count, item);
}

md_heap_item *md_heap_pop(md_heap *heap)
{
    md_heap_item *top = md_heap_top(heap), *last;

    if (!top)
        return NULL;
    last = heap->items[heap->count--];
    if (last != top)
        sink(heap, 1, last);
    top->place = 0;
    return top;
}

void md_heap_move(md_heap *heap, md_heap_item *item, apr_time_t when)
{
    apr_time_t before = item->when;

    item->when = when;
    if (when < before)
        rise(heap, item->place, item);
    else
        sink(heap, item->place, item);
}

void md_heap_shift(md_heap *heap, apr_interval_time_t earlier)
{
    for (unsigned place = 1; place <= heap->count; ++place)
        heap->items[place]->when -= earlier;
}
