/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one document of what is so: made from plan, facts and jobs by pure reads. Every renderer prints it;
 * none decides anything. Secrets never enter it.
 */
#ifndef MD_STATUS_STATUS_H
#define MD_STATUS_STATUS_H

#include "jobs/core.h"
#include "tls/cert.h"

/** {"version", "managed-domains": [...]} sorted by name, without logs. Owned by `p`; grows linearly with the
 * domains. */
MD_MUST md_err *md_status_all(const md_core *core, apr_pool_t *p, json_t **out);
/** One domain, with the job's log when `with_log`. */
MD_MUST md_err *md_status_one(const md_core *core, const md_domain *domain, int with_log, apr_pool_t *p,
                              json_t **out);
/** What everybody may know: the answer of /.httpd/certificate-status. */
MD_MUST md_err *md_status_public(const md_core *core, const md_domain *domain, apr_pool_t *p, json_t **out);
/** A certificate as an object: valid, serial, sha256-fingerprint, issuer-name, ari-cert-id ... New object
 * owned by `p`. */
json_t *md_status_cert(const md_cert_facts *facts, int public_only, apr_pool_t *p);

#endif
