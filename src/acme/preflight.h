/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The questions that a CA will ask to check a name (RFC 8555 8.3, RFC 8737 3), asked before it does: CAs
 * count failures. Each is asked at all addresses of the name, as its zone has them.
 */
#ifndef MD_ACME_PREFLIGHT_H
#define MD_ACME_PREFLIGHT_H

#include "acme/caa.h"
#include "net/http.h"

/* Time for one request, of which a part for the connection, and for one name. */
#define MD_PREFLIGHT_CONNECT apr_time_from_sec(5)
#define MD_PREFLIGHT_REQUEST apr_time_from_sec(10)
#define MD_PREFLIGHT_ALL     apr_time_from_sec(20)

/** Whom and what to ask with. */
typedef struct md_preflight {
    md_http *http; /* with time limits of its own */
    md_dns *dns;
    const md_names *ours;      /* addresses of this machine: at those, the ports are the local ones */
    int http_port, https_port; /* where requests to ports 80 and 443 arrive here */
    const atomic_int *cancelled;
} md_preflight;

/** Do the CAA records of a name, which may be a wildcard, let the CA issue (RFC 8659)? Nothing is asked if
 * the CA does not tell by which name they know it. Failures as below. */
MD_MUST md_err *md_preflight_caa(const md_preflight *with, const char *name, const md_caa_asker *asker,
                                 apr_pool_t *p);
/**
 * Is `answer` what http://name/.well-known/acme-challenge/token leads to? Redirects are followed as CAs do.
 * The failure is MD_FAULT_VALIDATION "md:preflight", a sentence on what is wrong where, or "md:cancelled".
 */
MD_MUST md_err *md_preflight_http(const md_preflight *with, const char *name, const char *token,
                                  const char *answer, apr_pool_t *p);
/** Do handshakes with the protocol acme-tls/1 and this server name (which is the name, or stands for an
 * address) get the certificate with this SHA-256 (hex)? Failures as above. */
MD_MUST md_err *md_preflight_tls(const md_preflight *with, const char *name, const char *server_name,
                                 const char *sha256, apr_pool_t *p);

#endif
