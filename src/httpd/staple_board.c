/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row's count says which place was written last. A reader that finds another count after copying copies
 * again: the place may have been written over meanwhile. All that is shared is read and written atomically,
 * in words; what a hostile child wrote is copied within bounds, and read by clients alone.
 */
#include "httpd/staple_board.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "tls/ocsp.h"

enum { WORD = 8, ID_WORDS = 3, HEAD_WORDS = 246, WORDS = MD_OCSP_SIZE_MAX / WORD, TRIES = 4, PAGE = 4096 };
_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2,
               "a lock in shared memory would outlive the process that held it");

typedef atomic_ullong word;

/** One of the two places of a row, but for the end of a long response. */
typedef struct place {
    word size, until, id[ID_WORDS], head[HEAD_WORDS];
} place;

typedef struct row {
    union {
        struct {
            atomic_uint count; /* 0: nothing was put. Its lowest bit is the place that holds */
            atomic_uint age;
            place places[2];
        } first;
        char page[PAGE];
    } at;
    word tail[2][WORDS - HEAD_WORDS];
} row;

struct md_staple_board {
    row *rows;
    int count;            /* in private memory: nobody else can make us read beyond the rows */
    pthread_mutex_t lock; /* of the writers in this process */
    atomic_uint *age;     /* shared */
};

static apr_status_t unmake(void *data)
{
    md_staple_board *board = data;

    munmap(board->rows, (size_t)board->count * sizeof(row) + PAGE);
    pthread_mutex_destroy(&board->lock);
    return APR_SUCCESS;
}

md_err *md_staple_board_make(int rows, apr_pool_t *p, md_staple_board **out)
{
    md_staple_board *board = apr_pcalloc(p, sizeof(*board));
    void *memory = mmap(NULL, (size_t)rows * sizeof(row) + PAGE, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    _Static_assert(sizeof(((row *)0)->at) == PAGE, "what is short lies in one page");
    if (memory == MAP_FAILED)
        return md_fail_status(p, errno, "no shared memory for the OCSP responses of %d certificates", rows);
    board->rows = memory;
    board->count = rows;
    board->age = (atomic_uint *)(void *)(board->rows + rows);
    pthread_mutex_init(&board->lock, NULL);
    apr_pool_cleanup_register(p, board, unmake, apr_pool_cleanup_null);
    *out = board;
    return NULL;
}

/** The i-th word of a response. */
static word *word_at(row *in, unsigned which, size_t i)
{
    return i < HEAD_WORDS ? &in->at.first.places[which].head[i] : &in->tail[which][i - HEAD_WORDS];
}

/** Up to eight octets of a response. */
static unsigned long long octets_at(md_bytes response, size_t at)
{
    unsigned long long value = 0;

    memcpy(&value, response.data + at, response.size - at < WORD ? response.size - at : WORD);
    return value;
}

static void read_id(const void *id, unsigned long long into[ID_WORDS])
{
    memset(into, 0, ID_WORDS * WORD);
    memcpy(into, id, MD_STAPLE_ID);
}

static void fill(row *in, unsigned which, const void *id, md_bytes response, apr_time_t until)
{
    place *to = &in->at.first.places[which];
    unsigned long long words[ID_WORDS];

    read_id(id, words);
    for (int i = 0; i < ID_WORDS; ++i)
        atomic_store_explicit(&to->id[i], words[i], memory_order_relaxed);
    atomic_store_explicit(&to->size, response.size, memory_order_relaxed);
    atomic_store_explicit(&to->until, (unsigned long long)until, memory_order_relaxed);
    for (size_t at = 0; at < response.size; at += WORD)
        atomic_store_explicit(word_at(in, which, at / WORD), octets_at(response, at), memory_order_relaxed);
}

static int is_about(const place *from, const void *id)
{
    unsigned long long words[ID_WORDS];
    int same = 1;

    read_id(id, words);
    for (int i = 0; i < ID_WORDS; ++i)
        same &= atomic_load_explicit(&from->id[i], memory_order_relaxed) == words[i];
    return same;
}

/** Is this what the row has already? Then its pages need not be touched. */
static int is_known(row *in, const void *id, md_bytes response, apr_time_t until)
{
    const unsigned count = atomic_load(&in->at.first.count);
    const place *from = &in->at.first.places[count & 1];
    int same = count && is_about(from, id) && atomic_load(&from->size) == response.size &&
               (apr_time_t)atomic_load(&from->until) == until;

    for (size_t at = 0; same && at < response.size; at += WORD)
        same = atomic_load(word_at(in, count & 1, at / WORD)) == octets_at(response, at);
    return same;
}

void md_staple_board_put(md_staple_board *board, int index, const void *id, md_bytes response,
                         apr_time_t until)
{
    row *in = &board->rows[index];
    unsigned count;

    if (response.size > MD_OCSP_SIZE_MAX || is_known(in, id, response, until))
        return;
    pthread_mutex_lock(&board->lock);
    count = atomic_load(&in->at.first.count) + 1;
    if (!count)
        count = 2; /* zero is for rows without anything */
    atomic_thread_fence(memory_order_release);
    fill(in, count & 1, id, response, until);
    atomic_store_explicit(&in->at.first.count, count, memory_order_release);
    atomic_store(&in->at.first.age, atomic_fetch_add(board->age, 1) + 1);
    pthread_mutex_unlock(&board->lock);
}

static apr_size_t copy(row *in, unsigned which, const void *id, apr_time_t now, char *into)
{
    const place *from = &in->at.first.places[which];
    const apr_size_t size = (apr_size_t)atomic_load_explicit(&from->size, memory_order_relaxed);

    if (!is_about(from, id) || size > MD_OCSP_SIZE_MAX ||
        (apr_time_t)atomic_load_explicit(&from->until, memory_order_relaxed) <= now)
        return 0;
    for (size_t at = 0; at < size; at += WORD) {
        const unsigned long long value =
            atomic_load_explicit(word_at(in, which, at / WORD), memory_order_relaxed);

        memcpy(into + at, &value, size - at < WORD ? size - at : WORD);
    }
    return size;
}

apr_size_t md_staple_board_get(const md_staple_board *board, int index, const void *id, apr_time_t now,
                               void *into)
{
    row *in = &board->rows[index];

    for (int i = 0; i < TRIES; ++i) {
        const unsigned count = atomic_load_explicit(&in->at.first.count, memory_order_acquire);
        const apr_size_t size = count ? copy(in, count & 1, id, now, into) : 0;

        atomic_thread_fence(memory_order_acquire);
        if (atomic_load_explicit(&in->at.first.count, memory_order_relaxed) == count)
            return size;
    }
    return 0;
}

int md_staple_board_is(const md_staple_board *board, int index, const void *id)
{
    const row *in = &board->rows[index];
    const unsigned count = atomic_load(&in->at.first.count);

    return count && is_about(&in->at.first.places[count & 1], id);
}

unsigned md_staple_board_age(const md_staple_board *board, int index)
{
    return atomic_load(&board->rows[index].at.first.age);
}
