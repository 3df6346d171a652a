/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STAGING -> DOMAINS, with the archive: the only writer of DOMAINS. Run by root: at every start, and in the running server by the parent. Everything in
 * STAGING is treated as written by an adversary until it is verified.
 */
#ifndef MD_JOBS_ACTIVATE_H
#define MD_JOBS_ACTIVATE_H

#include "jobs/core.h"

typedef enum md_activation { MD_ACTIVATION_NOTHING, MD_ACTIVATION_DONE, MD_ACTIVATION_INCOMPLETE } md_activation;

/** Loads the staged set of a domain completely and checks it: every key spec's pair, names, times. Incomplete: *creds NULL. `creds` is an
 *  array of md_creds *. Used by the parent and by children that go live. */
MD_MUST md_err *md_staged_load(md_store *store, md_group group, const md_domain *domain, apr_time_t now, apr_pool_t *p,
                               apr_array_header_t **creds);
/**
 * Moves a complete staged set into DOMAINS (old one archived); with `publish`, an encrypted copy goes to LIVE first, so that children always find it.
 * A staged account is moved too. Leftover challenge answers of the domain are removed. A set that cannot be used is removed from STAGING and
 * is the failure (AH10069 by the caller). Interrupted at any point, the next call finishes.
 */
MD_MUST md_err *md_activate(md_store *store, const md_domain *domain, int publish, apr_time_t now, apr_pool_t *p,
                            md_activation *outcome);
/**
 * Brings the store in line with the plan at start, as root: renamed and merged domains keep their folders (store format, section "sync"),
 * md.json is written when it changed. One listing of each group, no work per domain beyond reading its md.json. Sets ca_url, ca_account and
 * contacts from the store where the configuration has none.
 */
MD_MUST md_err *md_sync(md_store *store, md_plan *plan, apr_pool_t *p);

#endif
