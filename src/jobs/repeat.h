/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A failure that repeats is told at full length once a day, and shortly in between (pure). What was told is
 * remembered in memory alone: after a restart everything is told again.
 */
#ifndef MD_JOBS_REPEAT_H
#define MD_JOBS_REPEAT_H

#include "base/err.h"

/** What was told last; all members 0: nothing. */
typedef struct md_repeat {
    unsigned long what; /* a digest of the failure */
    int times;          /* this one, in a row */
    apr_time_t in_full; /* when it was told at full length */
} md_repeat;

/**
 * Counts a failure of `activity`. True when it is to be told at full length: it is another one than before,
 * or that was a day ago. Failures are the same when activity, type and text are. Numbers of more than
 * three digits, and what follows the host in a URL, do not count: orders and attempts differ in them.
 */
int md_repeat_in_full(md_repeat *told, const char *activity, const md_err *err, apr_time_t now);

/** "2nd", "11th", "23rd". */
const char *md_repeat_ordinal(int number, apr_pool_t *p);

#endif
