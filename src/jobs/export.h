/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of what a domain serves, for other daemons of this machine (MDExport): privkey, cert, chain and
 * fullchain as PEM, per key spec. Written by root, which alone can read DOMAINS.
 */
#ifndef MD_JOBS_EXPORT_H
#define MD_JOBS_EXPORT_H

#include "plan/domain.h"
#include "store/creds.h"

/**
 * Brings all copies of the domain up to date with DOMAINS; nothing there: nothing is done, and what is up to
 * date is left alone. `*wrote` counts the folders that changed. A folder is filled with all new files before
 * the first one takes its name, so that a full disk leaves the old ones. The failure is that of the first
 * folder that could not be filled; the others are.
 */
MD_MUST md_err *md_export_domain(md_store *store, const md_domain *domain, apr_pool_t *p, int *wrote);

/** What DOMAINS has: an array of md_creds *, NULL when one of the domain's certificates is missing. */
MD_MUST md_err *md_export_creds(md_store *store, const md_domain *domain, apr_pool_t *p,
                                apr_array_header_t **creds);

/** The same for one folder and given credentials (of md_creds *). The folder is made when only it is missing.
 */
MD_MUST md_err *md_export_to_folder(const md_export_to *to, const apr_array_header_t *creds, apr_pool_t *p,
                                    int *wrote);

#endif
