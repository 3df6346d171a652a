/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of names, DNS names, base64url, hex, durations and slices.
 */
#include "base/text.h"

#include <apr_cstr.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <arpa/inet.h>
#include <string.h>

md_names *md_names_make(apr_pool_t *p)
{
    return apr_array_make(p, 4, sizeof(const char *));
}

void md_names_add(md_names *names, const char *name)
{
    APR_ARRAY_PUSH(names, const char *) = name;
}

int md_names_has(const md_names *names, const char *name)
{
    for (int i = 0; names && i < names->nelts; ++i)
        if (apr_cstr_casecmp(MD_NAME(names, i), name) == 0)
            return 1;
    return 0;
}

int md_names_add_new(md_names *names, const char *name)
{
    if (md_names_has(names, name))
        return 0;
    md_names_add(names, name);
    return 1;
}

int md_names_equal(const md_names *a, const md_names *b)
{
    int count_a = a ? a->nelts : 0, count_b = b ? b->nelts : 0;

    if (count_a != count_b)
        return 0;
    for (int i = 0; i < count_a; ++i)
        if (!md_names_has(b, MD_NAME(a, i)) || !md_names_has(a, MD_NAME(b, i)))
            return 0;
    return 1;
}

md_names *md_names_copy(const md_names *names, apr_pool_t *p)
{
    md_names *copy;

    if (!names)
        return NULL;
    copy = apr_array_make(p, names->nelts, sizeof(const char *));
    for (int i = 0; i < names->nelts; ++i)
        md_names_add(copy, apr_pstrdup(p, MD_NAME(names, i)));
    return copy;
}

const char *md_names_join(const md_names *names, const char *between, apr_pool_t *p)
{
    apr_array_header_t *parts;

    if (!names || !names->nelts)
        return "";
    parts = apr_array_make(p, names->nelts * 2, sizeof(const char *));
    for (int i = 0; i < names->nelts; ++i) {
        if (i)
            APR_ARRAY_PUSH(parts, const char *) = between;
        APR_ARRAY_PUSH(parts, const char *) = MD_NAME(names, i);
    }
    return apr_array_pstrcat(p, parts, '\0');
}

md_names *md_words(const char *text, apr_pool_t *p)
{
    md_names *words = md_names_make(p);

    for (const char *at = text; *at;) {
        size_t length;

        at += strspn(at, " \t");
        length = strcspn(at, " \t");
        if (length)
            md_names_add(words, apr_pstrndup(p, at, length));
        at += length;
    }
    return words;
}

int md_text_equal(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

const char *md_lower(const char *text, apr_pool_t *p)
{
    char *copy = apr_pstrdup(p, text);

    for (char *at = copy; at && *at; ++at)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
    return copy;
}

int md_is_wildcard(const char *name)
{
    return name[0] == '*' && name[1] == '.' && name[2];
}

enum { V4_OCTETS = 4, V6_OCTETS = 16 };

/** Octets of an address, 4 or 16; 0 for what is none. */
static int read_address(const char *name, unsigned char octets[V6_OCTETS])
{
    char bare[INET6_ADDRSTRLEN];
    size_t length = strlen(name);

    if (inet_pton(AF_INET, name, octets) == 1)
        return V4_OCTETS;
    if (name[0] == '[' && length > 2 && length < sizeof(bare) && name[length - 1] == ']') {
        apr_cpystrn(bare, name + 1, length - 1);
        name = bare;
    }
    return inet_pton(AF_INET6, name, octets) == 1 ? V6_OCTETS : 0;
}

int md_is_address(const char *name)
{
    unsigned char octets[V6_OCTETS];

    return read_address(name, octets) > 0;
}

const char *md_name_text(const char *name, apr_pool_t *p)
{
    unsigned char octets[V6_OCTETS];
    int size = read_address(name, octets);
    char text[INET6_ADDRSTRLEN];

    if (!size)
        return md_lower(name, p);
    return apr_pstrdup(p, inet_ntop(size == V4_OCTETS ? AF_INET : AF_INET6, octets, text, sizeof(text)));
}

const char *md_reverse_name(const char *address, apr_pool_t *p)
{
    unsigned char octets[V6_OCTETS];
    int size = read_address(address, octets);
    const char *out = "";

    if (!size)
        return NULL;
    for (int i = size - 1; i >= 0; --i)
        out = size == V4_OCTETS ? apr_psprintf(p, "%s%d.", out, octets[i])
                                : apr_psprintf(p, "%s%x.%x.", out, octets[i] & 15u, octets[i] >> 4);
    return apr_pstrcat(p, out, size == V4_OCTETS ? "in-addr.arpa" : "ip6.arpa", NULL);
}

int md_name_matches(const char *pattern, const char *name)
{
    const char *rest;

    if (apr_cstr_casecmp(pattern, name) == 0)
        return 1;
    if (!md_is_wildcard(pattern) || md_is_wildcard(name) || md_is_address(name))
        return 0;
    rest = strchr(name, '.');
    return rest && rest != name && apr_cstr_casecmp(rest, pattern + 1) == 0;
}

static const char *label_reason(const char *label, size_t length)
{
    if (length == 0)
        return "it has an empty label";
    if (length > 63)
        return "a label is longer than 63 characters";
    if (label[0] == '-' || label[length - 1] == '-')
        return "a label begins or ends with a hyphen";
    for (size_t i = 0; i < length; ++i)
        if (!(apr_isalnum(label[i]) && !(label[i] & 0x80)) && label[i] != '-')
            return "it has characters other than letters, digits and hyphens";
    return NULL;
}

const char *md_name_reason(const char *name)
{
    const char *at = md_is_wildcard(name) ? name + 2 : name;

    if (!*at)
        return "it is empty";
    if (md_is_address(name))
        return NULL;
    if (strlen(name) > 253)
        return "it is longer than 253 characters";
    for (;;) {
        size_t length = strcspn(at, ".");
        const char *why = label_reason(at, length);

        if (why)
            return why;
        if (!at[length])
            return NULL;
        at += length + 1;
    }
}

static const char b64url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const char *md_b64url(md_bytes bytes, apr_pool_t *p)
{
    const unsigned char *in = (const unsigned char *)bytes.data;
    char *out = apr_palloc(p, bytes.size / 3 * 4 + 5), *at = out;
    apr_size_t i = 0;

    for (; i + 2 < bytes.size; i += 3) {
        *at++ = b64url_digits[in[i] >> 2];
        *at++ = b64url_digits[(in[i] & 3) << 4 | in[i + 1] >> 4];
        *at++ = b64url_digits[(in[i + 1] & 15) << 2 | in[i + 2] >> 6];
        *at++ = b64url_digits[in[i + 2] & 63];
    }
    if (i < bytes.size) {
        unsigned second = i + 1 < bytes.size ? in[i + 1] : 0;

        *at++ = b64url_digits[in[i] >> 2];
        *at++ = b64url_digits[(in[i] & 3u) << 4 | second >> 4];
        if (i + 1 < bytes.size)
            *at++ = b64url_digits[(second & 15) << 2];
    }
    *at = '\0';
    return out;
}

md_err *md_b64url_read(const char *text, apr_pool_t *p, md_bytes *out)
{
    apr_size_t length = strlen(text), used = 0;
    char *data = apr_palloc(p, length / 4 * 3 + 4);
    unsigned bits = 0, count = 0;

    for (apr_size_t i = 0; i < length; ++i) {
        const char *digit = strchr(b64url_digits, text[i]);

        if (!digit)
            return md_fail(p, MD_FAULT_REMOTE, "md:bad-answer", "this is not base64url text");
        bits = (bits << 6 | (unsigned)(digit - b64url_digits)) & 0xffffff;
        count += 6;
        if (count >= 8) {
            count -= 8;
            data[used++] = (char)(bits >> count & 0xff);
        }
    }
    if (length % 4 == 1 || (bits & ((1u << count) - 1)))
        return md_fail(p, MD_FAULT_REMOTE, "md:bad-answer", "this base64url text is cut off");
    data[used] = '\0';
    *out = (md_bytes){ data, used };
    return NULL;
}

const char *md_hex(md_bytes bytes, apr_pool_t *p)
{
    static const char digits[] = "0123456789abcdef";
    char *out = apr_palloc(p, bytes.size * 2 + 1);

    for (apr_size_t i = 0; i < bytes.size; ++i) {
        unsigned char byte = (unsigned char)bytes.data[i];

        out[2 * i] = digits[byte >> 4];
        out[2 * i + 1] = digits[byte & 15];
    }
    out[bytes.size * 2] = '\0';
    return out;
}

md_bytes md_bytes_of(const char *text)
{
    return (md_bytes){ text, text ? strlen(text) : 0 };
}

int md_bytes_equal(md_bytes a, md_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

const char *md_excerpt(md_bytes bytes, apr_size_t max, apr_pool_t *p)
{
    apr_size_t length = bytes.size < max ? bytes.size : max;
    char *out = apr_palloc(p, length + 4);

    for (apr_size_t i = 0; i < length; ++i)
        out[i] = bytes.data[i] >= 0x20 && bytes.data[i] < 0x7f ? bytes.data[i] : '.';
    memcpy(out + length, bytes.size > max ? "..." : "", bytes.size > max ? sizeof("...") : 1);
    return out;
}

static const struct {
    const char *name;
    apr_interval_time_t length;
} units[] = {
    { "d", APR_INT64_C(86400000000) }, { "h", APR_INT64_C(3600000000) }, { "mi", APR_INT64_C(60000000) },
    { "s", APR_INT64_C(1000000) },     { "ms", APR_INT64_C(1000) },
};
enum { UNITS = sizeof(units) / sizeof(units[0]) };

/** "ms" and "mi" before anything that begins with "m"; what follows the unit's letters is ignored ("14days").
 */
static apr_interval_time_t unit_length(const char *text)
{
    if (apr_cstr_casecmpn(text, "ms", 2) == 0)
        return units[4].length;
    for (int i = 0; i < UNITS - 1; ++i)
        if (apr_cstr_casecmpn(text, units[i].name, strlen(units[i].name)) == 0)
            return units[i].length;
    return 0;
}

const char *md_duration_read(const char *text, const char *unit, apr_interval_time_t *out)
{
    static const apr_int64_t most = APR_INT64_C(365250) * APR_INT64_C(86400000000);
    apr_int64_t number;
    apr_interval_time_t length;
    char *end;

    if (!apr_isdigit(text[0]) && !(text[0] == '-' && apr_isdigit(text[1])))
        return "has unrecognized format, expected a number and a unit: d, h, mi, s or ms";
    number = apr_strtoi64(text, &end, 10);
    length = unit_length(*end ? end : unit);
    if (!length)
        return "has unrecognized format, the unit must be d, h, mi, s or ms";
    if (number > most / length || number < -most / length)
        return "is longer than 1000 years";
    *out = number * length;
    return NULL;
}

const char *md_duration_text(apr_interval_time_t t, apr_pool_t *p)
{
    for (int i = 0; i < UNITS; ++i)
        if (t % units[i].length == 0)
            return apr_psprintf(p, "%" APR_INT64_T_FMT "%s", t / units[i].length, units[i].name);
    return apr_psprintf(p, "%" APR_INT64_T_FMT "ms", t / units[UNITS - 1].length);
}

const char *md_duration_words(apr_interval_time_t t, apr_pool_t *p)
{
    static const char *const words[] = { "day", "hour", "minute", "second" };
    const char *out = NULL;

    if (t < 0)
        t = -t;
    for (int i = 0; i < 4; ++i) {
        apr_int64_t count = t / units[i].length;

        if (!count) {
            if (out)
                break;
            continue;
        }
        t %= units[i].length;
        if (out)
            return apr_psprintf(p, "%s %" APR_INT64_T_FMT " %s%s", out, count, words[i],
                                count == 1 ? "" : "s");
        out = apr_psprintf(p, "%" APR_INT64_T_FMT " %s%s", count, words[i], count == 1 ? "" : "s");
    }
    return out ? out : "less than a second";
}

const char *md_slice_read(const char *text, int any_percent, md_slice *out)
{
    size_t length = strlen(text);
    apr_int64_t percent;
    char *end;

    *out = (md_slice){ 0, 0 };
    if (!length || text[length - 1] != '%')
        return md_duration_read(text, "d", &out->length);
    percent = apr_strtoi64(text, &end, 10);
    if (!apr_isdigit(text[0]) || strcmp(end, "%") != 0)
        return "has unrecognized format, expected a share like 33% or a duration like 14d";
    if (percent >= 100 && !any_percent)
        return "is too large: 100% or more is not allowed";
    if (percent > 100000)
        return "is too large a share";
    out->percent = (int)percent;
    return NULL;
}

const char *md_slice_text(md_slice slice, apr_pool_t *p)
{
    return slice.length || !slice.percent ? md_duration_text(slice.length, p)
                                          : apr_psprintf(p, "%d%%", slice.percent);
}

apr_interval_time_t md_slice_of(md_slice slice, apr_interval_time_t lifetime)
{
    if (slice.length || !slice.percent)
        return slice.length;
    if (lifetime <= 0)
        return 0;
    if (lifetime > APR_INT64_MAX / slice.percent) /* precision matters for seconds, not for ages */
        return lifetime / 100 > APR_INT64_MAX / slice.percent ? APR_INT64_MAX
                                                              : lifetime / 100 * slice.percent;
    return lifetime * slice.percent / 100;
}
