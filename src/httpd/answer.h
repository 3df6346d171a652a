/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests answered before anybody else sees them: the proof a CA asks for (http-01), the public certificate
 * status, 503 on hosts that have no certificate yet, redirects to https and HSTS.
 */
#ifndef MD_HTTPD_ANSWER_H
#define MD_HTTPD_ANSWER_H

#include <httpd.h>

/** Hook quick_handler: before name translation, access control and caches. */
int md_answer_quick(request_rec *r, int lookup);

/** Registers what answers pass through. */
void md_answer_filters(void);

#endif
