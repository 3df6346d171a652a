/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STAGING -> DOMAINS, with the archive: the only writer of DOMAINS. Run by root: at every start, and in the
 * running server by the parent. Everything in STAGING is treated as written by an adversary until it is
 * verified.
 */
#ifndef MD_JOBS_ACTIVATE_H
#define MD_JOBS_ACTIVATE_H

#include "jobs/core.h"
#include "tls/cert.h"

typedef enum md_activation {
    MD_ACTIVATION_NOTHING, /* no set is staged */
    MD_ACTIVATION_DONE,
    MD_ACTIVATION_INCOMPLETE, /* a renewal is at work there */
    MD_ACTIVATION_BUSY        /* a step of the job runs just now: come back soon. Only with `publish` */
} md_activation;

/** Now is within the certificate's time, or at most a day before it (clocks differ): "md:bad-certificate"
 * otherwise. */
MD_MUST md_err *md_facts_check_times(const md_cert_facts *facts, apr_time_t now, apr_pool_t *p);

/** Loads the staged set of a domain completely and checks it: every key spec's pair, names, chain, times.
 * Incomplete: *creds NULL. `creds` is an array of md_creds *, in the order of the domain's specs. Used by the
 * parent and by children that go live. */
MD_MUST md_err *md_staged_load(md_store *store, md_group group, const md_domain *domain, apr_time_t now,
                               apr_pool_t *p, apr_array_header_t **creds);
/**
 * Moves a complete staged set into DOMAINS (old one archived); with `publish`, an encrypted copy goes to LIVE
 * first, so that children always find it. A staged account is moved too, also when there is no set. Leftover
 * challenge answers of the domain are removed. A set that cannot be used is removed from STAGING and is the
 * failure (AH10069 by the caller); one that could not be read for a reason of this machine stays. Interrupted
 * at any point, the next call finishes.
 */
MD_MUST md_err *md_activate(md_store *store, const md_domain *domain, int publish, apr_time_t now,
                            apr_pool_t *p, md_activation *outcome);

#endif
