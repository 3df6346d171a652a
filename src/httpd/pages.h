/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status document over http: the handler "md-status" for operators, and what everybody may know of a
 * domain's certificates.
 */
#ifndef MD_HTTPD_PAGES_H
#define MD_HTTPD_PAGES_H

#include "httpd/run.h"

/** Hook handler: SetHandler md-status. */
int md_page_status(request_rec *r);
/** Hook handler: SetHandler md-metrics. */
int md_page_metrics(request_rec *r);
/** Hook status_hook of mod_status. */
int md_page_server_status(request_rec *r, int flags);
/** Answers /.httpd/certificate-status of a managed host; DECLINED for everything else. */
int md_page_public(request_rec *r, const md_run *run);

#endif
