/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an adapter (httpd, command line, test) gives to the jobs: store, plan, clock, events and the way to
 * the network, and what it wants to be called for. Read-only after it is made; shared by all worker threads.
 */
#ifndef MD_JOBS_CORE_H
#define MD_JOBS_CORE_H

#include "acme/ca.h"
#include "base/exec.h"
#include "jobs/events.h"
#include "plan/due.h"
#include "plan/plan.h"

typedef struct md_core md_core;
struct md_core {
    md_store *store;
    const md_plan *plan;
    const md_clock *clock;
    const md_events *events;
    const md_exec_limits *exec;  /* of the operator's commands; NULL: of one command at a time */
    const md_http_options *http; /* the engine adds its own `cancelled` */
    /** A complete, verified set waits in STAGING: children may serve it. NULL: nobody does. */
    void (*staged)(void *self, const md_domain *domain);
    /** A new account waits in staging/<domain>: root may move it. NULL: nobody does. */
    void (*account_staged)(void *self, const md_domain *domain);
    /** Proves by handshakes to ourselves that clients of the domain get this leaf (sha256 hex) for the key
     * spec. *served 0: not checkable or nothing to check. Bounded in time. NULL: not done. */
    md_err *(*prove)(void *self, const md_domain *domain, const md_key_spec *spec, const char *sha256,
                     apr_pool_t *p);
    /** Facts that only the adapter's process can know about the live certificates of a domain: children
     * cannot read DOMAINS. Fills one entry per key spec. */
    md_err *(*facts)(void *self, const md_domain *domain, apr_pool_t *p,
                     apr_array_header_t **facts /* of md_cert_fact */);
    /** Adds what only the adapter knows to a domain's status entry ("live": {"since", "proved", "error"}).
     * NULL: nothing. */
    void (*add_status)(void *self, const md_domain *domain, json_t *entry, apr_pool_t *p);
    void *self;
    /** The certificates to be stapled; NULL: none, or not known here. */
    const struct md_stapling *stapling;
};

/** The parent moves a staged set no earlier than this after `staged` was called, so that the job's handshake
 * with ourselves finds its record still in STAGING. A start moves it at once. */
#define MD_PROMOTE_AGE apr_time_from_sec(8)

/** What is known of a domain's certificates, what their CA suggests and OCSP says included, and what follows
 * from it. `facts` (of md_cert_fact) are the caller's own; NULL: not wanted. */
MD_MUST md_err *md_core_due(const md_core *core, const md_domain *domain, apr_time_t now, apr_pool_t *p,
                            md_due *due, apr_array_header_t **facts);

/** The straightforward `facts`: read from DOMAINS (and from a complete STAGING that is newer). For root and
 * tests. */
MD_MUST md_err *md_core_facts(const md_core *core, const md_domain *domain, apr_pool_t *p,
                              apr_array_header_t **facts);

#endif
