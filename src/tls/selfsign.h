/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Self-signed certificates: the placeholder a host serves before it has a real one, and (RFC 8737) the
 * tls-alpn-01 answer.
 */
#ifndef MD_TLS_SELFSIGN_H
#define MD_TLS_SELFSIGN_H

#include "tls/cert.h"

#define MD_PLACEHOLDER_CN "Apache Managed Domain Fallback"

/** CN as above, SANs = names, CA:FALSE, digitalSignature, serverAuth, random serial of 159 bits. */
MD_MUST md_err *md_selfsign_placeholder(const md_key *key, const md_names *names, md_period valid,
                                        apr_pool_t *p, md_chain **out);
/** SAN = name, critical acmeIdentifier (1.3.6.1.5.5.7.1.31) with the SHA-256 of the key authorization, valid
 * from an hour before `now` to 7 days after. */
MD_MUST md_err *md_selfsign_acme_tls(const md_key *key, const char *name, const char *key_authorization,
                                     apr_time_t now, apr_pool_t *p, md_chain **out);

#endif
