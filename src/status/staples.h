/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of the OCSP responses that are stapled to handshakes: the one place where the status asks for
 * it.
 */
#ifndef MD_STATUS_STAPLES_H
#define MD_STATUS_STAPLES_H

#include "jobs/core.h"

/** The response for one certificate. */
typedef struct md_staple_shown {
    const char *id;        /* 40 lowercase hex digits: SHA-1 of the certificate */
    const char *status;    /* "good", "revoked" or "unknown" (there is no response) */
    md_period valid;       /* {0,0} without a response */
    const char *responder; /* URL */
    apr_time_t refresh_at; /* 0: not known */
    const json_t *renewal; /* the job that gets the next one, as status has jobs; or NULL */
} md_staple_shown;

/** *out NULL: nothing is stapled for this certificate. */
MD_MUST md_err *md_staple_of(const md_core *core, const md_domain *domain, const md_cert_facts *cert,
                             apr_pool_t *p, const md_staple_shown **out);

#endif
