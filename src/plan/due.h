/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions as pure functions of (plan, facts, clock): what state a domain is in, when and why its
 * certificates are to be renewed, and when to try again after a failure.
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
    const char *ari_why;       /* a page of the CA about it, or NULL */
    int revoked;               /* OCSP says so */
    int is_file;               /* of a file of one's own, not of a key spec */
} md_cert_fact;

/** The period in which all certificates of a set are valid; empty when one is missing or damaged. */
md_period md_facts_period(const apr_array_header_t *facts);
/** When the first of the certificates ends; 0: there is none. */
apr_time_t md_facts_end(const apr_array_header_t *facts);

/**
 * Facts of the certificates of a domain that count: those of files of one's own, or the managed ones. The
 * newest that are valid now are served: a set in which one is missing or damaged does not count, and of two
 * valid sets that wins whose validity began last. `files` comes back when neither counts, and with
 * MDPreferFiles, followed by the managed ones if these are renewed beside; NULL: there are none, `managed`
 * comes back. Arrays of md_cert_fact.
 */
const apr_array_header_t *md_facts_choose(const md_policy *policy, const apr_array_header_t *files,
                                          const apr_array_header_t *managed, apr_time_t now, apr_pool_t *p);

/**
 * The facts of `at_start` after `live`, a managed set, went live: files of one's own count on only when the
 * policy keeps them. `live` NULL: `at_start` comes back.
 */
const apr_array_header_t *md_facts_after(const md_policy *policy, const apr_array_header_t *at_start,
                                         const apr_array_header_t *live, apr_time_t now, apr_pool_t *p);

/** Why a renewal comes when it comes. */
typedef enum md_due_cause {
    MD_DUE_MISSING, /* there is no certificate */
    MD_DUE_DAMAGED, /* it cannot be read or used */
    MD_DUE_MISFIT,  /* it is not what the domain wants */
    MD_DUE_REVOKED,
    MD_DUE_SUGGESTED, /* by the CA */
    MD_DUE_EXPIRY     /* MDRenewWindow */
} md_due_cause;

typedef struct md_due {
    md_state state;
    md_due_cause cause;
    const char
        *why; /* "no certificate", "expires in 29 days", "does not cover www.example.org"; never NULL */
    apr_time_t renew_at;          /* 0: never (not renewed by itself) */
    apr_time_t warn_at;           /* 0: not known */
    apr_interval_time_t lifetime; /* the shortest of its certificates, 0: there is none */
} md_due;

/**
 * `facts` has one entry per key spec of the domain (or per static file), in order. The earliest reason of any
 * certificate counts.
 *  - No certificate, a damaged one, a name or the must-staple extension missing, revoked: now.
 *  - Else when MDRenewWindow begins. A lifetime below ten days is renewed at half, unless the window was set.
 * A tenth of the lifetime passes in any case: a window as long as the lifetime would renew without end.
 *  - Or earlier, at a time in the window that the CA suggests (RFC 9773), which depends on the certificate
 * only, so that all processes agree. See md_heard_from.
 */
md_due md_due_of(const md_domain *domain, const md_cert_fact *facts, int count, apr_time_t now,
                 apr_pool_t *p);

/** Since when the CA's suggestions for a certificate count: a hundredth of its lifetime, six hours at most. A
 * CA that wants every new certificate renewed at once does not keep us busy. */
apr_time_t md_heard_from(const md_cert_facts *cert);

/**
 * When to try again after `err`, the `errors`-th in a row (1 = first). Never before err->not_before. The
 * fault is the schedule:
 *  - REMOTE: MDRetryDelay, doubling up to a day
 *  - VALIDATION: 1, 10, 100 minutes, then daily: CAs count these
 *  - LIMIT: err->not_before exactly, else an hour
 *  - LOCAL: MDRetryDelay, doubling up to an hour
 *  - CONFIG: daily
 * All but the exact time are jittered by half. MDRetryDelay, when it is set, doubles up to a day for
 * VALIDATION, CONFIG and LIMIT, too.
 */
apr_time_t md_retry_at(const md_err *err, int errors, const md_policy *policy, const md_clock *clock);

/** Next regular look at a domain that needs nothing now: after MDCheckInterval, jittered by half, but at
 * renew_at when that is earlier, and ten times in a lifetime at least (the CA may suggest an earlier time).
 */
apr_time_t md_next_look(const md_due *due, const md_policy *policy, const md_clock *clock);

#endif
