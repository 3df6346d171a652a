/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failures are compared by a digest (FNV-1a), so that nothing has to be kept that could grow.
 */
#include "jobs/repeat.h"

#include <apr_strings.h>
#include <string.h>

#define A_DAY     apr_time_from_sec(24 * 3600)
#define FNV_BASIS 2166136261u
#define FNV_PRIME 16777619u

enum { SHORT_NUMBER = 3 };

static unsigned long add(unsigned long digest, char c)
{
    return ((digest ^ (unsigned char)c) * FNV_PRIME) & 0xffffffffu;
}

/** What is skipped at `text`: a number of more than three digits, or in a URL what follows the host. */
static size_t passing_size(const char *text, int in_url)
{
    const size_t digits = strspn(text, "0123456789");

    if (in_url && strchr("/?#", *text))
        return strcspn(text, " )],;");
    return digits > SHORT_NUMBER ? digits : 0;
}

static unsigned long add_text(unsigned long digest, const char *text)
{
    int in_url = 0;

    while (text && *text) {
        const size_t skip = passing_size(text, in_url), scheme = strncmp(text, "://", 3) ? 0 : 3;

        in_url = scheme || (in_url && !skip && *text != ' ');
        digest = add(digest, skip ? '*' : *text);
        text += skip ? skip : scheme ? scheme : 1;
    }
    return add(digest, '\0');
}

static unsigned long digest_of(const char *activity, const md_err *err)
{
    unsigned long digest = add_text(add_text(FNV_BASIS, activity), err->type);

    for (; err; err = err->cause)
        digest = add_text(digest, err->detail);
    return digest;
}

int md_repeat_in_full(md_repeat *told, const char *activity, const md_err *err, apr_time_t now)
{
    const unsigned long what = digest_of(activity, err);

    told->times = told->times && told->what == what ? told->times + 1 : 1;
    told->what = what;
    if (told->times > 1 && now >= told->in_full && now - told->in_full < A_DAY)
        return 0;
    told->in_full = now;
    return 1;
}

const char *md_repeat_ordinal(int number, apr_pool_t *p)
{
    static const char *const endings[] = { "th", "st", "nd", "rd" };
    const int last = number % 10, is_teen = number / 10 % 10 == 1;

    return apr_psprintf(p, "%d%s", number, endings[is_teen || last > 3 ? 0 : last]);
}
