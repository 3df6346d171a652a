/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dynamic updates of DNS zones (RFC 2136), signed by TSIG (RFC 8945). Bounded in time; blocks the calling
 * thread.
 */
#ifndef MD_NET_DNS_UPDATE_H
#define MD_NET_DNS_UPDATE_H

#include "base/text.h"

/** Who takes updates, and the key that they are signed with. */
typedef struct md_dns_authority {
    const char *server;    /* address, with or without port */
    const char *key;       /* name of the key */
    const char *algorithm; /* "hmac-sha256" ... */
    const char *secret;    /* base64 */
    const char *zone;      /* NULL: found by asking the server */
} md_dns_authority;

/** Why it cannot be used: the server is no address, the algorithm not known, the secret no base64. A clause;
 * NULL if it can. Nobody is asked. */
const char *md_dns_authority_reason(const md_dns_authority *to, apr_pool_t *p);

/**
 * Adds (or removes) the TXT record `text` at `name`; other records there stay. Done already is success. The
 * answer's signature is checked. Failures: MD_FAULT_REMOTE "md:dns" without an answer, MD_FAULT_CONFIG
 * "md:dns-update" for a refusal, in a sentence on what to change.
 */
MD_MUST md_err *md_dns_set_text(const md_dns_authority *to, const char *name, const char *text, int add,
                                apr_pool_t *p);

#endif
