/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system clock, periods, dates and backoff.
 */
#include "base/when.h"

#include <apr_date.h>
#include <apr_strings.h>
#include <ctype.h>
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

/** Takes exactly `width` digits off the front of *at; -1 if they are not there. */
static int take_number(const char **at, int width)
{
    int number = 0;

    for (int i = 0; i < width; ++i, ++*at) {
        if (!isdigit((unsigned char)**at))
            return -1;
        number = number * 10 + (**at - '0');
    }
    return number;
}

static int take_one_of(const char **at, const char *characters)
{
    return **at && strchr(characters, **at) ? *(*at)++ : 0;
}

/** Reads "+02:00", "-0130" or "Z", which must end the text; true if it is one of these. */
static int read_offset(const char *at, int *seconds)
{
    int sign = take_one_of(&at, "Zz+-"), hours, minutes;

    *seconds = 0;
    if (sign == 'Z' || sign == 'z')
        return !*at;
    hours = take_number(&at, 2);
    take_one_of(&at, ":");
    minutes = take_number(&at, 2);
    *seconds = (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return sign && hours >= 0 && hours <= 23 && minutes >= 0 && minutes <= 59 && !*at;
}

/** "YYYY-MM-DD" */
static int take_day(const char **at, apr_time_exp_t *out)
{
    static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int year = take_number(at, 4), month, day, leap;

    if (year < 1970 || !take_one_of(at, "-"))
        return 0;
    month = take_number(at, 2);
    if (month < 1 || month > 12 || !take_one_of(at, "-"))
        return 0;
    day = take_number(at, 2);
    leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day < 1 || day > days[month - 1] || (month == 2 && day == 29 && !leap))
        return 0;
    out->tm_year = year - 1900;
    out->tm_mon = month - 1;
    out->tm_mday = day;
    return 1;
}

/** "hh:mm:ss" with any number of decimals; a leap second is read as the second before it. */
static int take_clock(const char **at, apr_time_exp_t *out)
{
    out->tm_hour = take_number(at, 2);
    if (out->tm_hour < 0 || out->tm_hour > 23 || !take_one_of(at, ":"))
        return 0;
    out->tm_min = take_number(at, 2);
    if (out->tm_min < 0 || out->tm_min > 59 || !take_one_of(at, ":"))
        return 0;
    out->tm_sec = take_number(at, 2);
    if (out->tm_sec < 0 || out->tm_sec > 60)
        return 0;
    if (out->tm_sec == 60)
        out->tm_sec = 59;
    if (take_one_of(at, ".")) {
        if (!isdigit((unsigned char)**at))
            return 0;
        for (int unit = 100000; isdigit((unsigned char)**at); ++*at, unit /= 10)
            out->tm_usec += (**at - '0') * unit;
    }
    return 1;
}

/** RFC 3339 section 5.6. */
static apr_time_t read_rfc3339(const char *text)
{
    apr_time_exp_t parts;
    apr_time_t t;
    int offset;

    memset(&parts, 0, sizeof(parts));
    if (!take_day(&text, &parts) || !take_one_of(&text, "Tt ") || !take_clock(&text, &parts) ||
        !read_offset(text, &offset) || apr_time_exp_get(&t, &parts))
        return 0;
    t -= apr_time_from_sec(offset);
    return t > 0 ? t : 0;
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

    for (int i = 1; i < errors && delay > 0 && delay < cap; ++i)
        delay *= 2;
    if (delay > cap)
        delay = cap;
    return (apr_interval_time_t)((double)delay * (0.5 + md_random(clock)));
}
