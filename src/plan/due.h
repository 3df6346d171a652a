/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions as pure functions of (plan, facts, clock): what state a domain is in, when and why its certificates are to be
 * renewed, and when to try again after a failure.
 */
#ifndef MD_PLAN_DUE_H
#define MD_PLAN_DUE_H

#include "plan/domain.h"
#include "tls/cert.h"

/** Numbers are md.json's "state". */
typedef enum md_state {
    MD_STATE_UNKNOWN,
    MD_STATE_INCOMPLETE,
    MD_STATE_COMPLETE,
    MD_STATE_ERROR = 4,
    MD_STATE_MISSING_INFORMATION = 5
} md_state;

/** What is true about one key spec's certificate. */
typedef struct md_cert_fact {
    const md_cert_facts *cert; /* NULL: there is none */
    const md_err *bad;         /* unreadable pair, or NULL */
    md_period ari;             /* the CA's suggested window, {0,0} if unknown */
    int revoked;               /* OCSP says so */
} md_cert_fact;

typedef struct md_due {
    md_state state;
    const char *why;    /* "no certificate", "expires in 29 days", "does not cover www.example.org"; never NULL */
    apr_time_t renew_at; /* 0: never (not renewed by itself) */
    apr_time_t warn_at;  /* 0: not known */
} md_due;

/** `facts` has one entry per key spec of the domain (or per static file), in order. `seed` in [0,1) spreads ARI windows. */
md_due md_due_of(const md_domain *domain, const md_cert_fact *facts, int count, apr_time_t now, apr_pool_t *p);

/** When to try again after `err`, the `errors`-th in a row (1 = first). Never before err->not_before. The fault is the schedule:
 *  REMOTE: MDRetryDelay doubling to a day · VALIDATION: 1, 10, 100 minutes, then daily, unless MDRetryDelay is explicit · LIMIT:
 *  not_before, else an hour · LOCAL: doubling to an hour · CONFIG: daily. All jittered. An explicit MDRetryDelay is the base delay of
 *  every class but LIMIT with not_before. */
apr_time_t md_retry_at(const md_err *err, int errors, const md_policy *policy, const md_clock *clock);

/** Next regular look at a domain: MDCheckInterval +-50%, not later than renew_at, shorter for short lifetimes. */
apr_time_t md_next_look(const md_due *due, const md_policy *policy, const md_clock *clock);

#endif
