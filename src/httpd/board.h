/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The board: memory that the parent and all its children share, one row per domain, made once per
 * configuration. The child with the engine counts there what it brought to STAGING, the parent what it moved
 * on, and a handshake in any child sees by one comparison whether there is something newer than it knows. A
 * row tells where to look, never what is true: whoever acts on one looks at the store first, so a hostile
 * child gains nothing by writing here.
 */
#ifndef MD_HTTPD_BOARD_H
#define MD_HTTPD_BOARD_H

#include <stdatomic.h>
#include "jobs/core.h"

typedef struct md_board_row {
    atomic_uint staged;     /* counts complete sets brought to STAGING */
    atomic_uint promoted;   /* the value of `staged` that the parent has dealt with: equal, nothing waits */
    atomic_uint account;    /* counts accounts brought to STAGING */
    atomic_uint proof;      /* md_proof: what the handshake with ourselves showed last */
    atomic_llong staged_at; /* apr_time_t, when `staged` was counted last */
    atomic_llong proved_at; /* apr_time_t, of `proof` */
    atomic_uint changes;    /* counts what was saved of the domain's jobs */
    atomic_uint stage;      /* where its renewal stands, see md_glance */
    atomic_llong since;     /* apr_time_t, of `stage` */
} md_board_row;

/** What is said once for all domains. */
typedef struct md_board_head {
    atomic_uint in_progress, queued; /* see md_load */
    atomic_llong next, beat;         /* apr_time_t */
} md_board_head;

typedef struct md_board {
    md_board_head *head; /* in shared memory, as rows are */
    md_board_row *rows;  /* by md_domain.index; in shared memory */
    int count;           /* in private memory: nobody else can make us read beyond the rows */
} md_board;

/** Made by the parent before it forks; gone with `p`. Without domains it has a head only. */
MD_MUST md_err *md_board_make(int count, apr_pool_t *p, md_board **out);

/** Notes that a complete set of the domain waits in STAGING. */
void md_board_staged(md_board_row *row, apr_time_t now);
/** Notes what a handshake with ourselves showed. */
void md_board_proved(md_board_row *row, md_proof proof, apr_time_t now);
/** Notes where the domain's renewal stands, and whether something of the domain in the store is another now.
 */
void md_board_progress(md_board_row *row, const md_progress *now);
/** What a row says, for status. */
void md_board_glance(const md_board_row *row, md_glance *out);

/** Notes what the engine is busy with, and reads it; it may have only staples to look after. */
void md_board_set_load(const md_board *board, const md_load *load);
void md_board_load(const md_board *board, md_load *out);

#endif
