/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the units over ldns share.
 */
#ifndef MD_NET_DNS_INSIDE_H
#define MD_NET_DNS_INSIDE_H

#include <ldns/ldns.h>

#include "net/dns.h"

struct md_dns {
    ldns_resolver *resolver;
};

/** "example.org" as ldns has it, without a dot at the end. */
const char *md_dns_name_text(const ldns_rdf *name, apr_pool_t *p);

#endif
