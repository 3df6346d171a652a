/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing requests, as OpenSSL reads them.
 */
#include "tls/csr.h"

#include <apr_strings.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "kit/kit.h"
#include "kit/sample.h"
#include "suites.h"

#define LABEL_60 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwx"

/** The request for these names, read again by OpenSSL. */
static X509_REQ *request_for(const md_key *key, const char *names, int must_staple)
{
    md_bytes der;
    const unsigned char *at;
    X509_REQ *request;

    CHECK_OK(md_csr_make(key, md_words(names, kit_pool), must_staple, kit_pool, &der));
    at = (const unsigned char *)der.data;
    request = d2i_X509_REQ(NULL, &at, (long)der.size);
    ck_assert_ptr_nonnull(request);
    ck_assert_ptr_eq(at, (const unsigned char *)der.data + der.size);
    return request;
}

static const char *bio_text(BIO *bio)
{
    char *text = NULL;
    long size = BIO_get_mem_data(bio, &text);
    const char *copy = size ? apr_pstrmemdup(kit_pool, text, (apr_size_t)size) : "";

    BIO_free(bio);
    return copy;
}

/** The value of an extension in OpenSSL's words, "" without one. */
static const char *extension_text(X509_REQ *request, int nid)
{
    STACK_OF(X509_EXTENSION) *list = X509_REQ_get_extensions(request);
    BIO *bio = BIO_new(BIO_s_mem());
    int at = X509v3_get_ext_by_NID(list, nid, -1);

    if (at >= 0)
        X509V3_EXT_print(bio, X509v3_get_ext(list, at), 0, 0);
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    return bio_text(bio);
}

static const char *subject_text(X509_REQ *request)
{
    char line[256];

    return apr_pstrdup(kit_pool, X509_NAME_oneline(X509_REQ_get_subject_name(request), line, sizeof(line)));
}

static const struct {
    const char *names, *subject, *sans;
} requests[] = {
    { "a.org", "/CN=a.org", "DNS:a.org" },
    { "a.org b.org *.a.org", "/CN=a.org", "DNS:a.org, DNS:b.org, DNS:*.a.org" },
    { "*.a.org", "/CN=*.a.org", "DNS:*.a.org" },
    { "192.0.2.1 a.org", "", "IP Address:192.0.2.1, DNS:a.org" },
    { "a.org 2001:db8::1", "/CN=a.org", "DNS:a.org, IP Address:2001:DB8:0:0:0:0:0:1" },
    { LABEL_60 ".or", "/CN=" LABEL_60 ".or", "DNS:" LABEL_60 ".or" },
    { LABEL_60 ".org", "", "DNS:" LABEL_60 ".org" },
    { "a.org,DNS:evil.org", "/CN=a.org,DNS:evil.org", "DNS:a.org,DNS:evil.org" }, /* one name, however odd */
};

START_TEST(a_request_has_the_names_in_order)
{
    X509_REQ *request = request_for(sample_key(NULL, kit_pool), requests[_i].names, 0);

    ck_assert_str_eq(subject_text(request), requests[_i].subject);
    ck_assert_str_eq(extension_text(request, NID_subject_alt_name), requests[_i].sans);
    ck_assert_str_eq(extension_text(request, NID_tlsfeature), "");
    X509_REQ_free(request);
}
END_TEST

START_TEST(an_odd_name_stays_a_single_one)
{
    X509_REQ *request = request_for(sample_key(NULL, kit_pool), "a.org,DNS:evil.org", 0);
    STACK_OF(X509_EXTENSION) *list = X509_REQ_get_extensions(request);
    GENERAL_NAMES *sans = X509V3_get_d2i(list, NID_subject_alt_name, NULL, NULL);

    ck_assert_int_eq(sk_GENERAL_NAME_num(sans), 1);
    GENERAL_NAMES_free(sans);
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    X509_REQ_free(request);
}
END_TEST

START_TEST(must_staple_is_asked_for_when_wanted)
{
    X509_REQ *request = request_for(sample_key(NULL, kit_pool), "a.org", 1);

    ck_assert_str_eq(extension_text(request, NID_tlsfeature), "status_request");
    X509_REQ_free(request);
}
END_TEST

static const struct {
    const char *key;
    int signature;
} signatures[] = {
    { "P-256", NID_ecdsa_with_SHA256 },
    { "P-384", NID_ecdsa_with_SHA256 },
    { "RSA", NID_sha256WithRSAEncryption },
    { "ed25519", NID_ED25519 },
};

START_TEST(a_request_is_signed_by_its_key)
{
    md_key *key = sample_key(signatures[_i].key, kit_pool);
    X509_REQ *request = request_for(key, "a.org", 0);

    ck_assert_int_eq(X509_REQ_verify(request, key), 1);
    ck_assert_int_eq(X509_REQ_get_signature_nid(request), signatures[_i].signature);
    ck_assert_int_eq(X509_REQ_get_version(request), 0);
    X509_REQ_free(request);
}
END_TEST

START_TEST(many_names_fit_in_a_request)
{
    md_names *names = md_names_make(kit_pool);
    md_bytes der;

    for (int i = 0; i < 1000; ++i)
        md_names_add(names, apr_psprintf(kit_pool, "host-%d.example.org", i));
    CHECK_OK(md_csr_make(sample_key(NULL, kit_pool), names, 0, kit_pool, &der));
    ck_assert_uint_gt(der.size, 20000);
}
END_TEST

Suite *suite_tls_csr(void)
{
    Suite *suite = suite_create("tls/csr");
    TCase *tcase = kit_case(suite, "csr");

    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, sample_share_rsa, NULL);
    KIT_ADD_ROWS(tcase, a_request_has_the_names_in_order, requests);
    tcase_add_test(tcase, an_odd_name_stays_a_single_one);
    tcase_add_test(tcase, must_staple_is_asked_for_when_wanted);
    KIT_ADD_ROWS(tcase, a_request_is_signed_by_its_key, signatures);
    tcase_add_test(tcase, many_names_fit_in_a_request);
    return suite;
}
