/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document as others want to read it. Printers decide nothing.
 */
#ifndef MD_STATUS_PRINT_H
#define MD_STATUS_PRINT_H

#include "status/cache.h"

/** Sections of server-status, in HTML, and for ?auto as lines "Key: value". */
md_bytes md_print_html(const md_found *found, apr_time_t now, apr_pool_t *p);
md_bytes md_print_text(const md_found *found, apr_time_t now, apr_pool_t *p);

typedef enum md_metrics_form { MD_OPENMETRICS, MD_PROMETHEUS /* its text format 0.0.4 */ } md_metrics_form;

/** Numbers for monitoring, those that are counted over restarts included. */
md_bytes md_print_metrics(const md_core *core, const md_found *found, md_metrics_form form, apr_pool_t *p);

#endif
