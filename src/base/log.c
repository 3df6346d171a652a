/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One sink for the process. Lines are cleaned here, so that no sink has to.
 */
#include "base/log.h"

#include <apr_strings.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

enum { LINE_MAX_BYTES = 8192, ESCAPE_BYTES = 4, CHARACTER_BYTES = 4 };

static md_log_sink *sink_write;
static md_log_wants *sink_wants;
static void *sink_self;

void md_log_to(md_log_sink *sink, md_log_wants *wants, void *self)
{
    sink_write = sink;
    sink_wants = wants;
    sink_self = self;
}

int md_log_enabled(md_level level)
{
    return sink_write && (!sink_wants || sink_wants(sink_self, level));
}

/** What is kept of the first octet of a UTF-8 sequence, and the least code point that needs this length (RFC
 * 3629). */
static const struct {
    unsigned char mask, lead, bits;
    unsigned least;
} sequences[] = {
    { 0x80, 0x00, 0x7f, 0x20 }, /* below are control characters */
    { 0xe0, 0xc0, 0x1f, 0xa0 }, /* below are control characters, too */
    { 0xf0, 0xe0, 0x0f, 0x800 },
    { 0xf8, 0xf0, 0x07, 0x10000 },
};

/** Octets of the printable character at `at`, 0 if there is none. The NUL at the end of a text ends a
 * sequence. */
static size_t character_size(const unsigned char *at)
{
    for (size_t more = 0; more < CHARACTER_BYTES; ++more) {
        unsigned point = at[0] & sequences[more].bits;

        if ((at[0] & sequences[more].mask) != sequences[more].lead)
            continue;
        for (size_t i = 1; i <= more; ++i) {
            if ((at[i] & 0xc0) != 0x80)
                return 0;
            point = point << 6 | (at[i] & 0x3f);
        }
        return point >= sequences[more].least && point != 0x7f && point <= 0x10ffff ? more + 1 : 0;
    }
    return 0;
}

/** Writes `line` so that nothing in it can begin another line, move a cursor, or break a reader of UTF-8. */
static void write_clean(md_level level, int id, const char *line)
{
    char clean[LINE_MAX_BYTES], *out = clean;

    while (*line && out + ESCAPE_BYTES < clean + sizeof(clean)) {
        size_t size = character_size((const unsigned char *)line);

        if (size) {
            memcpy(out, line, size);
            out += size;
            line += size;
        } else {
            out += snprintf(out, ESCAPE_BYTES + 1, "\\x%02x", (unsigned)(unsigned char)*line++);
        }
    }
    *out = '\0';
    sink_write(sink_self, level, id, clean);
}

void md_log(md_level level, int id, const char *fmt, ...)
{
    char line[LINE_MAX_BYTES];
    va_list args;

    if (!md_log_enabled(level))
        return;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    write_clean(level, id, line);
}

/** "<line> <part>[<value>]", or `line` when there is no value. */
static const char *add_part(const char *line, const char *part, const char *value, apr_pool_t *p)
{
    return value ? apr_pstrcat(p, line, " ", part, "[", value, "]", NULL) : line;
}

void md_log_tell(md_level level, int id, const md_log_story *story, const char *fmt, ...)
{
    const md_err *err = story->err;
    const char *line;
    apr_pool_t *p;
    va_list args;

    if (!md_log_enabled(level))
        return;
    apr_pool_create(&p, NULL);
    va_start(args, fmt);
    line = apr_pvsprintf(p, fmt, args);
    va_end(args);
    line = add_part(line, "md", story->md_name, p);
    line = add_part(line, "while", story->activity, p);
    if (err) {
        line = add_part(line, "problem", err->type, p);
        line = add_part(line, "detail", err->detail ? md_err_text(err, p) : NULL, p);
        line = add_part(line, "subproblems", err->subproblems ? md_json_line(err->subproblems, p) : NULL, p);
    }
    write_clean(level, id, line);
    apr_pool_destroy(p);
}
