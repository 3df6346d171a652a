/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What requests, self-signed certificates and the facts of certificates share about names and extensions.
 * Used inside this layer only.
 */
#ifndef MD_TLS_EXTENSIONS_H
#define MD_TLS_EXTENSIONS_H

#include <openssl/x509v3.h>
#include "tls/bridge.h"

enum { MD_IP_OCTETS_MAX = 16, MD_TLS_STATUS_REQUEST = 5 /* RFC 6066 section 8 */ };

/** Octets of the IP address that `name` is, in network order: 4, 16, or 0 for what is no address. */
int md_ip_octets(const char *name, unsigned char octets[MD_IP_OCTETS_MAX]);
/** The one way to write an address of 4 or 16 octets (RFC 5952); NULL for other sizes. */
const char *md_ip_text(const unsigned char *octets, int size, apr_pool_t *p);

/** DNS names and IP addresses as subjectAltName wants them, in order. Owned by the pool; NULL on failure. */
GENERAL_NAMES *md_alternative_names(const md_names *names, apr_pool_t *p);
/** The value of the TLS feature extension that asks for OCSP stapling, RFC 7633. As above. */
TLS_FEATURE *md_must_staple(apr_pool_t *p);

/** The digest to sign with: SHA-256, or none where the key has its own (Ed25519). */
const EVP_MD *md_signing_digest(const md_key *key);

#endif
