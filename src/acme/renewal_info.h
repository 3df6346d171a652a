/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renewal information (RFC 9773): the CA suggests a window in which a certificate should be replaced. What
 * it said is kept, so that a restart asks nobody again.
 */
#ifndef MD_ACME_RENEWAL_INFO_H
#define MD_ACME_RENEWAL_INFO_H

#include "acme/call.h"
#include "plan/due.h"
#include "store/store.h"

/** What a CA suggests for one certificate. */
typedef struct md_suggestion {
    md_period window; /* {0,0}: none */
    const char *why;  /* a page for people, or NULL */
    apr_time_t next;  /* when to ask again */
    int errors;       /* asked in vain so often in a row */
} md_suggestion;

/** All that is known for a domain. */
typedef struct md_renewal_info md_renewal_info;

/** Absent or damaged: an empty one. */
MD_MUST md_err *md_renewal_info_load(md_store *store, const char *domain, apr_pool_t *p,
                                     md_renewal_info **out);
/** May be lost with the power: it can be asked for again. */
MD_MUST md_err *md_renewal_info_save(md_store *store, const char *domain, const md_renewal_info *info,
                                     apr_pool_t *p);
/** Forgets suggestions and remembers which CA the certificates are of. */
void md_renewal_info_begin(md_renewal_info *info, const char *ca_url);
/** Directory URL of the CA that issued the certificates, NULL if that is not known. */
const char *md_renewal_info_ca(const md_renewal_info *info);
/** The suggestion for a certificate (md_cert_facts.ari_id), or NULL. */
const md_suggestion *md_renewal_info_of(const md_renewal_info *info, const char *id);
void md_renewal_info_set(md_renewal_info *info, const char *id, const md_suggestion *suggestion);
/** Puts windows into facts (md_cert_fact), which must be the caller's own. */
void md_renewal_info_apply(const md_renewal_info *info, apr_array_header_t *facts);

/** Asks the CA about a certificate; one request. A window that ends before it begins, or is none, is
 * "md:bad-answer". `next` follows Retry-After within a minute and a day. */
MD_MUST md_err *md_renewal_info_ask(const md_call *call, const char *id, apr_pool_t *p, md_suggestion *out);
/** When to ask again after `errors` failures in a row (RFC 9773 4.3.3). */
apr_time_t md_renewal_info_retry(int errors, const md_clock *clock);

#endif
