/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of extensions are built from their parts, never from text in OpenSSL's configuration syntax:
 * whatever a name contains, it stays one name.
 */
#include "tls/extensions.h"

#include <apr_strings.h>
#include <arpa/inet.h>
#include <string.h>

enum { V4_OCTETS = 4 };

int md_ip_octets(const char *name, unsigned char octets[MD_IP_OCTETS_MAX])
{
    if (inet_pton(AF_INET, name, octets) == 1)
        return V4_OCTETS;
    return inet_pton(AF_INET6, name, octets) == 1 ? MD_IP_OCTETS_MAX : 0;
}

const char *md_ip_text(const unsigned char *octets, int size, apr_pool_t *p)
{
    char text[INET6_ADDRSTRLEN];

    if (size != V4_OCTETS && size != MD_IP_OCTETS_MAX)
        return NULL;
    return apr_pstrdup(
        p, inet_ntop(size == V4_OCTETS ? AF_INET : AF_INET6, octets, text, (socklen_t)sizeof(text)));
}

static GENERAL_NAME *alternative_name(const char *name)
{
    unsigned char octets[MD_IP_OCTETS_MAX];
    int size = md_ip_octets(name, octets);
    const void *value = size ? (const void *)octets : name;
    GENERAL_NAME *out = GENERAL_NAME_new();
    ASN1_STRING *text = ASN1_STRING_type_new(size ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);

    if (!out || !text || !ASN1_STRING_set(text, value, size ? size : (int)strlen(name))) {
        ASN1_STRING_free(text);
        GENERAL_NAME_free(out);
        return NULL;
    }
    GENERAL_NAME_set0_value(out, size ? GEN_IPADD : GEN_DNS, text);
    return out;
}

static apr_status_t free_names(void *names)
{
    GENERAL_NAMES_free(names);
    return APR_SUCCESS;
}

GENERAL_NAMES *md_alternative_names(const md_names *names, apr_pool_t *p)
{
    GENERAL_NAMES *out = GENERAL_NAMES_new();

    apr_pool_cleanup_register(p, out, free_names, apr_pool_cleanup_null);
    for (int i = 0; out && i < names->nelts; ++i) {
        GENERAL_NAME *each = alternative_name(MD_NAME(names, i));

        if (!each || !sk_GENERAL_NAME_push(out, each))
            return NULL;
    }
    return out;
}

static apr_status_t free_features(void *features)
{
    TLS_FEATURE_free(features);
    return APR_SUCCESS;
}

TLS_FEATURE *md_must_staple(apr_pool_t *p)
{
    TLS_FEATURE *out = TLS_FEATURE_new();
    ASN1_INTEGER *feature = ASN1_INTEGER_new();

    apr_pool_cleanup_register(p, out, free_features, apr_pool_cleanup_null);
    if (!out || !feature || !ASN1_INTEGER_set(feature, MD_TLS_STATUS_REQUEST) ||
        !sk_ASN1_INTEGER_push(out, feature)) {
        ASN1_INTEGER_free(feature);
        return NULL;
    }
    return out;
}

const EVP_MD *md_signing_digest(const md_key *key)
{
    return EVP_PKEY_base_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
}
