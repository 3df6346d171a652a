/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one document of what is so: made from plan, facts and jobs by pure reads. Every renderer prints it;
 * none decides anything. Secrets never enter it. docs/status.md describes its members.
 */
#ifndef MD_STATUS_STATUS_H
#define MD_STATUS_STATUS_H

#include "status/judge.h"

/** A domain's entry, and what those who work with many of them need beside it. */
typedef struct md_entry {
    json_t *doc;         /* owned by the pool */
    unsigned conditions; /* see md_judge */
    int state;           /* md_state */
    int due, failed, finished, attention;
    apr_time_t expires; /* when the first certificate ends, 0 without any */
    apr_time_t until;   /* the entry holds until then unless the glance moves; 0: for ever */
} md_entry;

/** How many domains are how. */
typedef struct md_summary {
    int total;
    int complete;              /* have all certificates, valid or not */
    int renew, errored, ready; /* due; of those, which failed or are in no good state, and which are done */
    int attention;             /* somebody should do something */
    int worst[MD_CONDITIONS];  /* by the worst condition: the sum is the total */
    int with[MD_CONDITIONS];   /* by any condition */
} md_summary;

/** One domain's entry, with the job's log when `with_log`. */
MD_MUST md_err *md_status_one(const md_core *core, const md_domain *domain, int with_log, apr_pool_t *p,
                              md_entry *out);
/** The same, without log, for lists: trouble with one domain is shown in its own entry. */
void md_status_entry(const md_core *core, const md_domain *domain, apr_pool_t *p, md_entry *out);
void md_summary_add(md_summary *summary, const md_entry *entry);
/** The document without its "managed-domains": version, summary, engine, authorities, stages. */
json_t *md_status_head(const md_core *core, const md_summary *summary, apr_pool_t *p);
/** The domains of the plan (const md_domain *), sorted by name. */
apr_array_header_t *md_status_order(const md_plan *plan, apr_pool_t *p);

/** What everybody may know: the answer of /.httpd/certificate-status. */
MD_MUST md_err *md_status_public(const md_core *core, const md_domain *domain, apr_pool_t *p, json_t **out);
/** A certificate as an object: valid, serial, sha256-fingerprint, issuer-name, ari-cert-id ... New object
 * owned by `p`. */
json_t *md_status_cert(const md_cert_facts *facts, int public_only, apr_pool_t *p);

#endif
