/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time: a replaceable clock, periods, dates as HTTP and RFC 3339 write them, backoff with jitter.
 */
#ifndef MD_BASE_WHEN_H
#define MD_BASE_WHEN_H

#include "base/text.h"

/** Where "now" and randomness come from; tests replace it. */
typedef struct md_clock {
    apr_time_t (*now)(void *self);
    double (*random)(void *self); /* uniform in [0,1), thread safe */
    void *self;
} md_clock;

extern const md_clock md_clock_system;
apr_time_t md_now(const md_clock *clock);
double md_random(const md_clock *clock);

typedef struct md_period {
    apr_time_t from, until; /* both 0: no period */
} md_period;
int md_period_has(md_period period, apr_time_t t);
/** Common part; {0,0} if there is none. */
md_period md_period_common(md_period a, md_period b);

/** "Thu, 29 Aug 2019 16:06:35 GMT" */
const char *md_date_text(apr_time_t t, apr_pool_t *p);
/** Reads HTTP dates (RFC 9110 5.6.7, all three forms) and RFC 3339 with fraction and offset; else 0. */
apr_time_t md_date_read(const char *text);
/** Retry-After (RFC 9110 10.2.3): seconds or date, as a time; 0 if absent or unreadable; at most `max` from
 * now. */
apr_time_t md_retry_after(const char *value, apr_time_t now, apr_interval_time_t max);

/** `base` doubled for each of `errors` - 1 earlier failures, capped at `cap`, then jittered by +-50%. */
apr_interval_time_t md_backoff(apr_interval_time_t base, int errors, apr_interval_time_t cap,
                               const md_clock *clock);

#endif
