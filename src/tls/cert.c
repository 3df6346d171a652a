/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chains in and out of PEM, the facts of a certificate, and the checks that leaf, key, names and chain fit.
 */
#include "tls/cert.h"

#include <apr_strings.h>
#include <openssl/bio.h>
#include <openssl/ct.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "tls/extensions.h"

enum { CHAIN_MAX = 16, PEM_MAX = 256 * 1024, NAMES_MAX = 1024, SCTS_MAX = 16 };

/** Certificates are not encrypted. Without this, one that says so makes OpenSSL ask at the server's terminal.
 */
static int no_pass_phrase(char *buffer, int size, int writing, void *self)
{
    (void)writing, (void)self;
    if (size > 0)
        *buffer = '\0';
    return -1;
}

/* Milliseconds; what is later is nonsense that must not overflow. */
#define TIMESTAMP_MAX UINT64_C(253402300800000)

static int is_end_of_pem(unsigned long error)
{
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

static md_err *bad_chain(apr_pool_t *p, const char *why)
{
    return md_fail(p, MD_FAULT_REMOTE, "md:bad-certificate", "%s", why);
}

md_err *md_chain_from_pem(md_bytes pem, apr_pool_t *p, md_chain **out)
{
    md_chain *chain = md_own_chain(p, sk_X509_new_null());
    md_err *err;
    BIO *bio;
    X509 *cert;

    *out = NULL;
    if (!pem.data || pem.size > PEM_MAX)
        return bad_chain(p, "this is no certificate chain, or it is too large");
    bio = md_own_bio(p, BIO_new_mem_buf(pem.data, (int)pem.size));
    while ((cert = PEM_read_bio_X509(bio, NULL, no_pass_phrase, NULL)) != NULL) {
        if (sk_X509_push(chain, cert) > CHAIN_MAX)
            return md_fail(p, MD_FAULT_REMOTE, "md:bad-certificate",
                           "the chain has more than %d certificates", CHAIN_MAX);
    }
    if (!is_end_of_pem(ERR_peek_last_error())) {
        err = md_fail_tls(p, "md:bad-certificate", "a certificate of the chain cannot be read");
        err->fault = MD_FAULT_REMOTE;
        return err;
    }
    ERR_clear_error();
    if (sk_X509_num(chain) == 0)
        return bad_chain(p, "there is no certificate in it");
    *out = chain;
    return NULL;
}

md_bytes md_pem_first(md_bytes pem)
{
    static const char end[] = "-----END CERTIFICATE-----";
    const char *found = pem.data ? memmem(pem.data, pem.size, end, sizeof(end) - 1) : NULL;

    return found ? (md_bytes){ pem.data, (apr_size_t)(found - pem.data) + sizeof(end) - 1 } : pem;
}

md_err *md_chain_to_pem(const md_chain *chain, apr_pool_t *p, md_bytes *pem)
{
    BIO *bio = md_own_bio(p, BIO_new(BIO_s_mem()));
    char *text = NULL;
    long size;

    for (int i = 0; i < sk_X509_num(chain); ++i)
        if (!bio || !PEM_write_bio_X509(bio, sk_X509_value(chain, i)))
            return md_fail_tls(p, "md:bad-certificate", "cannot write a certificate as PEM");
    size = BIO_get_mem_data(bio, &text);
    *pem = (md_bytes){ apr_pstrmemdup(p, text, (apr_size_t)size), (apr_size_t)size };
    return NULL;
}

int md_chain_length(const md_chain *chain)
{
    return sk_X509_num(chain);
}

void md_chain_append(md_chain *chain, const md_chain *more)
{
    for (int i = 0; i < sk_X509_num(more); ++i) {
        X509_up_ref(sk_X509_value(more, i));
        sk_X509_push(chain, sk_X509_value(more, i));
    }
}

static const char *digest_hex(X509 *cert, const EVP_MD *type, apr_pool_t *p)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;

    if (!X509_digest(cert, type, digest, &size))
        return "";
    return md_hex((md_bytes){ (const char *)digest, size }, p);
}

/** Lowercase, as text; NULL for what is neither a DNS name nor an address, or has a NUL in it. */
static const char *name_text(const GENERAL_NAME *san, apr_pool_t *p)
{
    int type = 0;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(san, &type);
    const unsigned char *octets;
    size_t size;

    if (type != GEN_DNS && type != GEN_IPADD)
        return NULL;
    octets = ASN1_STRING_get0_data(value);
    size = (size_t)ASN1_STRING_length(value);
    if (type == GEN_IPADD)
        return md_ip_text(octets, (int)size, p);
    return memchr(octets, 0, size) ? NULL : md_lower(apr_pstrmemdup(p, (const char *)octets, size), p);
}

static md_names *names_of(X509 *cert, apr_pool_t *p)
{
    GENERAL_NAMES *sans = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    md_names *names = md_names_make(p);

    for (int i = 0; i < sk_GENERAL_NAME_num(sans) && i < NAMES_MAX; ++i) {
        const char *name = name_text(sk_GENERAL_NAME_value(sans, i), p);

        if (name)
            md_names_add(names, name);
    }
    GENERAL_NAMES_free(sans);
    return names;
}

static md_bytes serial_bytes(X509 *cert, apr_pool_t *p)
{
    unsigned char *der = NULL;
    int size = i2d_ASN1_INTEGER((ASN1_INTEGER *)(apr_uintptr_t)X509_get0_serialNumber(cert), &der);
    md_bytes out = { "", 0 };

    /* tag and a short length stand before the content; serials are at most 20 octets (RFC 5280 4.1.2.2), 127
     * are bearable */
    if (size > 2 && der[1] < 0x80)
        out = (md_bytes){ apr_pstrmemdup(p, (const char *)der + 2, (apr_size_t)size - 2),
                          (apr_size_t)size - 2 };
    OPENSSL_free(der);
    return out;
}

static const char *serial_text(md_bytes serial, apr_pool_t *p)
{
    char *text;

    if (serial.size > 1 && serial.data[0] == 0)
        serial = (md_bytes){ serial.data + 1, serial.size - 1 };
    text = apr_pstrdup(p, md_hex(serial, p));
    for (char *at = text; *at; ++at)
        if (*at >= 'a')
            *at = (char)(*at - 'a' + 'A');
    return text;
}

/** First URI of the authority information access extension with this method. */
static const char *access_uri(const AUTHORITY_INFO_ACCESS *access, int method, apr_pool_t *p)
{
    for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(access); ++i) {
        const ACCESS_DESCRIPTION *each = sk_ACCESS_DESCRIPTION_value(access, i);
        const GENERAL_NAME *at = each->location;

        if (OBJ_obj2nid(each->method) == method && at->type == GEN_URI)
            return apr_pstrmemdup(p, (const char *)ASN1_STRING_get0_data(at->d.uniformResourceIdentifier),
                                  (apr_size_t)ASN1_STRING_length(at->d.uniformResourceIdentifier));
    }
    return NULL;
}

static const char *ari_id(X509 *cert, md_bytes serial, apr_pool_t *p)
{
    const ASN1_OCTET_STRING *aki = X509_get0_authority_key_id(cert);

    if (!aki || !serial.size)
        return NULL;
    return apr_pstrcat(
        p,
        md_b64url((md_bytes){ (const char *)ASN1_STRING_get0_data(aki), (apr_size_t)ASN1_STRING_length(aki) },
                  p),
        ".", md_b64url(serial, p), NULL);
}

static const char *one_line(const X509_NAME *name, apr_pool_t *p)
{
    char *line = X509_NAME_oneline(name, NULL, 0);
    const char *copy = apr_pstrdup(p, line ? line : "");

    OPENSSL_free(line);
    return copy;
}

static const char *common_name(X509_NAME *name, apr_pool_t *p)
{
    char text[256];
    int length = X509_NAME_get_text_by_NID(name, NID_commonName, text, sizeof(text));

    return length > 0 ? apr_pstrmemdup(p, text, (apr_size_t)length) : NULL;
}

/** RFC 7633: does the TLS feature extension list status_request (5)? */
static int has_must_staple(X509 *cert)
{
    TLS_FEATURE *features = X509_get_ext_d2i(cert, NID_tlsfeature, NULL, NULL);
    int found = 0;

    for (int i = 0; i < sk_ASN1_INTEGER_num(features); ++i)
        found |= ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) == MD_TLS_STATUS_REQUEST;
    TLS_FEATURE_free(features);
    return found;
}

/** Those that the CA has put into the certificate. */
static const apr_array_header_t *scts_of(X509 *cert, apr_pool_t *p)
{
    STACK_OF(SCT) *list = X509_get_ext_d2i(cert, NID_ct_precert_scts, NULL, NULL);
    apr_array_header_t *scts = list ? apr_array_make(p, 2, sizeof(md_sct)) : NULL;

    for (int i = 0; i < sk_SCT_num(list) && i < SCTS_MAX; ++i) {
        const SCT *each = sk_SCT_value(list, i);
        unsigned char *id = NULL, *signature = NULL;
        const size_t size = SCT_get0_log_id(each, &id), length = SCT_get0_signature(each, &signature);

        APR_ARRAY_PUSH(scts, md_sct) =
            (md_sct){ .log_id = md_hex((md_bytes){ (const char *)id, size }, p),
                      .at = apr_time_from_msec((apr_time_t)(SCT_get_timestamp(each) % TIMESTAMP_MAX)),
                      .signature = md_hex((md_bytes){ (const char *)signature, length }, p),
                      .signature_type = OBJ_nid2ln(SCT_get_signature_nid(each)) };
    }
    SCT_LIST_free(list);
    return scts;
}

md_err *md_cert_facts_of(X509 *cert, apr_pool_t *p, md_cert_facts *out)
{
    md_bytes serial = serial_bytes(cert, p);
    AUTHORITY_INFO_ACCESS *access = X509_get_ext_d2i(cert, NID_info_access, NULL, NULL);

    *out = (md_cert_facts){
        .valid = { md_asn1_time(X509_get0_notBefore(cert)), md_asn1_time(X509_get0_notAfter(cert)) },
        .names = names_of(cert, p),
        .serial = serial_text(serial, p),
        .sha256 = digest_hex(cert, EVP_sha256(), p),
        .sha1 = digest_hex(cert, EVP_sha1(), p),
        .issuer = one_line(X509_get_issuer_name(cert), p),
        .issuer_uri = access_uri(access, NID_ad_ca_issuers, p),
        .ocsp_uri = access_uri(access, NID_ad_OCSP, p),
        .ari_id = ari_id(cert, serial, p),
        .subject_cn = common_name(X509_get_subject_name(cert), p),
        .scts = scts_of(cert, p),
        .must_staple = has_must_staple(cert),
        .self_signed = X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(cert)) == 0,
    };
    AUTHORITY_INFO_ACCESS_free(access);
    ERR_clear_error();
    if (!out->valid.until)
        return bad_chain(p, "the certificate has no readable end of validity");
    return NULL;
}

md_err *md_chain_leaf_der(const md_chain *chain, apr_pool_t *p, md_bytes *der)
{
    unsigned char *bytes = NULL;
    const int size = i2d_X509(sk_X509_value(chain, 0), &bytes);

    if (size <= 0)
        return md_fail_tls(p, "md:bad-certificate", "cannot encode the certificate");
    *der = (md_bytes){ apr_pmemdup(p, bytes, (apr_size_t)size), (apr_size_t)size };
    OPENSSL_free(bytes);
    return NULL;
}

const char *md_chain_top_issuer(const md_chain *chain, apr_pool_t *p)
{
    const int count = sk_X509_num(chain);

    return count > 0 ? common_name(X509_get_issuer_name(sk_X509_value(chain, count - 1)), p) : NULL;
}

md_err *md_chain_facts(const md_chain *chain, apr_pool_t *p, md_cert_facts *out)
{
    return md_cert_facts_of(sk_X509_value(chain, 0), p, out);
}

md_err *md_chain_check_links(const md_chain *chain, apr_pool_t *p)
{
    for (int i = 0; i + 1 < sk_X509_num(chain); ++i) {
        X509 *cert = sk_X509_value(chain, i), *issuer = sk_X509_value(chain, i + 1);

        if (X509_check_issued(issuer, cert) == X509_V_OK && X509_verify(cert, X509_get0_pubkey(issuer)) > 0)
            continue;
        ERR_clear_error();
        return md_fail(p, MD_FAULT_REMOTE, "md:bad-certificate",
                       "the chain does not fit: certificate %d (%s) was not issued by the next one (%s)",
                       i + 1, one_line(X509_get_subject_name(cert), p),
                       one_line(X509_get_subject_name(issuer), p));
    }
    return NULL;
}

md_err *md_chain_check_key(const md_chain *chain, const md_key *key, apr_pool_t *p)
{
    if (X509_check_private_key(sk_X509_value(chain, 0), (EVP_PKEY *)key) == 1)
        return NULL;
    ERR_clear_error();
    return bad_chain(p, "the certificate was not made for this private key");
}

/** Addresses are compared in the form in which facts have them. */
static int is_covered(const md_names *by, const char *name, apr_pool_t *p)
{
    unsigned char octets[MD_IP_OCTETS_MAX];
    int size = md_ip_octets(name, octets);
    const char *wanted = size ? md_ip_text(octets, size, p) : name;

    for (int i = 0; i < by->nelts; ++i) {
        if (md_name_matches(MD_NAME(by, i), wanted))
            return 1;
    }
    return 0;
}

md_err *md_facts_check_names(const md_cert_facts *facts, const md_names *names, apr_pool_t *p)
{
    for (int i = 0; i < names->nelts; ++i) {
        if (!is_covered(facts->names, MD_NAME(names, i), p))
            return md_fail(p, MD_FAULT_REMOTE, "md:bad-certificate", "the certificate does not cover %s",
                           MD_NAME(names, i));
    }
    return NULL;
}

const char *md_key_sha256(const md_key *key, apr_pool_t *p)
{
    unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    int length = i2d_PUBKEY((EVP_PKEY *)key, &der);

    if (length > 0)
        EVP_Digest(der, (size_t)length, digest, &size, EVP_sha256(), NULL);
    OPENSSL_free(der);
    return md_hex((md_bytes){ (const char *)digest, size }, p);
}
