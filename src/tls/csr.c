/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing requests.
 */
#include "tls/csr.h"

#include <apr_strings.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "tls/extensions.h"

enum { CN_MAX = 64 }; /* ub-common-name of RFC 5280, exclusive of longer ones */

static int fill(X509_REQ *request, const md_names *names, const char *sans, int must_staple)
{
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    const char *cn = MD_NAME(names, 0);
    int ok = X509_REQ_set_version(request, 0);

    if (strlen(cn) < CN_MAX)
        ok = ok && X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(request), NID_commonName,
                                              MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
    ok = ok && md_extension_add(extensions, NID_subject_alt_name, sans);
    if (must_staple)
        ok = ok && md_extension_add(extensions, NID_tlsfeature, "status_request");
    ok = ok && X509_REQ_add_extensions(request, extensions);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return ok;
}

md_err *md_csr_make(const md_key *key, const md_names *names, int must_staple, apr_pool_t *p, md_bytes *der)
{
    X509_REQ *request = X509_REQ_new();
    unsigned char *data = NULL;
    int size = 0;

    if (request && fill(request, names, md_extension_sans(names, p), must_staple) &&
        X509_REQ_set_pubkey(request, (EVP_PKEY *)key) &&
        X509_REQ_sign(request, (EVP_PKEY *)key, md_signing_digest(key)) > 0)
        size = i2d_X509_REQ(request, &data);
    X509_REQ_free(request);
    if (size <= 0)
        return md_fail_tls(p, "md:csr", "cannot make a signing request for %s", MD_NAME(names, 0));
    *der = (md_bytes){ apr_pstrmemdup(p, (const char *)data, (apr_size_t)size), (apr_size_t)size };
    OPENSSL_free(data);
    return NULL;
}
