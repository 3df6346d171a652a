/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys, CAs and certificates made while the tests run: nothing expires, nothing is checked in.
 */
#ifndef MD_TESTS_SAMPLE_H
#define MD_TESTS_SAMPLE_H

#include "tls/cert.h"

/** A root and the intermediate that issues. */
typedef struct sample_ca {
    md_key *root_key, *key;
    X509 *root, *cert;
} sample_ca;

/** What a certificate shall look like; zeros are fine for all but `names`. */
typedef struct sample_wish {
    const md_names *names;
    md_period valid;         /* default: from yesterday for 90 days */
    const char *serial;      /* hex; default: random */
    const char *issuer_uri;  /* of AIA */
    const char *ocsp_uri;    /* of AIA */
    int must_staple, no_aki; /* with TLS feature; without authority key identifier */
} sample_wish;

/** A key: "P-256", "RSA", "ed25519" or any other word of MDPrivateKeys; NULL is "P-256". RSA 2048 is made
 * once per process and shared, because it takes long. */
md_key *sample_key(const char *word, apr_pool_t *p);
/** Unchecked fixture of a case that needs RSA keys: makes the shared one before the tests get processes. */
void sample_share_rsa(void);
md_key_spec sample_spec(const char *word, apr_pool_t *p);

/** Words to names. */
md_names *sample_names(const char *words, apr_pool_t *p);

/** A CA with P-256 keys; `name` is part of its subjects. */
sample_ca *sample_ca_make(const char *name, apr_pool_t *p);
/** Leaf for the public half of `key`, and the intermediate. */
md_chain *sample_issue(const sample_ca *ca, const md_key *key, const sample_wish *wish, apr_pool_t *p);
/** What a CA answers to this DER request: its names, its key. NULL if its signature is wrong or it has no
 * names. */
md_chain *sample_issue_request(const sample_ca *ca, md_bytes csr, md_period valid, apr_pool_t *p);
/** The same as PEM. */
md_bytes sample_pem(const md_chain *chain, apr_pool_t *p);
md_bytes sample_root_pem(const sample_ca *ca, apr_pool_t *p);

#endif
