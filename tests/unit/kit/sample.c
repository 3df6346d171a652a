/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CA in a hundred lines. What goes wrong in here ends the test.
 */
#include "kit/sample.h"

#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/x509v3.h>

#include "kit/kit.h"

#define DAY apr_time_from_sec(86400)

md_names *sample_names(const char *words, apr_pool_t *p)
{
    return md_words(words, p);
}

md_key_spec sample_spec(const char *word, apr_pool_t *p)
{
    md_key_specs *specs;
    const char *why = md_key_specs_read(md_words(word ? word : "P-256", p), p, &specs);

    ck_assert_msg(!why, "%s: %s", word, why);
    return *MD_SPEC(specs, 0);
}

static EVP_PKEY *shared_rsa;

void sample_share_rsa(void)
{
    const md_key_spec spec = { .type = MD_KEY_RSA, .bits = 2048 };
    apr_pool_t *p;
    md_key *key;

    if (shared_rsa)
        return;
    apr_pool_create(&p, NULL);
    CHECK_OK(md_key_make(&spec, p, &key));
    shared_rsa = md_key_keep(key);
    apr_pool_destroy(p);
}

md_key *sample_key(const char *word, apr_pool_t *p)
{
    md_key_spec spec = sample_spec(word, p);
    md_key *key;

    if (spec.type == MD_KEY_RSA && spec.bits == 2048) {
        sample_share_rsa();
        return md_own_key(p, md_key_keep(shared_rsa));
    }
    CHECK_OK(md_key_make(&spec, p, &key));
    return key;
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    ck_assert_msg(extension && X509_add_ext(cert, extension, -1), "extension '%s'", value);
    X509_EXTENSION_free(extension);
}

static void set_serial(X509 *cert, const char *hex)
{
    BIGNUM *number = BN_new();

    if (hex)
        ck_assert(BN_hex2bn(&number, hex));
    else
        ck_assert(BN_rand(number, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY));
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
    BN_free(number);
}

/** An unsigned certificate; `issuer` NULL: issued by itself. */
static X509 *draft(X509 *issuer, const char *cn, const md_key *key, md_period valid, apr_pool_t *p)
{
    X509 *cert = md_own_x509(p, X509_new());
    X509_NAME *subject = X509_get_subject_name(cert);

    if (!valid.until)
        valid = (md_period){ apr_time_now() - DAY, apr_time_now() + 89 * DAY };
    X509_set_version(cert, 2);
    if (cn)
        X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, (const unsigned char *)cn, -1, -1,
                                   0);
    X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : subject);
    X509_set_pubkey(cert, (EVP_PKEY *)key);
    ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)apr_time_sec(valid.from));
    ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)apr_time_sec(valid.until));
    return cert;
}

static X509 *make_issuer(X509 *issuer, md_key *signer, const char *cn, const md_key *key, apr_pool_t *p)
{
    const md_period valid = { apr_time_now() - 300 * DAY, apr_time_now() + 3000 * DAY };
    X509 *cert = draft(issuer, cn, key, valid, p);

    set_serial(cert, NULL);
    add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature");
    add_extension(cert, cert, NID_subject_key_identifier, "hash");
    add_extension(cert, issuer ? issuer : cert, NID_authority_key_identifier, "keyid");
    ck_assert_int_gt(X509_sign(cert, signer, EVP_sha256()), 0);
    return cert;
}

sample_ca *sample_ca_make(const char *name, apr_pool_t *p)
{
    sample_ca *ca = apr_pcalloc(p, sizeof(*ca));

    ca->root_key = sample_key("P-256", p);
    ca->key = sample_key("P-256", p);
    ca->root = make_issuer(NULL, ca->root_key, apr_pstrcat(p, name, " Root", NULL), ca->root_key, p);
    ca->cert = make_issuer(ca->root, ca->root_key, apr_pstrcat(p, name, " Issuer", NULL), ca->key, p);
    return ca;
}

static const char *sans_text(const md_names *names, apr_pool_t *p)
{
    const char *text = "";

    for (int i = 0; i < names->nelts; ++i) {
        ASN1_OCTET_STRING *address = a2i_IPADDRESS(MD_NAME(names, i));

        text = apr_pstrcat(p, text, i ? "," : "", address ? "IP:" : "DNS:", MD_NAME(names, i), NULL);
        ASN1_OCTET_STRING_free(address);
    }
    return text;
}

static void add_access(X509 *cert, const sample_wish *wish, apr_pool_t *p)
{
    const char *ocsp = wish->ocsp_uri ? apr_pstrcat(p, "OCSP;URI:", wish->ocsp_uri, NULL) : NULL;
    const char *issuer = wish->issuer_uri ? apr_pstrcat(p, "caIssuers;URI:", wish->issuer_uri, NULL) : NULL;

    if (ocsp && issuer)
        ocsp = apr_pstrcat(p, ocsp, ",", issuer, NULL);
    if (ocsp || issuer)
        add_extension(cert, cert, NID_info_access, ocsp ? ocsp : issuer);
}

static md_chain *chain_of(const sample_ca *ca, X509 *leaf, apr_pool_t *p)
{
    md_chain *chain = md_own_chain(p, sk_X509_new_null());

    X509_up_ref(leaf);
    sk_X509_push(chain, leaf);
    X509_up_ref(ca->cert);
    sk_X509_push(chain, ca->cert);
    return chain;
}

md_chain *sample_issue(const sample_ca *ca, const md_key *key, const sample_wish *wish, apr_pool_t *p)
{
    X509 *leaf = draft(ca->cert, wish->names->nelts ? MD_NAME(wish->names, 0) : NULL, key, wish->valid, p);

    set_serial(leaf, wish->serial);
    if (wish->names->nelts)
        add_extension(leaf, leaf, NID_subject_alt_name, sans_text(wish->names, p));
    add_extension(leaf, leaf, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(leaf, leaf, NID_key_usage, "critical,digitalSignature");
    add_extension(leaf, leaf, NID_ext_key_usage, "serverAuth");
    if (!wish->no_aki)
        add_extension(leaf, ca->cert, NID_authority_key_identifier, "keyid");
    if (wish->must_staple)
        add_extension(leaf, leaf, NID_tlsfeature, "status_request");
    add_access(leaf, wish, p);
    ck_assert_int_gt(X509_sign(leaf, ca->key, EVP_sha256()), 0);
    return chain_of(ca, leaf, p);
}

static md_names *names_of(X509_REQ *request, apr_pool_t *p)
{
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    GENERAL_NAMES *sans = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
    md_names *names = md_names_make(p);

    for (int i = 0; i < sk_GENERAL_NAME_num(sans); ++i) {
        BIO *bio = BIO_new(BIO_s_mem());
        char *text = NULL;
        long size;

        GENERAL_NAME_print(bio, sk_GENERAL_NAME_value(sans, i));
        size = BIO_get_mem_data(bio, &text);
        text = apr_pstrmemdup(p, text, (apr_size_t)size); /* "DNS:name", "IP Address:1.2.3.4" */
        md_names_add(names, strchr(text, ':') + 1);
        BIO_free(bio);
    }
    GENERAL_NAMES_free(sans);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return names;
}

static int wants_staple(X509_REQ *request)
{
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    int found = X509v3_get_ext_by_NID(extensions, NID_tlsfeature, -1) >= 0;

    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return found;
}

md_chain *sample_issue_request(const sample_ca *ca, md_bytes csr, md_period valid, apr_pool_t *p)
{
    const unsigned char *at = (const unsigned char *)csr.data;
    X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)csr.size);
    sample_wish wish = { .valid = valid };
    EVP_PKEY *key = request ? md_own_key(p, X509_REQ_get_pubkey(request)) : NULL;
    md_chain *chain = NULL;

    if (key && X509_REQ_verify(request, key) == 1) {
        wish.names = names_of(request, p);
        wish.must_staple = wants_staple(request);
        chain = wish.names->nelts ? sample_issue(ca, key, &wish, p) : NULL;
    }
    X509_REQ_free(request);
    return chain;
}

md_bytes sample_pem(const md_chain *chain, apr_pool_t *p)
{
    md_bytes pem;

    CHECK_OK(md_chain_to_pem(chain, p, &pem));
    return pem;
}

md_bytes sample_root_pem(const sample_ca *ca, apr_pool_t *p)
{
    md_chain *chain = md_own_chain(p, sk_X509_new_null());

    X509_up_ref(ca->root);
    sk_X509_push(chain, ca->root);
    return sample_pem(chain, p);
}
