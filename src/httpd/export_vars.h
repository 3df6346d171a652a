/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MDExportVars: what CGI programs and access logs may know of the domain that a request is for.
 */
#ifndef MD_HTTPD_EXPORT_VARS_H
#define MD_HTTPD_EXPORT_VARS_H

#include <httpd.h>

/** Hook post_read_request, so that every request has them in the log, and fixups, for those that httpd makes
 * on the way (error pages, indexes): MD_NAME, MD_CERT_EXPIRES. */
int md_export_vars(request_rec *r);

#endif
