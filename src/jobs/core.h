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

typedef enum md_proof { MD_PROOF_NONE, MD_PROOF_GOOD, MD_PROOF_BAD } md_proof;

/** What the processes of a server tell each other about a domain, without a look at the store. As long as it
 * stays the same, so does what the store says. */
typedef struct md_glance {
    unsigned changes;  /* counts what was saved of its jobs */
    unsigned staged;   /* counts sets brought to STAGING to go live, since the start */
    unsigned promoted; /* the value of `staged` that the parent has moved to DOMAINS */
    unsigned proof;    /* md_proof: what the last handshake with ourselves showed */
    unsigned stage;    /* at which its renewal stands, from 1; 0: at rest */
    apr_time_t since;  /* of `stage` */
    apr_time_t staged_at, proved_at;
} md_glance;

int md_glance_equal(const md_glance *a, const md_glance *b);

/** What the engine is busy with. */
typedef struct md_load {
    unsigned in_progress, queued; /* orders: at work, and waiting for their turn (MDRenewConcurrency) */
    apr_time_t next;              /* when the next job is due, 0: none is */
    apr_time_t beat;              /* when this was told; 0: no engine has begun */
} md_load;

/** What a step of a job has led to. */
typedef struct md_progress {
    int stage; /* at which the domain's renewal stands, from 1; 0: at rest; -1: the job is no renewal */
    apr_time_t since; /* of `stage`, 0 at rest */
    int changed;      /* something of the domain in the store may be another now */
} md_progress;

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
    /** A step of a job of a domain of the plan has ended. NULL: nobody looks. */
    void (*progress)(void *self, const md_domain *domain, const md_progress *now);
    /** What other processes have told. NULL: nothing is known. */
    void (*glance)(void *self, const md_domain *domain, md_glance *out);
    void (*load)(void *self, md_load *out);
    /** What a start has seen that a renewal of the domain would stumble over; NULL: nothing. The member NULL:
     * nobody has looked. */
    const md_err *(*obstacle)(void *self, const md_domain *domain);
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
