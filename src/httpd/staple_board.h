/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Staples in memory that the parent and all its children share, made once per configuration. The child with
 * the engine puts a response there, and from then on a handshake in any child copies it: no lock, no file, no
 * system call. Each row has two places that are written by turns, so that readers always have a whole one and
 * a writer that dies in the middle spoils nothing.
 *
 * A row that nobody uses takes no memory, one with a usual response a page.
 */
#ifndef MD_HTTPD_STAPLE_BOARD_H
#define MD_HTTPD_STAPLE_BOARD_H

#include "base/when.h"

enum { MD_STAPLE_ID = 20 /* SHA-1 of the certificate */ };

typedef struct md_staple_board md_staple_board;

/** Made by the parent before it forks; gone with `p`. */
MD_MUST md_err *md_staple_board_make(int rows, apr_pool_t *p, md_staple_board **out);
/** At most MD_OCSP_SIZE_MAX bytes, longer ones are not taken. */
void md_staple_board_put(md_staple_board *board, int index, const void *id, md_bytes response,
                         apr_time_t until);
/** Copies the response for the certificate `id` and returns its size; 0: the row has none that is valid at
 * `now`. `into` has room for MD_OCSP_SIZE_MAX bytes. */
apr_size_t md_staple_board_get(const md_staple_board *board, int index, const void *id, apr_time_t now,
                               void *into);
/** Is the row about this certificate? */
int md_staple_board_is(const md_staple_board *board, int index, const void *id);
/** How often the board was put to when the row was, 0: it never was. Tells which of two rows is older. */
unsigned md_staple_board_age(const md_staple_board *board, int index);

#endif
