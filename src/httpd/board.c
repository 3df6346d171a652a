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

static apr_status_t unmap(void *data)
{
    const md_board *board = data;

    munmap(board->rows, (size_t)board->count * sizeof(md_board_row));
    return APR_SUCCESS;
}

md_err *md_board_make(int count, apr_pool_t *p, md_board **out)
{
    md_board *board = apr_pcalloc(p, sizeof(*board));
    void *memory;

    *out = board;
    if (!count)
        return NULL;
    memory = mmap(NULL, (size_t)count * sizeof(md_board_row), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return md_fail_status(p, errno, "no shared memory for %d managed domains", count);
    board->rows = memory;
    board->count = count;
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
