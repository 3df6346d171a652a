/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing requests.
 */
#include "tls/csr.h"

#include <apr_strings.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "tls/extensions.h"

enum { CN_MAX = 64 }; /* CAs refuse longer ones, and some this one (ub-common-name of RFC 5280) */

static int fits_cn(const char *name)
{
    unsigned char octets[MD_IP_OCTETS_MAX];

    return strlen(name) < CN_MAX && !md_ip_octets(name, octets);
}

static int set_subject(X509_REQ *request, const char *name)
{
    return !fits_cn(name) || X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(request), NID_commonName,
                                                        MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
}

static int add_extensions(X509_REQ *request, const md_names *names, int must_staple, apr_pool_t *p)
{
    STACK_OF(X509_EXTENSION) *list = NULL;
    GENERAL_NAMES *sans = md_alternative_names(names, p);
    TLS_FEATURE *features = must_staple ? md_must_staple(p) : NULL;
    int ok = sans && X509V3_add1_i2d(&list, NID_subject_alt_name, sans, 0, X509V3_ADD_DEFAULT) > 0;

    if (must_staple)
        ok = ok && features && X509V3_add1_i2d(&list, NID_tlsfeature, features, 0, X509V3_ADD_DEFAULT) > 0;
    ok = ok && X509_REQ_add_extensions(request, list);
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    return ok;
}

md_err *md_csr_make(const md_key *key, const md_names *names, int must_staple, apr_pool_t *p, md_bytes *der)
{
    X509_REQ *request = X509_REQ_new();
    unsigned char *data = NULL;
    int size = 0;

    if (request && X509_REQ_set_version(request, 0) && set_subject(request, MD_NAME(names, 0)) &&
        add_extensions(request, names, must_staple, p) && X509_REQ_set_pubkey(request, (EVP_PKEY *)key) &&
        X509_REQ_sign(request, (EVP_PKEY *)key, md_signing_digest(key)) > 0)
        size = i2d_X509_REQ(request, &data);
    X509_REQ_free(request);
    if (size <= 0)
        return md_fail_tls(p, "md:csr", "cannot make a signing request for %s", MD_NAME(names, 0));
    *der = (md_bytes){ apr_pstrmemdup(p, (const char *)data, (apr_size_t)size), (apr_size_t)size };
    OPENSSL_free(data);
    return NULL;
}
