/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renewals that somebody asks a running server for: a file for each domain in claims/asked, made by root and
 * taken away by the job when the new certificate is there. It survives restarts and failures.
 */
#ifndef MD_JOBS_ASKED_H
#define MD_JOBS_ASKED_H

#include "store/store.h"

MD_MUST md_err *md_ask_for(md_store *store, const char *domain, apr_time_t now, apr_pool_t *p);
/** When it was asked for, 0: nobody waits. */
apr_time_t md_asked(md_store *store, const char *domain, apr_pool_t *p);
MD_MUST md_err *md_asked_done(md_store *store, const char *domain, apr_pool_t *p);
/** The domains that are asked for. */
MD_MUST md_err *md_asked_all(md_store *store, apr_pool_t *p, md_names **out);

#endif
