/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One sink for the process. Lines are cleaned here, so that no sink has to.
 */
#include "base/log.h"

#include <apr_strings.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"

enum { LINE_MAX_BYTES = 8192 };

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

/** Outside text must not be able to start a line of its own. */
static void write_clean(md_level level, int id, char *line)
{
    for (char *at = line; *at; ++at)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = ' ';
    sink_write(sink_self, level, id, line);
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

void md_log_err(md_level level, int id, const char *md_name, const char *activity, const md_err *err,
                const char *fmt, ...)
{
    apr_pool_t *p;
    va_list args;
    const char *line;
    char out[LINE_MAX_BYTES];

    if (!md_log_enabled(level))
        return;
    apr_pool_create(&p, NULL);
    va_start(args, fmt);
    line = apr_pvsprintf(p, fmt, args);
    va_end(args);
    if (md_name)
        line = apr_pstrcat(p, line, " md[", md_name, "]", NULL);
    if (activity)
        line = apr_pstrcat(p, line, " while[", activity, "]", NULL);
    if (err) {
        if (err->type)
            line = apr_pstrcat(p, line, " problem[", err->type, "]", NULL);
        line = apr_pstrcat(p, line, " detail[", md_err_text(err, p), "]", NULL);
        if (err->subproblems)
            line = apr_pstrcat(p, line, " subproblems[", md_json_line(err->subproblems, p), "]", NULL);
    }
    apr_cpystrn(out, line, sizeof(out));
    apr_pool_destroy(p);
    write_clean(level, id, out);
}
