/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTML, and the query strings of its forms.
 */
#include "status/html.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <stdarg.h>
#include <string.h>

#include "status/lines.h"

struct md_html {
    apr_pool_t *p;
    md_lines *text;
};

md_html *md_html_make(apr_pool_t *p)
{
    md_html *html = apr_pcalloc(p, sizeof(*html));

    html->p = p;
    html->text = md_lines_make(p);
    return html;
}

apr_pool_t *md_html_pool(const md_html *html)
{
    return html->p;
}

static void add(md_html *html, const char *data, apr_size_t size)
{
    md_lines_add(html->text, data, size);
}

/** Does a character of three bytes turn the direction of writing? */
static int turns_direction(const unsigned char *c)
{
    return c[0] == 0xe2 &&
           ((c[1] == 0x80 && c[2] >= 0xaa && c[2] <= 0xae) || (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9));
}

/** What stands for a character that must not stand there itself; NULL: it may. Control characters, and those
 * that turn the direction of writing, could make a line look like something that it is not. */
static const char *instead_of(const unsigned char *c, apr_size_t *length)
{
    *length = 1;
    switch (*c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    case '\n':
    case '\t': return " ";
    case 0x7f: return "&#65533;";
    default: break;
    }
    if (turns_direction(c))
        *length = 3;
    return *c < ' ' || *length == 3 ? "&#65533;" : NULL;
}

/** The only place where values enter a page. */
static void add_escaped(md_html *html, const char *text)
{
    const char *from = text;
    apr_size_t length;

    while (*text) {
        const char *other = instead_of((const unsigned char *)text, &length);

        if (!other) {
            ++text;
            continue;
        }
        add(html, from, (apr_size_t)(text - from));
        add(html, other, strlen(other));
        text += length;
        from = text;
    }
    add(html, from, (apr_size_t)(text - from));
}

void md_html_put(md_html *html, const char *markup, ...)
{
    va_list values;
    const char *percent;

    va_start(values, markup);
    while ((percent = strchr(markup, '%'))) {
        add(html, markup, (apr_size_t)(percent - markup));
        markup = percent + 2;
        if (percent[1] == 's') {
            const char *text = va_arg(values, const char *);

            add_escaped(html, text ? text : "");
        } else if (percent[1] == 'd') {
            const char *number = apr_itoa(html->p, va_arg(values, int));

            add(html, number, strlen(number));
        } else {
            add(html, "%", 1); /* of "%%" */
        }
    }
    va_end(values);
    add(html, markup, strlen(markup));
}

void md_html_own(md_html *html, md_bytes file)
{
    add(html, file.data, file.size);
}

md_bytes md_html_bytes(const md_html *html)
{
    return md_lines_bytes(html->text);
}

const char *md_url_encode(const char *text, apr_pool_t *p)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = apr_palloc(p, 3 * strlen(text) + 1), *to = out;

    for (; *text; ++text) {
        const unsigned char c = (unsigned char)*text;

        if (apr_isalnum(c) || strchr("-._~", c)) {
            *to++ = (char)c;
            continue;
        }
        *to++ = '%';
        *to++ = digits[c >> 4];
        *to++ = digits[c & 15];
    }
    *to = '\0';
    return out;
}

static int hex(char c)
{
    return apr_isdigit(c) ? c - '0' : apr_isxdigit(c) ? (c | 0x20) - 'a' + 10 : -1;
}

/** Decodes up to the next '&'. A NUL ends the text. */
static const char *decode(const char *from, apr_pool_t *p)
{
    apr_size_t length = strcspn(from, "&");
    const char *end = from + length;
    char *out = apr_palloc(p, length + 1), *to = out;

    for (; from < end; ++from) {
        if (*from == '%' && end - from > 2 && hex(from[1]) >= 0 && hex(from[2]) >= 0) {
            *to++ = (char)(hex(from[1]) * 16 + hex(from[2]));
            from += 2;
        } else {
            *to++ = *from == '+' ? ' ' : *from;
        }
    }
    *to = '\0';
    return out;
}

const char *md_url_member(const char *query, const char *name, apr_pool_t *p)
{
    const apr_size_t length = strlen(name);

    while (query && *query) {
        if (!strncmp(query, name, length) && query[length] == '=')
            return decode(query + length + 1, p);
        query = strchr(query, '&');
        query += query ? 1 : 0;
    }
    return NULL;
}
