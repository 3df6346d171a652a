/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A responder in a hundred lines. What goes wrong in here ends the test.
 */
#include "kit/fake_responder.h"

#include <apr_strings.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "kit/kit.h"

#define DAY apr_time_from_sec(86400)

X509 *fake_delegate(const sample_ca *ca, const md_key *key, const char *purpose, md_period valid,
                    apr_pool_t *p)
{
    X509 *cert = md_own_x509(p, X509_new());
    X509_EXTENSION *usage = X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage, purpose);

    if (!valid.until)
        valid = (md_period){ apr_time_now() - DAY, apr_time_now() + DAY };
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 4711);
    X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), NID_commonName, MBSTRING_UTF8,
                               (const unsigned char *)"Delegate", -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(ca->cert));
    X509_set_pubkey(cert, (EVP_PKEY *)key);
    ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)apr_time_sec(valid.from));
    ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)apr_time_sec(valid.until));
    ck_assert(usage && X509_add_ext(cert, usage, -1));
    X509_EXTENSION_free(usage);
    ck_assert_int_gt(X509_sign(cert, ca->key, EVP_sha256()), 0);
    return cert;
}

static ASN1_GENERALIZEDTIME *time_at(apr_time_t t)
{
    return ASN1_GENERALIZEDTIME_set(NULL, (time_t)apr_time_sec(t));
}

static void add_single(OCSP_BASICRESP *basic, const sample_ca *ca, const md_chain *chain,
                       const fake_says *says)
{
    const apr_time_t now = says->now ? says->now : apr_time_now();
    const int revoked = says->status == MD_OCSP_REVOKED;
    OCSP_CERTID *id =
        OCSP_cert_to_id(says->sha256 ? EVP_sha256() : EVP_sha1(), sk_X509_value(chain, 0), ca->cert);
    ASN1_GENERALIZEDTIME *from = time_at(says->from ? says->from : now);
    ASN1_GENERALIZEDTIME *until = says->endless ? NULL : time_at(says->until ? says->until : now + 4 * DAY);
    ASN1_GENERALIZEDTIME *when = revoked ? time_at(now - DAY) : NULL;

    ck_assert_ptr_nonnull(OCSP_basic_add1_status(basic, id,
                                                 says->unknown ? V_OCSP_CERTSTATUS_UNKNOWN
                                                 : revoked     ? V_OCSP_CERTSTATUS_REVOKED
                                                               : V_OCSP_CERTSTATUS_GOOD,
                                                 0, when, from, until));
    OCSP_CERTID_free(id);
    ASN1_GENERALIZEDTIME_free(from);
    ASN1_GENERALIZEDTIME_free(until);
    ASN1_GENERALIZEDTIME_free(when);
}

static void add_nonce(OCSP_BASICRESP *basic, const fake_says *says, md_bytes request)
{
    const unsigned char *at = (const unsigned char *)request.data;
    OCSP_REQUEST *asked = request.data ? d2i_OCSP_REQUEST(NULL, &at, (long)request.size) : NULL;

    if (says->nonce)
        OCSP_basic_add1_nonce(basic, (unsigned char *)says->nonce, (int)strlen(says->nonce));
    else if (asked)
        OCSP_copy_nonce(basic, asked);
    OCSP_REQUEST_free(asked);
}

md_bytes fake_ocsp(const sample_ca *ca, const md_chain *chain, const fake_says *says, md_bytes request,
                   apr_pool_t *p)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_RESPONSE *response;
    unsigned char *der = NULL;
    md_bytes out;
    int size;

    add_single(basic, ca, chain, says);
    add_nonce(basic, says, request);
    ck_assert(OCSP_basic_sign(basic, says->signer ? says->signer : ca->cert,
                              says->signer ? says->signer_key : ca->key, EVP_sha256(), NULL,
                              says->without_certs ? OCSP_NOCERTS : 0));
    response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    size = i2d_OCSP_RESPONSE(response, &der);
    ck_assert_int_gt(size, 0);
    out = (md_bytes){ apr_pstrmemdup(p, (const char *)der, (apr_size_t)size), (apr_size_t)size };
    OPENSSL_free(der);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    return out;
}

fake_responder *fake_responder_make(const char *names, const sample_wish *more, apr_pool_t *p)
{
    fake_responder *made = apr_pcalloc(p, sizeof(*made));
    sample_wish wish = more ? *more : (sample_wish){ .names = NULL };

    wish.names = sample_names(names, p);
    if (!wish.ocsp_uri)
        wish.ocsp_uri = "http://ocsp.test/";
    made->p = p;
    made->ca = sample_ca_make("Stapling", p);
    made->chain = sample_issue(made->ca, sample_key(NULL, p), &wish, p);
    return made;
}

static int is_sha256(md_bytes request)
{
    static const char oid[] = "\x60\x86\x48\x01\x65\x03\x04\x02\x01";

    return memmem(request.data, request.size, oid, sizeof(oid) - 1) != NULL;
}

md_err *fake_responder_send(void *self, md_http *http, const md_http_request *request,
                            const md_http_route *route, apr_pool_t *p, md_http_response *response)
{
    fake_responder *to = self;

    (void)http;
    (void)route;
    ++to->asked;
    to->method = apr_pstrdup(to->p, request->method);
    to->url = apr_pstrdup(to->p, request->url);
    to->request =
        (md_bytes){ apr_pstrmemdup(to->p, request->body.data ? request->body.data : "", request->body.size),
                    request->body.size };
    if (to->unreachable)
        return md_fail(p, MD_FAULT_REMOTE, "md:unreachable", "cannot connect to ocsp.test");
    *response =
        (md_http_response){ .status = to->status ? to->status : 200, .headers = apr_table_make(p, 2) };
    if (to->refuses_post && !strcmp(request->method, "POST"))
        response->status = 405;
    if (to->header)
        apr_table_add(response->headers, to->header, to->value);
    if (to->only_sha256 && !is_sha256(request->body)) {
        response->body = (md_bytes){ "\x30\x03\x0a\x01\x06", 5 }; /* unauthorized */
        return NULL;
    }
    response->body = to->body ? md_bytes_of(apr_pstrdup(p, to->body))
                              : fake_ocsp(to->ca, to->chain, &to->says, request->body, p);
    return NULL;
}
