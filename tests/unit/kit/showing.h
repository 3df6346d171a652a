/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server as the status sees it: domains with certificates, jobs and glances that a test sets.
 */
#ifndef MD_TESTS_SHOWING_H
#define MD_TESTS_SHOWING_H

#include "jobs/core.h"
#include "kit/fake_clock.h"
#include "kit/kit.h"
#include "kit/store_mem.h"
#include "status/cache.h"

#define SHOWING_MAX 64

typedef struct showing {
    fake_clock *clock;
    md_plan *plan;
    md_core core;
    const md_cert_facts *certs[SHOWING_MAX]; /* by index of the domain; NULL: none */
    md_glance glances[SHOWING_MAX];
    md_load load;
    int looks; /* how often facts were asked for */
} showing;

/** Without domains; FAKE_NOW. Lives in kit_pool. */
showing *showing_make(void);
/** One more domain with these names (words), used by a host, without certificate. */
md_domain *showing_add(showing *s, const char *names);
/** Gives it a certificate that began and ends so many days from now. */
void showing_certify(showing *s, const md_domain *domain, int from_days, int until_days);
/** Its job has failed so often; the next run is in ten minutes. */
void showing_fail(showing *s, const md_domain *domain, int errors, const md_err *err);

/** Three domains: a.example.org is fine, b.example.org fails, c.example.org has a set that waits for a
 * restart. */
showing *showing_three(void);
/** What is to be printed of them. */
const md_found *showing_found(const showing *s);

#endif
