/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be thought of a domain, decided once for all renderers: its conditions, what it is called in one
 * word, and what somebody should do about it. Pure functions of what is known.
 */
#ifndef MD_STATUS_JUDGE_H
#define MD_STATUS_JUDGE_H

#include "jobs/core.h"

/** What may be so of a domain; the worst comes first. */
typedef enum md_condition {
    MD_IS_EXPIRED, /* a certificate's validity is over */
    MD_IS_ERRORED, /* the last attempt failed, files are damaged, or clients do not get the new certificate */
    MD_IS_EXPIRING,   /* MDWarnWindow has begun */
    MD_IS_INCOMPLETE, /* certificates are missing, or are not what the domain wants */
    MD_IS_RENEWING,   /* it is time to renew, or a renewal is at work */
    MD_IS_READY,      /* a new set is staged and not live yet */
    MD_IS_OK,         /* none of the first four */
    MD_CONDITIONS
} md_condition;
#define MD_HAS(conditions, which) (((conditions) >> (which)) & 1u)

/** "expired", "errored", ... as JSON and queries have it. */
extern const char *const md_condition_names[MD_CONDITIONS];
/** The condition with this name, -1: there is none. */
int md_condition_named(const char *name);
/** The worst of a set that is not empty. */
md_condition md_condition_worst(unsigned conditions);

/** All that is known of a domain at one moment. */
typedef struct md_case {
    const md_domain *domain;
    const apr_array_header_t *facts; /* of md_cert_fact */
    const md_due *due;
    const md_job *job;      /* NULL: no renewal was ever begun */
    md_glance glance;       /* zeros where nothing is told */
    const md_err *obstacle; /* to its next renewal, or NULL */
    apr_time_t now;
} md_case;

/** Something that somebody should do, or know. */
typedef struct md_attention {
    const char *reason; /* NULL: nothing is */
    const char *advice;
    const char *who; /* must move next: "operator", "authority", "nobody" (time alone) */
} md_attention;

typedef struct md_verdict {
    unsigned conditions; /* bits 1 << md_condition; never empty */
    const char *status;  /* for people: "good", "expired", "incomplete: no certificate", "error" ... */
    md_attention attention;
    apr_time_t until; /* the verdict holds until then unless something happens; 0: for ever */
} md_verdict;

md_verdict md_judge(const md_case *of, apr_pool_t *p);

#endif
