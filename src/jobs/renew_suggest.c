/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Before a renewal is thought about, the CA may say when it would like one (RFC 9773). That it says nothing
 * is no failure of the domain: the window of the configuration decides then.
 */
#include <apr_strings.h>
#include <string.h>

#include "acme/renewal_info.h"
#include "base/log.h"
#include "jobs/renew.h"

/* A CA that wants to be left alone for longer is asked at the next look. */
#define WORTH_WAITING apr_time_from_sec(1)
/* No suggestion is as far away as this: a clock was wrong. */
#define NEXT_SANE apr_time_from_sec(8 * 24 * 3600)

/** When to ask about a certificate; 0: never. */
static apr_time_t when_to_ask(const md_renewal_info *info, const md_cert_fact *fact, apr_time_t now)
{
    const md_suggestion *known;

    if (!fact->cert || fact->bad || fact->is_file || !fact->cert->ari_id)
        return 0;
    known = md_renewal_info_of(info, fact->cert->ari_id);
    if (!known)
        return md_heard_from(fact->cert);
    return known->next > now + NEXT_SANE ? now : known->next;
}

static int is_asked_for(const md_domain *domain)
{
    return domain->policy.ari && md_domain_renews(domain);
}

apr_time_t md_renew_ask_at(const md_step *step, const md_renewal_info *info, const apr_array_header_t *facts)
{
    apr_time_t first = 0;

    for (int i = 0; is_asked_for(step->domain) && i < facts->nelts; ++i) {
        apr_time_t at = when_to_ask(info, &APR_ARRAY_IDX(facts, i, md_cert_fact), step->now);

        if (at && (!first || at < first))
            first = at;
    }
    return first;
}

/** The CA that issued what is served, if it is still one of the domain's; else NULL. */
static const char *issuer(const md_step *step, const md_renewal_info *info)
{
    const char *url = md_renewal_info_ca(info);

    if (!url)
        url = step->domain->ca_url ? step->domain->ca_url : md_domain_ca_url(step->domain);
    return md_names_has(md_renew_ca_urls(step->domain, step->p), url) ? url : NULL;
}

/** One request: the directory, or the question. *asked: it was the question, with this answer. */
static md_err *ask(md_step *step, const md_call *call, const char *id, int *asked, md_suggestion *out)
{
    *asked = 0;
    if (!md_ca_directory(call->ca, step->now))
        return md_call_directory(call, step->p);
    *asked = 1;
    return md_renewal_info_ask(call, id, step->p, out);
}

/** Ids tell a time that has begun from a later one, and suggestions with a page about them from those
 * without. */
static int suggestion_id(const md_suggestion *said, apr_time_t now)
{
    static const int ids[2][2] = { { 10516, 10515 }, { 10518, 10517 } };

    return ids[said->window.from <= now][said->why != NULL];
}

/** What came of the question is kept, be it nothing. */
static md_err *note(md_step *step, md_renewal_info *info, const char *id, const md_err *err,
                    md_suggestion *said)
{
    const md_suggestion *before = md_renewal_info_of(info, id);

    if (err) {
        *said = before ? *before : (md_suggestion){ .errors = 0 };
        said->next = md_renewal_info_retry(++said->errors, step->core->clock);
        md_log(MD_LOG_INFO, 0, "%s: its CA could not be asked when to renew, next try in %s: %s",
               step->domain->name, md_duration_words(said->next - step->now, step->p),
               md_err_text(err, step->p));
    } else if (said->window.until && (!before || before->window.from != said->window.from ||
                                      before->window.until != said->window.until)) {
        md_log(said->why ? MD_LOG_NOTICE : MD_LOG_INFO, suggestion_id(said, step->now),
               "%s: its CA suggests to renew between %s and %s%s%s", step->domain->name,
               md_date_text(said->window.from, step->p), md_date_text(said->window.until, step->p),
               said->why ? ", see " : "", said->why ? said->why : "");
    }
    md_renewal_info_set(info, id, said);
    return md_renewal_info_save(step->core->store, step->domain->name, info, step->p);
}

static md_next ask_issuer(md_step *step, md_renewal_info *info, const char *id)
{
    const char *url = issuer(step, info);
    md_suggestion said = { .next = step->now + NEXT_SANE / 2 };
    md_silence found = { .way = md_renew_way(step->domain, step->p) };
    md_http_route route;
    apr_time_t again;
    md_err *err;
    md_call call;
    int asked = 1;

    if (!url) {
        err = note(step, info, id, NULL, &said);
        return err ? FAILED(err) : AGAIN_AT(step->now);
    }
    md_renew_call_to(step, url, &route, &call);
    if (!md_ca_enter(call.ca, step->now, &again))
        return again - step->now < WORTH_WAITING ? AGAIN_AT(again) : NEXT_STAGE;
    err = ask(step, &call, id, &asked, &said);
    found.why = md_call_was_answered(err) ? NULL : err;
    md_ca_leave(call.ca, md_now(step->core->clock), &found, 0, step->p);
    if (err && md_call_was_cut_off(err))
        return FAILED(err);
    if (err || asked)
        err = note(step, info, id, err, &said);
    return err ? FAILED(err) : AGAIN_AT(step->now);
}

/** The certificate to ask about now, or NULL. */
static const char *next_id(const md_step *step, const md_renewal_info *info, const apr_array_header_t *facts)
{
    for (int i = 0; is_asked_for(step->domain) && i < facts->nelts; ++i) {
        const md_cert_fact *fact = &APR_ARRAY_IDX(facts, i, md_cert_fact);
        apr_time_t at = when_to_ask(info, fact, step->now);

        if (at && at <= step->now)
            return fact->cert->ari_id;
    }
    return NULL;
}

md_next md_renew_suggest(md_step *step)
{
    apr_array_header_t *facts;
    md_renewal_info *info;
    const char *id = NULL;
    apr_time_t at;
    md_due due;
    md_err *err = md_core_due(step->core, step->domain, step->now, step->p, &due, &facts);

    if (!err)
        err = md_renewal_info_load(step->core->store, step->domain->name, step->p, &info);
    if (err)
        return FAILED(err);
    if (!step->job->finished && (!due.renew_at || due.renew_at > step->now))
        id = next_id(step, info, facts);
    if (id) {
        ++step->work->index;
        return ask_issuer(step, info, id);
    }
    if (!step->work->index)
        return NEXT_STAGE;
    step->work->index = 0;
    err = md_renew_due(step, &at);
    if (err)
        return FAILED(err);
    return at && at <= step->now ? NEXT_STAGE : FINISHED(at);
}

static int shares_name(const md_cert_facts *cert, const md_domain *domain)
{
    for (int i = 0; i < cert->names->nelts; ++i)
        if (md_names_has(domain->names, MD_NAME(cert->names, i)))
            return 1;
    return 0;
}

/** The fact about the certificate of a key spec, or NULL: those of files of one's own are not counted. */
static const md_cert_fact *fact_of(const md_step *step, const md_key_spec *spec,
                                   const apr_array_header_t *facts)
{
    const md_key_specs *specs = step->domain->policy.keys;
    int at = 0;

    for (int i = 0; i < facts->nelts; ++i) {
        const md_cert_fact *fact = &APR_ARRAY_IDX(facts, i, md_cert_fact);

        if (fact->is_file)
            continue;
        if (at < specs->nelts && MD_SPEC(specs, at) == spec)
            return fact;
        ++at;
    }
    return NULL;
}

md_err *md_renew_replaced(const md_step *step, const md_key_spec *spec, const char **id)
{
    const md_renewal *renewal = step->data;
    const md_directory *directory = md_ca_directory(renewal->gate, step->now);
    const md_cert_fact *fact;
    apr_array_header_t *facts;
    md_renewal_info *info;
    const char *url;

    *id = NULL;
    if (!step->domain->policy.ari || !directory || !directory->renewal_info ||
        (step->work->again & MD_AGAIN_REPLACES))
        return NULL;
    MD_TRY(step->core->facts(step->core->self, step->domain, step->p, &facts));
    MD_TRY(md_renewal_info_load(step->core->store, step->domain->name, step->p, &info));
    fact = fact_of(step, spec, facts);
    url = issuer(step, info);
    if (fact && fact->cert && !fact->bad && shares_name(fact->cert, step->domain) && url &&
        !strcmp(url, md_ca_url(renewal->gate)))
        *id = fact->cert->ari_id;
    return NULL;
}
