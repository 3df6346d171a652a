/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event "installed": the operator's command is run as root, by the parent, which never waits for it. Whom
 * to tell is seen from the records in DOMAINS, so nothing is lost by a crash.
 */
#ifndef MD_HTTPD_INSTALLED_H
#define MD_HTTPD_INSTALLED_H

#include "jobs/notify.h"
#include "plan/plan.h"

typedef struct md_installed md_installed;

/** Without MDMessageCmd nothing will ever be done. Lives in the configuration's pool. */
md_installed *md_installed_make(md_store *store, const md_plan *plan, const md_notify *notify, apr_pool_t *p);
/** Finds those domains whose certificates were moved and nobody was told of, by looking at all. */
void md_installed_find(md_installed *installed, apr_pool_t *p);
/** A domain's certificate was moved just now. */
void md_installed_add(md_installed *installed, const md_domain *domain);
/** Starts commands that wait, a few at once, and ends those that take too long. */
void md_installed_round(md_installed *installed, apr_time_t now, apr_pool_t *p);

#endif
