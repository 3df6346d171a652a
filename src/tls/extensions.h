/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X.509 extensions as requests and self-signed certificates need them. Used inside this layer only.
 */
#ifndef MD_TLS_EXTENSIONS_H
#define MD_TLS_EXTENSIONS_H

#include "tls/bridge.h"

/** Adds an extension given in OpenSSL's text form to the list. True on success. */
int md_extension_add(STACK_OF(X509_EXTENSION) *list, int nid, const char *value);
/** subjectAltName for DNS names and IP addresses, in order. */
const char *md_extension_sans(const md_names *names, apr_pool_t *p);
/** The digest to sign with: SHA-256, or none where the key has its own (Ed25519). */
const EVP_MD *md_signing_digest(const md_key *key);

#endif
