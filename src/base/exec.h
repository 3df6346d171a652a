/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs an operator's command: argument vector, no shell, no PATH search, bounded time. Standard error is
 * read line by line into the log (info), its last words are kept for the failure.
 */
#ifndef MD_BASE_EXEC_H
#define MD_BASE_EXEC_H

#include <stdatomic.h>

#include "base/text.h"

typedef struct md_exec_result {
    int exit_code;          /* 0..127, as the program returned it */
    const char *last_words; /* last line of standard error, or "" */
} md_exec_result;

/** Programs that may run at once. */
typedef struct md_exec_turns {
    int most;
    atomic_int running;
} md_exec_turns;

typedef struct md_exec_limits {
    apr_interval_time_t timeout;
    const atomic_int *cancelled;  /* non-zero ends it within a tenth of a second; may be NULL */
    md_exec_turns *turns;         /* NULL: any number may run */
    apr_interval_time_t patience; /* how long to wait for a turn */
} md_exec_limits;

/** Counts as one more program at work, for what takes as long as one; "md:busy" if there are too many. What
 * was entered is left again. */
MD_MUST md_err *md_exec_enter(const md_exec_limits *limits, apr_pool_t *p);
void md_exec_leave(const md_exec_limits *limits);

/* What a program of the operator gets, where nobody says otherwise. */
#define MD_EXEC_TIMEOUT apr_time_from_sec(120)

/** Splits a command line with shell-like quoting (blanks, '..', "..", backslash). */
MD_MUST md_err *md_command_words(const char *command, apr_pool_t *p, md_names **out);

/**
 * Runs argv[0] with its arguments, inherits the environment, no standard input, waits within the limits,
 * then kills its process group ("md:cancelled" when that was wanted). Without a turn: "md:busy". A program
 * that cannot be started, was killed or exits above 127 is a failure (MD_FAULT_LOCAL, "md:command"); other
 * exit codes are the caller's to judge.
 */
MD_MUST md_err *md_exec(const md_names *argv, const md_exec_limits *limits, apr_pool_t *p,
                        md_exec_result *out);

#endif
