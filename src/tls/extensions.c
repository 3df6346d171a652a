/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extensions by OpenSSL's configuration syntax; names are checked before they get here, so commas cannot
 * smuggle in others.
 */
#include "tls/extensions.h"

#include <apr_strings.h>
#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <string.h>

int md_extension_add(STACK_OF(X509_EXTENSION) * list, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    return extension && sk_X509_EXTENSION_push(list, extension) > 0;
}

static int is_ip(const char *name)
{
    unsigned char address[16];

    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

const char *md_extension_sans(const md_names *names, apr_pool_t *p)
{
    md_names *parts = apr_array_make(p, names->nelts, sizeof(const char *));

    for (int i = 0; i < names->nelts; ++i) {
        const char *name = MD_NAME(names, i);

        if (!name[strcspn(name, ",;\"\\ \t\n")])
            md_names_add(parts, apr_pstrcat(p, is_ip(name) ? "IP:" : "DNS:", name, NULL));
    }
    return md_names_join(parts, ",", p);
}

const EVP_MD *md_signing_digest(const md_key *key)
{
    return EVP_PKEY_base_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
}
