/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chains in and out of PEM, the facts of a certificate, and the checks that leaf, key, names and chain fit.
 */
#include "tls/cert.h"

#include <apr_strings.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

enum { CHAIN_MAX = 16, PEM_MAX = 256 * 1024, NAMES_MAX = 1024 };

md_err *md_chain_from_pem(md_bytes pem, apr_pool_t *p, md_chain **out)
{
    md_chain *chain = md_own_chain(p, sk_X509_new_null());
    BIO *bio;
    X509 *cert;

    *out = NULL;
    if (!pem.data || pem.size > PEM_MAX)
        return md_fail(p, MD_FAULT_REMOTE, "md:bad-certificate",
                       "this is no certificate chain, or it is too large");
    bio = md_own_bio(p, BIO_new_mem_buf(pem.data, (int)pem.size));
    while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        sk_X509_push(chain, cert);
        if (sk_X509_num(chain) > CHAIN_MAX)
            return md_fail(p, MD_FAULT_REMOTE, "md:bad-certificate",
                           "the chain has more than %d certificates", CHAIN_MAX);
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return md_fail_tls(p, "md:bad-certificate", "a certificate of the chain cannot be read");
    ERR_clear_error();
    if (sk_X509_num(chain) == 0)
        return md_fail(p, MD_FAULT_REMOTE, "md:bad-certificate", "there is no certificate in it");
    *out = chain;
    return NULL;
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

static apr_time_t time_of(const ASN1_TIME *asn1)
{
    struct tm parts;
    time_t t;

    memset(&parts, 0, sizeof(parts));
    if (!asn1 || !ASN1_TIME_to_tm(asn1, &parts))
        return 0;
    t = timegm(&parts);
    return t > 0 ? apr_time_from_sec(t) : 0;
}

static const char *digest_hex(X509 *cert, const EVP_MD *type, apr_pool_t *p)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;

    if (!X509_digest(cert, type, digest, &size))
        return "";
    return md_hex((md_bytes){ (const char *)digest, size }, p);
}

static const char *ip_text(const ASN1_OCTET_STRING *ip, apr_pool_t *p)
{
    const unsigned char *b = ASN1_STRING_get0_data(ip);
    const char *out = "";

    if (ASN1_STRING_length(ip) == 4)
        return apr_psprintf(p, "%d.%d.%d.%d", b[0], b[1], b[2], b[3]);
    if (ASN1_STRING_length(ip) != 16)
        return NULL;
    for (int i = 0; i < 16; i += 2)
        out = apr_psprintf(p, "%s%s%x", out, i ? ":" : "", b[i] << 8 | b[i + 1]);
    return out;
}

static md_names *names_of(X509 *cert, apr_pool_t *p)
{
    GENERAL_NAMES *sans = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    md_names *names = md_names_make(p);

    for (int i = 0; i < sk_GENERAL_NAME_num(sans) && i < NAMES_MAX; ++i) {
        const GENERAL_NAME *san = sk_GENERAL_NAME_value(sans, i);
        const char *name = NULL;

        if (san->type == GEN_DNS)
            name = apr_pstrmemdup(p, (const char *)ASN1_STRING_get0_data(san->d.dNSName),
                                  (apr_size_t)ASN1_STRING_length(san->d.dNSName));
        else if (san->type == GEN_IPADD)
            name = ip_text(san->d.iPAddress, p);
        if (name)
            md_names_add(names, md_lower(name, p));
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

static const char *common_name(X509 *cert, apr_pool_t *p)
{
    char text[256];
    int length = X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, text, sizeof(text));

    return length > 0 ? apr_pstrmemdup(p, text, (apr_size_t)length) : NULL;
}

/** RFC 7633: does the TLS feature extension list status_request (5)? */
static int has_must_staple(X509 *cert)
{
    TLS_FEATURE *features = X509_get_ext_d2i(cert, NID_tlsfeature, NULL, NULL);
    int found = 0;

    for (int i = 0; i < sk_ASN1_INTEGER_num(features); ++i)
        found |= ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) == 5;
    TLS_FEATURE_free(features);
    return found;
}

md_err *md_cert_facts_of(X509 *cert, apr_pool_t *p, md_cert_facts *out)
{
    md_bytes serial = serial_bytes(cert, p);
    AUTHORITY_INFO_ACCESS *access = X509_get_ext_d2i(cert, NID_info_access, NULL, NULL);

    *out = (md_cert_facts){
        .valid = { time_of(X509_get0_notBefore(cert)), time_of(X509_get0_notAfter(cert)) },
        .names = names_of(cert, p),
        .serial = serial_text(serial, p),
        .sha256 = digest_hex(cert, EVP_sha256(), p),
        .sha1 = digest_hex(cert, EVP_sha1(), p),
        .issuer = one_line(X509_get_issuer_name(cert), p),
        .issuer_uri = access_uri(access, NID_ad_ca_issuers, p),
        .ocsp_uri = access_uri(access, NID_ad_OCSP, p),
        .ari_id = ari_id(cert, serial, p),
        .subject_cn = common_name(cert, p),
        .must_staple = has_must_staple(cert),
        .self_signed = X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(cert)) == 0,
    };
    AUTHORITY_INFO_ACCESS_free(access);
    ERR_clear_error();
    if (!out->valid.until)
        return md_fail(p, MD_FAULT_REMOTE, "md:bad-certificate",
                       "the certificate has no readable end of validity");
    return NULL;
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
    return md_fail(p, MD_FAULT_REMOTE, "md:bad-certificate",
                   "the certificate was not made for this private key");
}

md_err *md_facts_check_names(const md_cert_facts *facts, const md_names *names, apr_pool_t *p)
{
    for (int i = 0; i < names->nelts; ++i) {
        int covered = 0;

        for (int k = 0; k < facts->names->nelts && !covered; ++k)
            covered = md_name_matches(MD_NAME(facts->names, k), MD_NAME(names, i));
        if (!covered)
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
