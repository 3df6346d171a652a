/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known about the certificates mod_ssl loads at start. Each pair is read and checked once, so that a
 * damaged file is found before mod_ssl sees it, and kept in the process's own memory: the second pass of a
 * start and every graceful restart only look whether the files are the same. Children, who cannot read
 * DOMAINS, answer from here.
 */
#ifndef MD_HTTPD_FACTS_H
#define MD_HTTPD_FACTS_H

#include <httpd.h>
#include "plan/due.h"
#include "plan/plan.h"
#include "store/creds.h"

/** By md_domain.index: arrays of md_cert_fact, one per key spec or file of one's own: those that are served
 * from the start. */
typedef struct md_facts {
    int count;
    const apr_array_header_t **each;
} md_facts;

/** Facts for every domain of the plan. What was known before this pass is replaced. A damaged pair is the
 * fact `bad`, never a failure. */
md_facts *md_facts_gather(md_store *store, const md_plan *plan, process_rec *process);

#endif
