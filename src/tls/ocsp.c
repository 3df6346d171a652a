/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures are verified with the certificate's issuer as the only trust anchor: whoever signed must be that
 * issuer, or have a certificate of it with id-kp-OCSPSigning (RFC 6960 4.2.2.2). Explicit trust in other
 * responders is not possible.
 */
#include "tls/ocsp.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <string.h>

#define CLOCKS_DIFFER apr_time_from_sec(300)
#define UNNAMED_LIFE  apr_time_from_sec(12 * 3600) /* of answers without nextUpdate */

static const char *const status_names[] = {
    [MD_OCSP_UNKNOWN] = "unknown", [MD_OCSP_GOOD] = "good", [MD_OCSP_REVOKED] = "revoked"
};

const char *md_ocsp_status_name(md_ocsp_status status)
{
    return status_names[status];
}

md_ocsp_status md_ocsp_status_named(const char *name)
{
    for (int i = MD_OCSP_GOOD; name && i <= MD_OCSP_REVOKED; ++i)
        if (!strcmp(status_names[i], name))
            return (md_ocsp_status)i;
    return MD_OCSP_UNKNOWN;
}

static apr_status_t free_request(void *request)
{
    OCSP_REQUEST_free(request);
    return APR_SUCCESS;
}

static OCSP_REQUEST *own_request(apr_pool_t *p, OCSP_REQUEST *request)
{
    if (request)
        apr_pool_cleanup_register(p, request, free_request, apr_pool_cleanup_null);
    return request;
}

static apr_status_t free_response(void *response)
{
    OCSP_RESPONSE_free(response);
    return APR_SUCCESS;
}

static apr_status_t free_basic(void *basic)
{
    OCSP_BASICRESP_free(basic);
    return APR_SUCCESS;
}

static apr_status_t free_roots(void *roots)
{
    X509_STORE_free(roots);
    return APR_SUCCESS;
}

static md_err *no_issuer(apr_pool_t *p)
{
    return md_fail(p, MD_FAULT_CONFIG, "md:ocsp-no-issuer",
                   "the issuer's certificate is not known, since the chain has only one certificate");
}

static md_err *cannot_ask(apr_pool_t *p)
{
    return md_fail_tls(p, "md:ocsp-request", "cannot make the OCSP request");
}

md_err *md_ocsp_request(const md_chain *chain, md_ocsp_form form, apr_pool_t *p, md_bytes *der)
{
    OCSP_REQUEST *request = own_request(p, OCSP_REQUEST_new());
    unsigned char *bytes = NULL;
    OCSP_CERTID *id;
    int size;

    if (md_chain_length(chain) < 2)
        return no_issuer(p);
    id = OCSP_cert_to_id(form.sha256 ? EVP_sha256() : EVP_sha1(), sk_X509_value(chain, 0),
                         sk_X509_value(chain, 1));
    if (!request || !id || !OCSP_request_add0_id(request, id)) {
        OCSP_CERTID_free(id);
        return cannot_ask(p);
    }
    if (form.nonce && !OCSP_request_add1_nonce(request, NULL, -1))
        return cannot_ask(p);
    size = i2d_OCSP_REQUEST(request, &bytes);
    if (size <= 0)
        return cannot_ask(p);
    *der = (md_bytes){ apr_pstrmemdup(p, (const char *)bytes, (apr_size_t)size), (apr_size_t)size };
    OPENSSL_free(bytes);
    return NULL;
}

/** A failure of the answer; errors of the TLS library are forgotten. */
static md_err *bad(apr_pool_t *p, const char *type, const char *what)
{
    ERR_clear_error();
    return md_fail(p, MD_FAULT_REMOTE, type, "%s", what);
}

/** The status of the whole answer, RFC 6960 2.3. */
static md_err *check_outcome(OCSP_RESPONSE *response, apr_pool_t *p)
{
    switch (OCSP_response_status(response)) {
    case OCSP_RESPONSE_STATUS_SUCCESSFUL: return NULL;
    case OCSP_RESPONSE_STATUS_TRYLATER: return bad(p, "md:ocsp-busy", "it says tryLater");
    case OCSP_RESPONSE_STATUS_INTERNALERROR: return bad(p, "md:ocsp-busy", "it says internalError");
    case OCSP_RESPONSE_STATUS_MALFORMEDREQUEST: return bad(p, "md:ocsp-refused", "it says malformedRequest");
    case OCSP_RESPONSE_STATUS_SIGREQUIRED: return bad(p, "md:ocsp-refused", "it says sigRequired");
    case OCSP_RESPONSE_STATUS_UNAUTHORIZED:
        return bad(p, "md:ocsp-refused", "it says unauthorized: it does not know the certificate");
    default: return bad(p, "md:ocsp-malformed", "its answer has a status that does not exist");
    }
}

static md_err *read_basic(md_bytes der, apr_pool_t *p, OCSP_BASICRESP **out)
{
    const unsigned char *at = (const unsigned char *)der.data;
    OCSP_RESPONSE *response;

    *out = NULL;
    if (der.size > MD_OCSP_SIZE_MAX)
        return bad(p, "md:ocsp-malformed",
                   apr_psprintf(p, "its answer has %" APR_SIZE_T_FMT " bytes, %d is the most", der.size,
                                MD_OCSP_SIZE_MAX));
    response = der.data ? d2i_OCSP_RESPONSE(NULL, &at, (long)der.size) : NULL;
    if (!response)
        return bad(p, "md:ocsp-malformed", "its answer is no OCSP response");
    apr_pool_cleanup_register(p, response, free_response, apr_pool_cleanup_null);
    MD_TRY(check_outcome(response, p));
    *out = OCSP_response_get1_basic(response);
    if (!*out)
        return bad(p, "md:ocsp-malformed", "its answer has no basic OCSP response");
    apr_pool_cleanup_register(p, *out, free_basic, apr_pool_cleanup_null);
    return NULL;
}

/** The first of the answers that is about the certificate, by either digest; NULL: none is. */
static OCSP_SINGLERESP *find_single(OCSP_BASICRESP *basic, const md_chain *chain)
{
    const EVP_MD *const digests[] = { EVP_sha1(), EVP_sha256() };
    int found = -1;

    for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]) && found < 0; ++i) {
        OCSP_CERTID *id = OCSP_cert_to_id(digests[i], sk_X509_value(chain, 0), sk_X509_value(chain, 1));

        if (id)
            found = OCSP_resp_find(basic, id, -1);
        OCSP_CERTID_free(id);
    }
    return found < 0 ? NULL : OCSP_resp_get0(basic, found);
}

static md_err *read_single(OCSP_SINGLERESP *single, apr_time_t now, apr_pool_t *p, md_ocsp_answer *out)
{
    ASN1_GENERALIZEDTIME *from = NULL, *until = NULL;
    const int status = OCSP_single_get0_status(single, NULL, NULL, &from, &until);

    *out = (md_ocsp_answer){ .status = status == V_OCSP_CERTSTATUS_GOOD      ? MD_OCSP_GOOD
                                       : status == V_OCSP_CERTSTATUS_REVOKED ? MD_OCSP_REVOKED
                                                                             : MD_OCSP_UNKNOWN,
                             .valid.from = md_asn1_time(from) };
    out->valid.until = until ? md_asn1_time(until) : out->valid.from + UNNAMED_LIFE;
    if (!out->valid.from || out->valid.until <= out->valid.from)
        return bad(p, "md:ocsp-malformed", "its answer has no readable times");
    if (out->valid.from > now + CLOCKS_DIFFER)
        return bad(
            p, "md:ocsp-outdated",
            apr_pstrcat(p, "its answer is for later, it begins at ", md_date_text(out->valid.from, p), NULL));
    if (out->valid.until <= now)
        return bad(
            p, "md:ocsp-outdated",
            apr_pstrcat(p, "its answer is outdated, it ended at ", md_date_text(out->valid.until, p), NULL));
    return NULL;
}

/** Only the issuer is trusted, at the given time. */
static X509_STORE *roots_of(const md_chain *chain, apr_time_t now, apr_pool_t *p)
{
    X509_STORE *roots = X509_STORE_new();

    if (!roots)
        return NULL;
    apr_pool_cleanup_register(p, roots, free_roots, apr_pool_cleanup_null);
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(roots), (time_t)apr_time_sec(now));
    X509_STORE_set_flags(roots, X509_V_FLAG_PARTIAL_CHAIN);
    return X509_STORE_add_cert(roots, sk_X509_value(chain, 1)) ? roots : NULL;
}

/** What the TLS library said last, in our words where it matters who has to mend it. */
static const char *signature_reason(apr_pool_t *p)
{
    const unsigned long error = ERR_peek_last_error();
    const char *text = ERR_reason_error_string(error), *data = NULL;
    int flags = 0;

#if OPENSSL_VERSION_NUMBER >= 0x30000000L
    ERR_peek_last_error_data(&data, &flags);
#else
    ERR_peek_last_error_line_data(NULL, NULL, &data, &flags);
#endif
    if (ERR_GET_REASON(error) == OCSP_R_SIGNER_CERTIFICATE_NOT_FOUND)
        return "signed by somebody who is neither the issuer nor named in the answer";
    if (ERR_GET_REASON(error) == OCSP_R_MISSING_OCSPSIGNING_USAGE)
        return "the signer's certificate is not for signing OCSP responses";
    return apr_pstrcat(p, text ? text : "the signature is wrong",
                       data && *data && (flags & ERR_TXT_STRING) ? ", " : "",
                       data && (flags & ERR_TXT_STRING) ? data : "", NULL);
}

static md_err *check_signature(OCSP_BASICRESP *basic, const md_chain *chain, apr_time_t now, apr_pool_t *p)
{
    X509_STORE *roots = roots_of(chain, now, p);
    STACK_OF(X509) *issuer = sk_X509_new_null();
    int good;

    good = roots && issuer && sk_X509_push(issuer, sk_X509_value(chain, 1)) &&
           OCSP_basic_verify(basic, issuer, roots, OCSP_NOEXPLICIT) > 0;
    sk_X509_free(issuer);
    if (good)
        return NULL;
    return bad(p, "md:ocsp-untrusted",
               apr_pstrcat(p, "the signature of its answer cannot be trusted: ", signature_reason(p), NULL));
}

/** An answer without nonce is fine (RFC 6960 4.4.1): most are made in advance. */
static md_err *check_nonce(OCSP_BASICRESP *basic, md_bytes request, apr_pool_t *p)
{
    const unsigned char *at = (const unsigned char *)request.data;
    OCSP_REQUEST *asked =
        own_request(p, request.data ? d2i_OCSP_REQUEST(NULL, &at, (long)request.size) : NULL);

    if (!asked || OCSP_check_nonce(asked, basic) != 0)
        return NULL;
    return bad(p, "md:ocsp-replayed", "its answer is one to another question: the nonce differs");
}

md_err *md_ocsp_check(const md_chain *chain, md_bytes response, md_bytes request, apr_time_t now,
                      apr_pool_t *p, md_ocsp_answer *out)
{
    OCSP_BASICRESP *basic;
    OCSP_SINGLERESP *single;

    *out = (md_ocsp_answer){ .status = MD_OCSP_UNKNOWN };
    if (md_chain_length(chain) < 2)
        return no_issuer(p);
    MD_TRY(read_basic(response, p, &basic));
    single = find_single(basic, chain);
    if (!single)
        return bad(p, "md:ocsp-other", "its answer is not about this certificate");
    MD_TRY(check_signature(basic, chain, now, p));
    MD_TRY(check_nonce(basic, request, p));
    MD_TRY(read_single(single, now, p, out));
    if (out->status == MD_OCSP_UNKNOWN)
        return bad(p, "md:ocsp-unknown", "it says that it does not know the certificate (unknown)");
    ERR_clear_error();
    return NULL;
}
