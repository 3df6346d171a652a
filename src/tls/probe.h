/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One TLS handshake to an address, to see which certificate a client gets. The peer's certificate is not
 * verified: the caller compares it with the one it expects. Bounded in time; blocks the calling thread.
 */
#ifndef MD_TLS_PROBE_H
#define MD_TLS_PROBE_H

#include <stdatomic.h>
#include "tls/cert.h"

typedef struct md_probe_target {
    const char *host; /* numeric address */
    unsigned short port;
    const char *sni;         /* server name to ask for */
    const char *alpn;        /* protocol to ask for, or NULL; it fails where another or none is chosen */
    const md_key_spec *spec; /* ask for this type of key by signature algorithms; NULL: any */
    apr_interval_time_t timeout;
    const atomic_int *cancelled; /* non-zero ends it within a fifth of a second; may be NULL */
} md_probe_target;

/** Connects, shakes hands, closes. `facts` describe the leaf that was served. Fails as "md:probe". */
MD_MUST md_err *md_probe(const md_probe_target *target, apr_pool_t *p, md_cert_facts *facts);

#endif
