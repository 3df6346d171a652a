/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When and why. Pure functions: the same arguments give the same answer (but for the jitter, which comes from
 * the clock).
 */
#include "plan/due.h"

#include <apr_strings.h>

#define DAY    apr_time_from_sec(24 * 3600)
#define HOUR   apr_time_from_sec(3600)
#define MINUTE apr_time_from_sec(60)
/* Below this lifetime a third leaves too little time to mend things: half of it is used, unless the window
 * was set. */
#define SHORT_LIFE (10 * DAY)

/** How long before its end a certificate is to be renewed. A window as long as the life itself would renew
 * without end: a tenth passes first. */
static apr_interval_time_t window_of(const md_policy *policy, apr_interval_time_t life)
{
    md_slice slice = policy->renew_window;
    apr_interval_time_t window;

    if (!md_is_set(policy, MD_FIELD_renew_window) && life < SHORT_LIFE)
        slice = (md_slice){ 50, 0 };
    window = md_slice_of(slice, life);
    return window > life - life / 10 ? life - life / 10 : window;
}

/** A stable draw in [0,1) for a certificate, so that all processes choose the same time in an ARI window (RFC
 * 9773 4.2). */
static double draw_of(const char *sha256)
{
    apr_uint64_t bits = 0;

    for (int i = 0; i < 12 && sha256[i]; ++i)
        bits = bits << 4 | (apr_uint64_t)(sha256[i] <= '9' ? sha256[i] - '0' : sha256[i] - 'a' + 10);
    return (double)(bits & 0xffffffffffff) / (double)APR_UINT64_C(0x1000000000000);
}

/** What one certificate asks for. */
typedef struct wish {
    apr_time_t at;
    const char *why;
    md_state state;
} wish;

static wish incomplete(apr_time_t now, const char *why)
{
    return (wish){ now, why, MD_STATE_INCOMPLETE };
}

static const char *missing_name(const md_domain *domain, const md_cert_facts *cert)
{
    for (int i = 0; i < domain->names->nelts; ++i) {
        int covered = 0;

        for (int k = 0; k < cert->names->nelts && !covered; ++k)
            covered = md_name_matches(MD_NAME(cert->names, k), MD_NAME(domain->names, i));
        if (!covered)
            return MD_NAME(domain->names, i);
    }
    return NULL;
}

static wish by_ari(const md_cert_fact *fact, wish by_life)
{
    apr_interval_time_t length = fact->ari.until - fact->ari.from;
    apr_time_t at;

    if (!fact->ari.until || length < 0)
        return by_life;
    at = fact->ari.from + (apr_interval_time_t)((double)length * draw_of(fact->cert->sha256));
    return at < by_life.at ? (wish){ at, "the CA advises to renew", MD_STATE_COMPLETE } : by_life;
}

static wish by_life(const md_domain *domain, const md_cert_facts *cert, apr_time_t now, apr_pool_t *p)
{
    apr_interval_time_t life = cert->valid.until - cert->valid.from;
    wish result = { cert->valid.until - window_of(&domain->policy, life), NULL, MD_STATE_COMPLETE };

    if (cert->valid.until <= now)
        result.why =
            apr_psprintf(p, "the certificate expired %s ago", md_duration_words(now - cert->valid.until, p));
    else
        result.why =
            apr_psprintf(p, "the certificate expires in %s", md_duration_words(cert->valid.until - now, p));
    return result;
}

static wish wish_of(const md_domain *domain, const md_cert_fact *fact, apr_time_t now, apr_pool_t *p)
{
    const char *missing;

    if (fact->bad)
        return (wish){ now, md_err_text(fact->bad, p), MD_STATE_ERROR };
    if (!fact->cert)
        return incomplete(now, "there is no certificate yet");
    missing = missing_name(domain, fact->cert);
    if (missing)
        return incomplete(now, apr_psprintf(p, "the certificate does not cover %s", missing));
    if (!md_domain_is_static(domain) && fact->cert->must_staple != domain->policy.must_staple)
        return incomplete(now, domain->policy.must_staple ? "the certificate lacks the must-staple extension"
                                                          : "the certificate has the must-staple extension");
    if (fact->revoked)
        return (wish){ now, "the certificate was revoked", MD_STATE_COMPLETE };
    return by_ari(fact, by_life(domain, fact->cert, now, p));
}

static apr_time_t warn_time(const md_domain *domain, const md_cert_facts *cert)
{
    return cert->valid.until - md_slice_of(domain->policy.warn_window, cert->valid.until - cert->valid.from);
}

md_due md_due_of(const md_domain *domain, const md_cert_fact *facts, int count, apr_time_t now, apr_pool_t *p)
{
    md_due due = { MD_STATE_COMPLETE, "all is well", 0, 0 };
    wish first = { 0, NULL, MD_STATE_COMPLETE };

    if (!count)
        first = incomplete(now, "there is no certificate yet");
    for (int i = 0; i < count; ++i) {
        wish each = wish_of(domain, &facts[i], now, p);

        if (each.state == MD_STATE_ERROR || due.state == MD_STATE_COMPLETE)
            due.state = each.state;
        if (!first.why || each.at < first.at ||
            (first.state == MD_STATE_COMPLETE && each.state != MD_STATE_COMPLETE))
            first = each;
        if (facts[i].cert && (!due.warn_at || warn_time(domain, facts[i].cert) < due.warn_at))
            due.warn_at = warn_time(domain, facts[i].cert);
    }
    if (!count)
        due.state = first.state;
    due.why = first.why;
    due.renew_at = md_domain_renews(domain) ? first.at : 0;
    return due;
}

static apr_interval_time_t jitter(apr_interval_time_t delay, const md_clock *clock)
{
    return (apr_interval_time_t)((double)delay * (0.5 + md_random(clock)));
}

/** Failed validations are counted by CAs: 1, 10, 100 minutes, then daily. */
static apr_interval_time_t validation_delay(int errors)
{
    static const apr_interval_time_t steps[] = { 1 * MINUTE, 10 * MINUTE, 100 * MINUTE };

    return errors <= 3 ? steps[errors < 1 ? 0 : errors - 1] : DAY;
}

static apr_interval_time_t delay_after(const md_err *err, int errors, const md_policy *policy,
                                       const md_clock *clock)
{
    int base_is_set = md_is_set(policy, MD_FIELD_retry_delay) != 0;

    if (base_is_set)
        return md_backoff(policy->retry_delay, errors, err->fault == MD_FAULT_LOCAL ? HOUR : DAY, clock);
    switch (err->fault) {
    case MD_FAULT_CONFIG: return jitter(DAY, clock);
    case MD_FAULT_VALIDATION: return jitter(validation_delay(errors), clock);
    case MD_FAULT_LIMIT: return jitter(HOUR, clock);
    case MD_FAULT_LOCAL: return md_backoff(policy->retry_delay, errors, HOUR, clock);
    default: return md_backoff(policy->retry_delay, errors, DAY, clock);
    }
}

apr_time_t md_retry_at(const md_err *err, int errors, const md_policy *policy, const md_clock *clock)
{
    apr_time_t now = md_now(clock), at;

    if (err->fault == MD_FAULT_LIMIT && err->not_before > now)
        return err->not_before;
    at = now + delay_after(err, errors, policy, clock);
    return at < err->not_before ? err->not_before : at;
}

apr_time_t md_next_look(const md_due *due, const md_policy *policy, const md_clock *clock)
{
    apr_time_t now = md_now(clock), at = now + jitter(policy->check_interval, clock);

    return due->renew_at > now && due->renew_at < at ? due->renew_at : at;
}
