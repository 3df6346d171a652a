/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of the OCSP responses that are stapled to handshakes, as the status shows it: "status",
 * "valid", "renewal" (the job that gets the next one), "id" (SHA-1 of the certificate), "responder" and
 * "refresh-at".
 */
#ifndef MD_STATUS_STAPLES_H
#define MD_STATUS_STAPLES_H

#include "jobs/core.h"

/** Of a certificate that a domain serves. *out NULL: nothing is stapled for it. */
MD_MUST md_err *md_staple_shown(const md_core *core, const md_domain *domain, const md_cert_facts *cert,
                                int with_log, apr_pool_t *p, json_t **out);
/** Of the certificates that belong to no domain; these have "domain", too. Reads two small files for each. */
MD_MUST md_err *md_staples_of_others(const md_core *core, apr_pool_t *p, json_t **out);

#endif
