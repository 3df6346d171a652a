/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Levels and one sink. The core writes here; an adapter (httpd, the command line, a test) decides where
 * lines go. A line may carry the number of a log id (10059 prints as "AH10059: ").
 */
#ifndef MD_BASE_LOG_H
#define MD_BASE_LOG_H

#include "base/err.h"

typedef enum md_level {
    MD_LOG_CRIT = 2, /* values are those of syslog and httpd */
    MD_LOG_ERROR,
    MD_LOG_WARN,
    MD_LOG_NOTICE,
    MD_LOG_INFO,
    MD_LOG_DEBUG,
    MD_LOG_TRACE1
} md_level;

/** Takes one finished line. `id` is 0 or the number behind "AH". Called from any thread. */
typedef void md_log_sink(void *self, md_level level, int id, const char *line);
/** Whether a line of this level would be written; lets callers skip the formatting. */
typedef int md_log_wants(void *self, md_level level);

/** Sets the sink for the process; a NULL sink discards everything, a NULL `wants` wants all levels. Not
 *  thread safe: call before threads start. */
void md_log_to(md_log_sink *sink, md_log_wants *wants, void *self);

int md_log_enabled(md_level level);

/** Formats and writes a line of at most 8 KiB. Control characters and octets that are not UTF-8 are escaped
 *  as \xNN, so outside text cannot forge lines. */
void md_log(md_level level, int id, const char *fmt, ...) MD_PRINTF(3, 4);

/** What a reported failure is about; each may be NULL. */
typedef struct md_log_story {
    const char *md_name;  /* the domain */
    const char *activity; /* what was tried, as in "checking the challenge" */
    const md_err *err;    /* may be a type alone, of a story that was told before */
} md_log_story;

/** Formats a line that reports a failure in the parts other tools match, in this order, absent ones left
 *  out: "<text> md[name] while[activity] problem[type] detail[story] subproblems[json]". */
void md_log_tell(md_level level, int id, const md_log_story *story, const char *fmt, ...) MD_PRINTF(4, 5);

/** md_log_tell() with the members of the story written out: the format and its arguments come last. */
#define md_log_err(level, id, md_name, activity, err, ...) \
    md_log_tell(level, id, &(md_log_story){ md_name, activity, err }, __VA_ARGS__)

#endif
