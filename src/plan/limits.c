/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As of 2026: names in a certificate and types of keys. Let's Encrypt is the one whose rules are public and
 * whose users are many; of others only the usual is known.
 */
#include "plan/limits.h"

#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#define LETS_ENCRYPT ".letsencrypt.org/"

enum { MOST_NAMES = 100, MOST_NAMES_SMALL = 25 };

static int is_lets_encrypt(const md_domain *domain)
{
    return strstr(md_domain_ca_url(domain), LETS_ENCRYPT) != NULL;
}

/** The profiles of Let's Encrypt for small certificates. */
static int is_small_profile(const char *profile)
{
    return profile && (!strcasecmp(profile, "tlsserver") || !strcasecmp(profile, "shortlived"));
}

static const char *too_many_names(const md_domain *domain, apr_pool_t *p)
{
    const char *profile = domain->policy.profile;
    int count;

    if (domain->names->nelts <= MOST_NAMES_SMALL)
        return NULL;
    count = md_domain_order_names(domain, p)->nelts;
    if (is_lets_encrypt(domain) && is_small_profile(profile) && count > MOST_NAMES_SMALL)
        return apr_psprintf(
            p,
            "has %d names, but Let's Encrypt puts at most %d into a certificate of the profile '%s' and "
            "will refuse the order: divide the names among several domains, or change MDProfile",
            count, MOST_NAMES_SMALL, profile);
    if (count <= MOST_NAMES)
        return NULL;
    if (is_lets_encrypt(domain))
        return apr_psprintf(
            p,
            "has %d names, but Let's Encrypt puts at most %d into one certificate and will refuse the "
            "order: divide the names among several domains",
            count, MOST_NAMES);
    return apr_psprintf(
        p,
        "has %d names, but most certificate authorities put at most %d into one certificate and refuse "
        "an order of more: divide the names among several domains, unless yours takes them",
        count, MOST_NAMES);
}

static const char *addresses(const md_domain *domain)
{
    const char *profile = domain->policy.profile;

    if (!is_lets_encrypt(domain) || (profile && !strcasecmp(profile, "shortlived")))
        return NULL;
    for (int i = 0; i < domain->names->nelts; ++i)
        if (md_is_address(MD_NAME(domain->names, i)))
            return "has an IP address among its names, which Let's Encrypt certifies in its profile "
                   "'shortlived' only and will refuse here: set 'MDProfile shortlived'";
    return NULL;
}

static const char *short_names(const md_domain *domain, apr_pool_t *p)
{
    for (int i = 0; is_lets_encrypt(domain) && i < domain->names->nelts; ++i)
        if (!strchr(MD_NAME(domain->names, i), '.') && !md_is_address(MD_NAME(domain->names, i)))
            return apr_psprintf(p,
                                "has the name '%s', which has no dot: no public certificate authority "
                                "certifies it, and Let's Encrypt will refuse the order",
                                MD_NAME(domain->names, i));
    return NULL;
}

static const char *refused_key(const md_domain *domain, const md_key_spec *spec, apr_pool_t *p)
{
    if (!is_lets_encrypt(domain) || md_key_spec_is_common(spec))
        return NULL;
    return apr_psprintf(p,
                        "wants a key of the type %s, but Let's Encrypt takes " MD_KEYS_COMMON
                        " only and will refuse to sign it: change MDPrivateKeys",
                        md_key_spec_shown(spec, p));
}

/** OpenSSL keeps one certificate of each kind: RSA, elliptic curves, Ed25519. */
static const char *several_curves(const md_domain *domain, apr_pool_t *p)
{
    md_names *curves = md_names_make(p);

    for (int i = 0; i < domain->policy.keys->nelts; ++i)
        if (MD_SPEC(domain->policy.keys, i)->type == MD_KEY_EC)
            md_names_add(curves, MD_SPEC(domain->policy.keys, i)->curve);
    if (curves->nelts < 2)
        return NULL;
    return apr_psprintf(
        p,
        "wants keys of %d elliptic curves (%s), but a TLS server uses one such key only, the last: leave "
        "one of them in MDPrivateKeys",
        curves->nelts, md_names_join(curves, ", ", p));
}

static void add(md_names *clauses, const char *clause)
{
    if (clause)
        md_names_add(clauses, clause);
}

md_names *md_limits_of(const md_domain *domain, apr_pool_t *p)
{
    md_names *clauses = md_names_make(p);

    if (md_domain_is_static(domain) && domain->policy.renew_mode != MD_RENEW_ALWAYS)
        return clauses;
    add(clauses, too_many_names(domain, p));
    add(clauses, addresses(domain));
    add(clauses, short_names(domain, p));
    add(clauses, several_curves(domain, p));
    for (int i = 0; i < domain->policy.keys->nelts; ++i)
        add(clauses, refused_key(domain, MD_SPEC(domain->policy.keys, i), p));
    return clauses;
}
