/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A little less than Let's Encrypt allows, so that something is left for what people try by hand.
 */
#include "plan/budget.h"

#include <string.h>

#define LETS_ENCRYPT ".letsencrypt.org/"
#define HOUR         apr_time_from_sec(3600)

static const md_rate rates[MD_BUDGET_COUNT] = {
    [MD_BUDGET_FAILURES] = { 4, HOUR, "at most 4 failed validations of a domain", "failures" },
    [MD_BUDGET_SETS] = { 4, 7 * 24 * HOUR, "at most 4 certificates for the same names", "sets" },
    [MD_BUDGET_ORDERS] = { 270, 3 * HOUR, "at most 270 new orders of an account", "orders" },
    [MD_BUDGET_ACCOUNTS] = { 5, 3 * HOUR, "at most 5 new accounts of a server", "accounts" },
};

/** Of one domain: bursts of many domains are not concerned. */
static int is_of_domain(md_budget which)
{
    return which == MD_BUDGET_FAILURES || which == MD_BUDGET_SETS;
}

const md_rate *md_budget_rate(const md_policy *policy, const char *ca_url, md_budget which)
{
    if (policy->ca_budget == MD_CA_BUDGET_OFF)
        return NULL;
    if (policy->ca_budget == MD_CA_BUDGET_ON || strstr(ca_url, LETS_ENCRYPT) ||
        (is_of_domain(which) && !md_is_set(policy, MD_FIELD_retry_delay)))
        return &rates[which];
    return NULL;
}

md_rate md_budget_within(const md_rate *rate, apr_interval_time_t lifetime)
{
    md_rate within = *rate;

    if (lifetime > 0 && lifetime < within.period)
        within.period = lifetime;
    return within;
}

static apr_interval_time_t share(const md_rate *rate)
{
    return rate->period / rate->count;
}

static apr_time_t believed(const md_rate *rate, apr_time_t spent, apr_time_t now)
{
    return spent > now + 2 * rate->period ? 0 : spent;
}

apr_time_t md_budget_opens(const md_rate *rate, apr_time_t spent, apr_time_t now)
{
    return believed(rate, spent, now) - (rate->period - share(rate));
}

apr_time_t md_budget_spend(const md_rate *rate, apr_time_t spent, apr_time_t now)
{
    const apr_time_t before = believed(rate, spent, now), most = now + rate->period;
    const apr_time_t after = (before > now ? before : now) + share(rate);

    return after < most ? after : most;
}
