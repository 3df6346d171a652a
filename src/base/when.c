/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system clock, periods, dates and backoff.
 */
#include "base/when.h"

#include <apr_date.h>
#include <apr_strings.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static apr_time_t system_now(void *self)
{
    (void)self;
    return apr_time_now();
}

static double system_random(void *self)
{
    apr_uint64_t bits = 0;

    (void)self;
    if (getrandom(&bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
        bits = (apr_uint64_t)apr_time_now() * 0x9E3779B97F4A7C15u;
    return (double)(bits >> 11) / 9007199254740992.0; /* 53 bits */
}

const md_clock md_clock_system = { system_now, system_random, NULL };

apr_time_t md_now(const md_clock *clock)
{
    return clock->now(clock->self);
}

double md_random(const md_clock *clock)
{
    return clock->random(clock->self);
}

int md_period_has(md_period period, apr_time_t t)
{
    return period.until && t >= period.from && t < period.until;
}

md_period md_period_common(md_period a, md_period b)
{
    md_period common = { a.from > b.from ? a.from : b.from, a.until < b.until ? a.until : b.until };

    return common.from < common.until ? common : (md_period){ 0, 0 };
}

const char *md_date_text(apr_time_t t, apr_pool_t *p)
{
    char *text = apr_palloc(p, APR_RFC822_DATE_LEN);

    apr_rfc822_date(text, t);
    return text;
}

/** Reads "+02:00", "-0130" or "Z" as seconds; 0 for success. */
static int read_offset(const char *text, int *seconds)
{
    int sign = *text == '-' ? -1 : 1, hours, minutes;

    *seconds = 0;
    if ((*text == 'Z' || *text == 'z') && !text[1])
        return 0;
    if (*text != '+' && *text != '-')
        return -1;
    if (sscanf(text + 1, "%2d:%2d", &hours, &minutes) != 2 &&
        sscanf(text + 1, "%2d%2d", &hours, &minutes) != 2)
        return -1;
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return -1;
    *seconds = sign * (hours * 3600 + minutes * 60);
    return 0;
}

/** RFC 3339 section 5.6. */
static apr_time_t read_rfc3339(const char *text)
{
    apr_time_exp_t parts;
    apr_time_t t;
    int used = 0, offset;
    apr_int32_t usec = 0, unit = 100000;

    memset(&parts, 0, sizeof(parts));
    if (sscanf(text, "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
               &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &used) != 6 ||
        !used)
        return 0;
    if (parts.tm_year < 1970 || parts.tm_mon < 1 || parts.tm_mon > 12 || parts.tm_mday < 1 ||
        parts.tm_mday > 31 || parts.tm_hour < 0 || parts.tm_hour > 23 || parts.tm_min < 0 ||
        parts.tm_min > 59 || parts.tm_sec < 0 || parts.tm_sec > 60)
        return 0;
    text += used;
    if (*text == '.') {
        for (++text; isdigit((unsigned char)*text); ++text, unit /= 10)
            usec += (*text - '0') * unit;
    }
    if (read_offset(text, &offset))
        return 0;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    parts.tm_usec = usec;
    if (apr_time_exp_get(&t, &parts) != APR_SUCCESS)
        return 0;
    return t - apr_time_from_sec(offset);
}

apr_time_t md_date_read(const char *text)
{
    apr_time_t t;

    if (!text || strlen(text) > 64)
        return 0;
    if (isdigit((unsigned char)text[0]))
        return read_rfc3339(text);
    t = apr_date_parse_http(text);
    return t > 0 ? t : 0;
}

apr_time_t md_retry_after(const char *value, apr_time_t now, apr_interval_time_t max)
{
    apr_time_t t;
    char *end;

    if (!value)
        return 0;
    if (isdigit((unsigned char)*value)) {
        long long seconds = strtoll(value, &end, 10);

        while (*end == ' ')
            ++end;
        if (*end)
            return 0;
        return now + (seconds > apr_time_sec(max) ? max : apr_time_from_sec(seconds));
    }
    t = md_date_read(value);
    if (!t)
        return 0;
    if (t < now)
        return now;
    return t > now + max ? now + max : t;
}

apr_interval_time_t md_backoff(apr_interval_time_t base, int errors, apr_interval_time_t cap,
                               const md_clock *clock)
{
    apr_interval_time_t delay = base;

    for (int i = 1; i < errors && delay < cap; ++i)
        delay *= 2;
    if (delay > cap)
        delay = cap;
    return (apr_interval_time_t)((double)delay * (0.5 + md_random(clock)));
}
