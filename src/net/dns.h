/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to name servers, as a certificate authority would ask them: /etc/hosts does not count. Over ldns;
 * bounded in time; blocks the calling thread.
 */
#ifndef MD_NET_DNS_H
#define MD_NET_DNS_H

#include "base/text.h"

typedef struct md_dns md_dns;

/** Why text cannot be used as name server, as a clause; NULL if it can. */
const char *md_dns_server_reason(const char *server, apr_pool_t *p);
/** Its address without the port. */
const char *md_dns_server_host(const char *server, apr_pool_t *p);
/** Who is asked: the name servers of the system, or one ("192.0.2.53", "192.0.2.53:5353", "[::1]:5353").
 * Lives in the pool. */
MD_MUST md_err *md_dns_open(const char *server, apr_pool_t *p, md_dns **out);

/** IPv4 and IPv6 addresses of a name as text; CNAMEs are followed by the name server; an address is its own.
 * None: an empty list.
 * Failures are MD_FAULT_REMOTE "md:dns". */
MD_MUST md_err *md_dns_addresses(md_dns *dns, const char *name, apr_pool_t *p, md_names **out);

/** The TXT records of a name, the strings of each joined (RFC 1035 3.3.14). None: an empty list. */
MD_MUST md_err *md_dns_texts(md_dns *dns, const char *name, apr_pool_t *p, md_names **out);
/** The name that CNAMEs lead to, 8 at most; `name` itself if there are none. Without a dot at the end. */
MD_MUST md_err *md_dns_follow(md_dns *dns, const char *name, apr_pool_t *p, const char **out);
/** The zone that a name is in, by its SOA record. */
MD_MUST md_err *md_dns_zone(md_dns *dns, const char *name, apr_pool_t *p, const char **zone);
/** Addresses of the name servers of a zone as text, 16 at most, in a fixed order. */
MD_MUST md_err *md_dns_servers(md_dns *dns, const char *zone, apr_pool_t *p, md_names **out);

/** One CAA record (RFC 8659 4.1). */
typedef struct md_caa {
    int critical;
    const char *tag, *value;
} md_caa;

/** The records that apply to a name: its own or those of its nearest parent that has some (RFC 8659 3), of
 * md_caa; *at is whose. None: an empty array. */
MD_MUST md_err *md_dns_caa(md_dns *dns, const char *name, apr_pool_t *p, apr_array_header_t **out,
                           const char **at);

#endif
