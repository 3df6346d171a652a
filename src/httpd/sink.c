/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Levels of the core have the numbers of httpd's, so nothing is translated here.
 */
#include "httpd/sink.h"

#include <http_config.h>
#include <http_log.h>

#include "base/log.h"

extern module AP_MODULE_DECLARE_DATA md_module;
APLOG_USE_MODULE(md);

_Static_assert(MD_LOG_CRIT == APLOG_CRIT && MD_LOG_DEBUG == APLOG_DEBUG && MD_LOG_TRACE1 == APLOG_TRACE1,
               "levels are httpd's");

static void write_line(void *self, md_level level, int id, const char *line)
{
    server_rec *server = self;

    if (id)
        ap_log_error(APLOG_MARK, (int)level | APLOG_NOERRNO, 0, server, "AH%05d: %s", id, line);
    else
        ap_log_error(APLOG_MARK, (int)level | APLOG_NOERRNO, 0, server, "%s", line);
}

static int wanted(void *self, md_level level)
{
    const server_rec *server = self;

    return APLOG_MODULE_IS_LEVEL(server, APLOG_MODULE_INDEX, (int)level);
}

void md_sink_open(server_rec *server)
{
    md_log_to(write_line, wanted, server);
}
