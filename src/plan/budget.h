/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often a CA is asked for what CAs count, so that neither a misconfiguration nor a server that crashes or
 * reloads again and again uses up what an account may ask for. A budget is one time, as CAs keep it
 * themselves (the generic cell rate algorithm): so many at once, and one more each time a share of the period
 * has passed.
 */
#ifndef MD_PLAN_BUDGET_H
#define MD_PLAN_BUDGET_H

#include "plan/policy.h"

typedef enum md_budget {
    MD_BUDGET_FAILURES, /* failed validations, of a domain */
    MD_BUDGET_SETS,     /* certificates for the same names */
    MD_BUDGET_ORDERS,   /* new orders, of an account */
    MD_BUDGET_ACCOUNTS, /* new accounts, of this server */
    MD_BUDGET_COUNT
} md_budget;

typedef struct md_rate {
    int count;
    apr_interval_time_t period;
    const char *of;  /* "at most 4 failed validations of a domain", to be followed by the period */
    const char *key; /* in records */
} md_rate;

/**
 * The rate to keep at this CA (its directory URL), or NULL. MDCABudget auto: Let's Encrypt has all of them,
 * as its rules are public and all its users feel them; others have those that concern one domain alone,
 * unless MDRetryDelay is set, as where somebody tries things out. on: all, at every CA. off: none.
 */
const md_rate *md_budget_rate(const md_policy *policy, const char *ca_url, md_budget which);
/** The same for certificates that live shorter than its period: they are renewed more often. 0: unknown. */
md_rate md_budget_within(const md_rate *rate, apr_interval_time_t lifetime);

/** When the next one may be; now or earlier: at once. `spent` is the budget, 0 at the beginning; one from a
 * clock that was far ahead does not count. */
apr_time_t md_budget_opens(const md_rate *rate, apr_time_t spent, apr_time_t now);
/** The budget after one more. */
apr_time_t md_budget_spend(const md_rate *rate, apr_time_t spent, apr_time_t now);

#endif
