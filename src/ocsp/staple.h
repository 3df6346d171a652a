/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A staple: an OCSP response as it is kept in the store, in ocsp/<domain>/ocsp-<sha1 of the
 * certificate>.json, and the times that follow from it. Certificates without a domain are kept under "other".
 */
#ifndef MD_OCSP_STAPLE_H
#define MD_OCSP_STAPLE_H

#include <apr_hash.h>
#include "store/store.h"
#include "tls/ocsp.h"

/** Folder of certificates that are of no managed domain. */
#define MD_STAPLES_OF_OTHERS "other"

typedef struct md_staple {
    md_bytes response; /* DER */
    md_ocsp_status status;
    md_period valid;
} md_staple;

/** `sha1` is that of md_cert_facts. Absent, or damaged and set aside: *out NULL. What is read was written by
 * children and is not verified: md_ocsp_check. */
MD_MUST md_err *md_staple_load(md_store *store, const char *domain, const char *sha1, apr_pool_t *p,
                               md_staple **out);
MD_MUST md_err *md_staple_save(md_store *store, const char *domain, const char *sha1, const md_staple *staple,
                               apr_pool_t *p);
/** Name of the record of the job that looks after a certificate's staple, in the same folder. */
const char *md_staple_record(const char *sha1, apr_pool_t *p);
/** Removes responses and records that were last changed before `since`, but those of certificates in `used`
 * (lowercase sha1 -> anything). */
MD_MUST md_err *md_staples_purge(md_store *store, apr_time_t since, apr_hash_t *used, apr_pool_t *p);

/** When a staple is to be renewed: when the window at its end begins, spread over a tenth of that by the
 * certificate's digest, so that what was fetched at once is not renewed at once. A tenth of its life passes
 * in any case. */
apr_time_t md_staple_renew_at(md_period valid, md_slice window, const char *sha1);
/**
 * When to ask again after an answer came: then, or later if the responder has said so (`no_sooner`, 0: it has
 * not), but with time left. Responders repeat an answer until they make a new one: what is due already is
 * asked for again in a while.
 */
apr_time_t md_staple_next(md_period valid, apr_time_t renew_at, apr_time_t no_sooner, apr_time_t now);
/** When to ask again after a failure: at `wanted`, but when half of what is left has passed at the latest,
 * and within an hour when nothing is left (valid.until 0: there is none). */
apr_time_t md_staple_retry(md_period valid, apr_time_t wanted, apr_time_t now);

#endif
