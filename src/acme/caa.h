/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May a CA issue? What the owner of a domain says about it in DNS (RFC 8659, RFC 8657). Pure.
 */
#ifndef MD_ACME_CAA_H
#define MD_ACME_CAA_H

#include "net/dns.h"

/** Who wants a certificate. */
typedef struct md_caa_asker {
    const char **identities; /* of the CA ("letsencrypt.org"), NULL-terminated */
    const char *account;     /* URL, or NULL: not known */
    const md_names *methods; /* challenge types that may be used, or NULL: not known */
} md_caa_asker;

/** NULL: it may, else why not, as a clause. `name` may be a wildcard; records of md_caa. */
const char *md_caa_reason(const apr_array_header_t *records, const char *name, const md_caa_asker *asker,
                          apr_pool_t *p);

#endif
