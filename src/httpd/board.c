/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An anonymous shared mapping. All members are lock-free atomics, so a process killed in the middle leaves
 * nothing locked.
 */
#include "httpd/board.h"

#include <errno.h>
#include <sys/mman.h>

_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2,
               "a lock in shared memory would outlive the process that held it");

/* The head has a place of its own, so that rows begin where any member may stand. */
#define HEAD_SIZE 64
_Static_assert(sizeof(md_board_head) <= HEAD_SIZE, "the rows begin behind the head");

static size_t size_of(const md_board *board)
{
    return HEAD_SIZE + (size_t)board->count * sizeof(md_board_row);
}

static apr_status_t unmap(void *data)
{
    const md_board *board = data;

    munmap(board->head, size_of(board));
    return APR_SUCCESS;
}

md_err *md_board_make(int count, apr_pool_t *p, md_board **out)
{
    md_board *board = apr_pcalloc(p, sizeof(*board));
    void *memory;

    *out = board;
    board->count = count;
    memory = mmap(NULL, size_of(board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return md_fail_status(p, errno, "no shared memory for %d managed domains", count);
    board->head = memory;
    board->rows = (md_board_row *)(void *)((char *)memory + HEAD_SIZE);
    apr_pool_cleanup_register(p, board, unmap, apr_pool_cleanup_null);
    return NULL;
}

void md_board_staged(md_board_row *row, apr_time_t now)
{
    atomic_store(&row->staged_at, now);
    atomic_fetch_add(&row->staged, 1);
}

void md_board_proved(md_board_row *row, md_proof proof, apr_time_t now)
{
    atomic_store(&row->proved_at, now);
    atomic_store(&row->proof, (unsigned)proof);
}

void md_board_progress(md_board_row *row, const md_progress *now)
{
    if (now->stage >= 0) {
        atomic_store(&row->since, now->since);
        atomic_store(&row->stage, (unsigned)now->stage);
    }
    if (now->changed)
        atomic_fetch_add(&row->changes, 1);
}

void md_board_glance(const md_board_row *row, md_glance *out)
{
    *out = (md_glance){ .changes = atomic_load(&row->changes),
                        .staged = atomic_load(&row->staged),
                        .promoted = atomic_load(&row->promoted),
                        .proof = atomic_load(&row->proof),
                        .stage = atomic_load(&row->stage),
                        .since = (apr_time_t)atomic_load(&row->since),
                        .staged_at = (apr_time_t)atomic_load(&row->staged_at),
                        .proved_at = (apr_time_t)atomic_load(&row->proved_at) };
}

void md_board_set_load(const md_board *board, const md_load *load)
{
    atomic_store(&board->head->in_progress, load->in_progress);
    atomic_store(&board->head->queued, load->queued);
    atomic_store(&board->head->next, load->next);
    atomic_store(&board->head->beat, load->beat);
}

void md_board_load(const md_board *board, md_load *out)
{
    *out = (md_load){ .in_progress = atomic_load(&board->head->in_progress),
                      .queued = atomic_load(&board->head->queued),
                      .next = (apr_time_t)atomic_load(&board->head->next),
                      .beat = (apr_time_t)atomic_load(&board->head->beat) };
}
