/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates and chains: parse, print, read the facts. No policy: when to renew is plan/due's business.
 */
#ifndef MD_TLS_CERT_H
#define MD_TLS_CERT_H

#include "base/when.h"
#include "tls/key.h"

/** A log of Certificate Transparency has promised to publish the certificate (RFC 6962). */
typedef struct md_sct {
    const char *log_id; /* 64 lowercase hex digits */
    apr_time_t at;
    const char *signature;      /* lowercase hex */
    const char *signature_type; /* as OpenSSL names it: "ecdsa-with-SHA256", or "undefined" */
} md_sct;

/** What others need to know of a certificate, without OpenSSL types. Strings live in the pool given. */
typedef struct md_cert_facts {
    md_period valid;
    const md_names *names;  /* DNS and IP subject alternative names, lowercase, IPv6 as RFC 5952 has it */
    const char *serial;     /* uppercase hex, even number of digits */
    const char *sha256;     /* of the DER, 64 lowercase hex digits */
    const char *sha1;       /* of the DER, 40 lowercase hex digits */
    const char *issuer;     /* one-line DN "/C=../O=../CN=.." */
    const char *issuer_uri; /* caIssuers of AIA, or NULL */
    const char *ocsp_uri;   /* OCSP of AIA, or NULL */
    const char *ari_id;     /* RFC 9773 4.1 (serial keeps its leading zero octet), or NULL without AKI */
    const char *subject_cn; /* or NULL */
    const apr_array_header_t *scts; /* of md_sct, those inside the certificate; NULL: none */
    int must_staple;                /* TLS feature status_request, RFC 7633 */
    int self_signed;
} md_cert_facts;

/** Parses PEM with 1..16 certificates and at most 256 KiB; anything else between blocks is ignored. What is
 * no chain is "md:bad-certificate". */
MD_MUST md_err *md_chain_from_pem(md_bytes pem, apr_pool_t *p, md_chain **out);
/** The part of a PEM text up to the end of its first certificate; all of it if there is none. */
md_bytes md_pem_first(md_bytes pem);
MD_MUST md_err *md_chain_to_pem(const md_chain *chain, apr_pool_t *p, md_bytes *pem);
int md_chain_length(const md_chain *chain);
/** Common name of the issuer that the chain leads to, the last certificate's; NULL if it has none. */
const char *md_chain_top_issuer(const md_chain *chain, apr_pool_t *p);
/** Appends the certificates of `more`, by reference. */
void md_chain_append(md_chain *chain, const md_chain *more);
/** DER of the leaf. */
MD_MUST md_err *md_chain_leaf_der(const md_chain *chain, apr_pool_t *p, md_bytes *der);
/** Facts of the leaf. */
MD_MUST md_err *md_chain_facts(const md_chain *chain, apr_pool_t *p, md_cert_facts *out);
MD_MUST md_err *md_cert_facts_of(X509 *cert, apr_pool_t *p, md_cert_facts *out);

/** Each certificate is signed by the next one. A missing or extra root is fine. The failure says which. */
MD_MUST md_err *md_chain_check_links(const md_chain *chain, apr_pool_t *p);
/** The leaf's public key is that of `key`. */
MD_MUST md_err *md_chain_check_key(const md_chain *chain, const md_key *key, apr_pool_t *p);
/** Every one of `names` is covered by the leaf (wildcards count); first missing name is in the failure. */
MD_MUST md_err *md_facts_check_names(const md_cert_facts *facts, const md_names *names, apr_pool_t *p);

/** Copies of key and leaf's SubjectPublicKeyInfo SHA-256, lowercase hex (to compare keys). */
const char *md_key_sha256(const md_key *key, apr_pool_t *p);

#endif
