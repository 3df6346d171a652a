/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When and why. The same arguments give the same answer, but for the jitter, which comes from the clock.
 */
#include "plan/due.h"

#include <apr_strings.h>

#define MINUTE apr_time_from_sec(60)
#define HOUR   apr_time_from_sec(3600)
#define DAY    (24 * HOUR)

/* Below this lifetime a third leaves too little time to mend what goes wrong. */
#define SHORT_LIFETIME (10 * DAY)
#define HEARD_LATEST   (6 * HOUR)
enum { SHORT_PERCENT = 50, LOOKS_PER_LIFETIME = 10, DIGEST_DIGITS = 12 };

/** What one certificate asks for; the first in a domain's interest is its answer. */
typedef struct wish {
    apr_time_t at;
    const char *why;
    md_state state;
    md_due_cause cause;
} wish;

static apr_interval_time_t lifetime_of(const md_cert_facts *cert)
{
    return cert->valid.until - cert->valid.from;
}

static apr_interval_time_t at_most(apr_interval_time_t value, apr_interval_time_t most)
{
    return value < most ? value : most;
}

/** How long before its end a certificate is to be renewed. */
static apr_interval_time_t renew_window(const md_policy *policy, apr_interval_time_t lifetime)
{
    md_slice slice = policy->renew_window;

    if (lifetime < SHORT_LIFETIME && !md_is_set(policy, MD_FIELD_renew_window))
        slice = (md_slice){ .percent = SHORT_PERCENT };
    return at_most(md_slice_of(slice, lifetime), lifetime - lifetime / 10);
}

static apr_time_t warn_time(const md_policy *policy, const md_cert_facts *cert)
{
    return cert->valid.until -
           at_most(md_slice_of(policy->warn_window, lifetime_of(cert)), lifetime_of(cert));
}

/** A point in [0,1) that is the certificate's own: the head of its digest, which is as good as a random
 * number (RFC 9773 4.2 asks for one) and needs no memory. */
static double point_of(const md_cert_facts *cert)
{
    char digits[DIGEST_DIGITS + 1];

    apr_cpystrn(digits, cert->sha256 ? cert->sha256 : "", sizeof(digits));
    return (double)apr_strtoi64(digits, NULL, 16) / (double)(APR_INT64_C(1) << 4 * DIGEST_DIGITS);
}

apr_time_t md_heard_from(const md_cert_facts *cert)
{
    return cert->valid.from + at_most(lifetime_of(cert) / 100, HEARD_LATEST);
}

static apr_time_t suggested_time(const md_cert_fact *fact)
{
    double length = (double)(fact->ari.until - fact->ari.from);
    apr_time_t at = fact->ari.from + (apr_interval_time_t)(length * point_of(fact->cert));
    apr_time_t earliest = md_heard_from(fact->cert);

    return at > earliest ? at : earliest;
}

static const char *missing_name(const md_domain *domain, const md_cert_facts *cert)
{
    for (int i = 0; i < domain->names->nelts; ++i) {
        const char *name = MD_NAME(domain->names, i);
        int covered = 0;

        for (int k = 0; !covered && k < cert->names->nelts; ++k)
            covered = md_name_matches(MD_NAME(cert->names, k), name);
        if (!covered)
            return name;
    }
    return NULL;
}

/** Why the certificate is not what the domain wants, or NULL. */
static const char *misfit(const md_domain *domain, const md_cert_facts *cert, apr_pool_t *p)
{
    const char *name = missing_name(domain, cert);

    if (name)
        return apr_psprintf(p, "does not cover %s", name);
    if (cert->must_staple == domain->policy.must_staple)
        return NULL;
    return cert->must_staple ? "has the must-staple extension, which is not wanted"
                             : "lacks the must-staple extension";
}

static const char *expiry_text(const md_cert_facts *cert, apr_time_t now, apr_pool_t *p)
{
    if (cert->valid.until <= now)
        return apr_psprintf(p, "expired %s ago", md_duration_words(now - cert->valid.until, p));
    return apr_psprintf(p, "expires in %s", md_duration_words(cert->valid.until - now, p));
}

/** What a certificate that fits asks for. */
static wish timed_wish(const md_policy *policy, const md_cert_fact *fact, apr_time_t now, apr_pool_t *p)
{
    const md_cert_facts *cert = fact->cert;
    wish result = { .state = MD_STATE_COMPLETE, .cause = MD_DUE_EXPIRY };

    if (fact->revoked) {
        result.at = now;
        result.cause = MD_DUE_REVOKED;
        result.why = "was revoked";
        return result;
    }
    result.at = cert->valid.until - renew_window(policy, lifetime_of(cert));
    if (policy->ari && fact->ari.until && fact->ari.from <= fact->ari.until &&
        suggested_time(fact) < result.at) {
        result.at = suggested_time(fact);
        result.cause = MD_DUE_SUGGESTED;
        result.why = apr_pstrcat(p, "is to be renewed early, its certificate authority says",
                                 fact->ari_why ? ", see " : NULL, fact->ari_why, NULL);
        return result;
    }
    result.why = expiry_text(cert, now, p);
    return result;
}

static wish wish_of(const md_domain *domain, const md_cert_fact *fact, apr_time_t now, apr_pool_t *p)
{
    const char *why;

    if (fact->bad)
        return (wish){ now, md_err_text(fact->bad, p), MD_STATE_ERROR, MD_DUE_DAMAGED };
    if (!fact->cert)
        return (wish){ now, "no certificate", MD_STATE_INCOMPLETE, MD_DUE_MISSING };
    why = misfit(domain, fact->cert, p);
    if (why)
        return (wish){ now, why, MD_STATE_INCOMPLETE, MD_DUE_MISFIT };
    return timed_wish(&domain->policy, fact, now, p);
}

/** Does `a` say more about the domain than `b`? Damage first, then what is missing, then what is earlier. */
static int outweighs(const wish *a, const wish *b)
{
    static const int weight[] = { [MD_STATE_COMPLETE] = 0, [MD_STATE_INCOMPLETE] = 1, [MD_STATE_ERROR] = 2 };

    if (a->state != b->state)
        return weight[a->state] > weight[b->state];
    return a->at < b->at;
}

/** Times of a certificate that do not depend on how the others are. */
static void add_times(const md_policy *policy, const md_cert_facts *cert, md_due *due)
{
    apr_time_t warn_at = warn_time(policy, cert);

    if (!due->lifetime || lifetime_of(cert) < due->lifetime)
        due->lifetime = lifetime_of(cert);
    if (!due->warn_at || warn_at < due->warn_at)
        due->warn_at = warn_at;
}

/** A file that is served whatever we get: renewing would never end what it asks for. */
static int is_beside(const md_policy *policy, const md_cert_fact *fact)
{
    return fact->is_file && policy->prefer_files && policy->renew_mode == MD_RENEW_ALWAYS;
}

md_due md_due_of(const md_domain *domain, const md_cert_fact *facts, int count, apr_time_t now, apr_pool_t *p)
{
    md_due due = { .renew_at = 0 };
    wish first = { now, "no certificate", MD_STATE_INCOMPLETE, MD_DUE_MISSING };
    int asked = 0;

    for (int i = 0; i < count; ++i) {
        wish each = wish_of(domain, &facts[i], now, p);

        if (facts[i].cert)
            add_times(&domain->policy, facts[i].cert, &due);
        if (is_beside(&domain->policy, &facts[i]))
            continue;
        if (!asked++ || outweighs(&each, &first))
            first = each;
    }
    due.state = first.state;
    due.why = first.why;
    due.cause = first.cause;
    if (first.state != MD_STATE_COMPLETE)
        due.warn_at = 0;
    if (md_domain_renews(domain))
        due.renew_at = first.at;
    return due;
}

static apr_interval_time_t jittered(apr_interval_time_t delay, const md_clock *clock)
{
    return md_backoff(delay, 1, delay, clock);
}

static apr_interval_time_t validation_delay(int errors)
{
    static const apr_interval_time_t steps[] = { MINUTE, 10 * MINUTE, 100 * MINUTE };

    if (errors < 1)
        return steps[0];
    return errors <= 3 ? steps[errors - 1] : DAY;
}

static apr_interval_time_t retry_delay(md_fault fault, int errors, const md_policy *policy,
                                       const md_clock *clock)
{
    if (fault == MD_FAULT_LOCAL)
        return md_backoff(policy->retry_delay, errors, HOUR, clock);
    if (fault == MD_FAULT_REMOTE || md_is_set(policy, MD_FIELD_retry_delay))
        return md_backoff(policy->retry_delay, errors, DAY, clock);
    if (fault == MD_FAULT_VALIDATION)
        return jittered(validation_delay(errors), clock);
    return jittered(fault == MD_FAULT_LIMIT ? HOUR : DAY, clock);
}

apr_time_t md_retry_at(const md_err *err, int errors, const md_policy *policy, const md_clock *clock)
{
    apr_time_t now = md_now(clock), at;

    if (err->fault == MD_FAULT_LIMIT && err->not_before > now)
        return err->not_before;
    at = now + retry_delay(err->fault, errors, policy, clock);
    return at > err->not_before ? at : err->not_before;
}

apr_time_t md_next_look(const md_due *due, const md_policy *policy, const md_clock *clock)
{
    apr_time_t now = md_now(clock), at;
    apr_interval_time_t interval = policy->check_interval;

    if (due->lifetime)
        interval = at_most(interval, due->lifetime / LOOKS_PER_LIFETIME);
    at = now + jittered(interval, clock);
    return due->renew_at > now && due->renew_at < at ? due->renew_at : at;
}

md_period md_facts_period(const apr_array_header_t *facts)
{
    md_period common = { 0, 0 };

    for (int i = 0; facts && i < facts->nelts; ++i) {
        const md_cert_fact *fact = &APR_ARRAY_IDX(facts, i, md_cert_fact);

        if (!fact->cert || fact->bad)
            return (md_period){ 0, 0 };
        common = i ? md_period_common(common, fact->cert->valid) : fact->cert->valid;
    }
    return common;
}

apr_time_t md_facts_end(const apr_array_header_t *facts)
{
    apr_time_t first = 0;

    for (int i = 0; i < facts->nelts; ++i) {
        const md_cert_facts *cert = APR_ARRAY_IDX(facts, i, md_cert_fact).cert;

        if (cert && (!first || cert->valid.until < first))
            first = cert->valid.until;
    }
    return first;
}

const apr_array_header_t *md_facts_choose(const md_policy *policy, const apr_array_header_t *files,
                                          const apr_array_header_t *managed, apr_time_t now, apr_pool_t *p)
{
    const md_period mine = md_facts_period(files), ours = md_facts_period(managed);

    if (!files)
        return managed;
    if (policy->prefer_files)
        return policy->renew_mode == MD_RENEW_ALWAYS ? apr_array_append(p, files, managed) : files;
    if (!md_period_has(ours, now))
        return files;
    return md_period_has(mine, now) && mine.from > ours.from ? files : managed;
}

const apr_array_header_t *md_facts_after(const md_policy *policy, const apr_array_header_t *at_start,
                                         const apr_array_header_t *live, apr_time_t now, apr_pool_t *p)
{
    apr_array_header_t *files = apr_array_make(p, 2, sizeof(md_cert_fact));

    if (!live)
        return at_start;
    for (int i = 0; policy->prefer_files && i < at_start->nelts; ++i)
        if (APR_ARRAY_IDX(at_start, i, md_cert_fact).is_file)
            APR_ARRAY_PUSH(files, md_cert_fact) = APR_ARRAY_IDX(at_start, i, md_cert_fact);
    return md_facts_choose(policy, files->nelts ? files : NULL, live, now, p);
}
