/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The job that brings a new certificate to STAGING, and proves that it is served: stages from choosing a CA
 * to the handshake with ourselves. Each stage makes at most one request; the table in kind_renew.c is the
 * map.
 */
#ifndef MD_JOBS_KIND_RENEW_H
#define MD_JOBS_KIND_RENEW_H

#include "jobs/step.h"

extern const md_kind md_kind_renew;

/** What would make a renewal of this domain fail, found without network: no terms agreed where the CA is
 * known to want them, no usable challenge, ...; NULL if nothing is found. */
md_err *md_renew_preview(const md_core *core, const md_domain *domain, apr_pool_t *p);
/** The same for what its settings alone say: for domains that have time, and may have an account by then. */
md_err *md_renew_preview_settings(const md_core *core, const md_domain *domain, apr_pool_t *p);

#endif
