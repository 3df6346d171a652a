/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a renewal begins: is it due, at which CA, with which account.
 */
#include <apr_strings.h>
#include <string.h>

#include "acme/account.h"
#include "acme/solver.h"
#include "base/log.h"
#include "jobs/activate.h"
#include "jobs/asked.h"
#include "jobs/kind_renew.h"
#include "jobs/notify.h"
#include "jobs/renew.h"

enum { ACCOUNTS_TRIED = 4 };
#define ACCOUNT_PAUSE apr_time_from_msec(20)
/* What is live is moved to the domain's folder within seconds, or when what is in the way has been mended. */
#define MOVED_SOON  apr_time_from_sec(2)
#define CLOCK_DRIFT apr_time_from_sec(60)

/** What follows from the facts, and when the CA is to be asked for a suggestion; 0: never. */
static md_err *read_due(md_step *step, md_due *due, apr_time_t *ask_at)
{
    apr_array_header_t *facts;
    md_renewal_info *info;

    MD_TRY(md_core_due(step->core, step->domain, step->now, step->p, due, &facts));
    MD_TRY(md_renewal_info_load(step->core->store, step->domain->name, step->p, &info));
    *ask_at = md_renew_ask_at(step, info, facts);
    return NULL;
}

static apr_time_t earlier(apr_time_t at, apr_time_t other)
{
    return other && other < at ? other : at;
}

/** The next regular look; not after the CA wants to be asked again. */
static apr_time_t next_look(const md_step *step, const md_due *due, apr_time_t ask_at)
{
    return earlier(md_next_look(due, &step->domain->policy, step->core->clock),
                   ask_at && ask_at < step->now ? step->now : ask_at);
}

md_err *md_renew_next_look(md_step *step, apr_time_t *at)
{
    apr_time_t ask_at;
    md_due due;

    MD_TRY(read_due(step, &due, &ask_at));
    *at = due.renew_at && due.renew_at <= step->now ? step->now : next_look(step, &due, ask_at);
    if (md_asked(step->core->store, step->domain->name, step->p))
        *at = earlier(*at, step->now + MOVED_SOON);
    return NULL;
}

/** Of a set that waits in staging: is it complete and good, and not due itself after waiting for long? */
static md_err *waits_for_activation(md_step *step, int *waits)
{
    apr_array_header_t *creds, *facts = apr_array_make(step->p, 2, sizeof(md_cert_fact));
    md_err *err =
        md_staged_load(step->core->store, MD_GROUP_STAGING, step->domain, step->now, step->p, &creds);
    md_due due;

    *waits = 0;
    if (err)
        return !strcmp(err->type, "md:bad-file") || !strcmp(err->type, "md:bad-certificate") ? NULL : err;
    for (int i = 0; creds && i < creds->nelts; ++i)
        APR_ARRAY_PUSH(facts, md_cert_fact) =
            (md_cert_fact){ .cert = &APR_ARRAY_IDX(creds, i, md_creds *)->facts };
    if (!creds)
        return NULL;
    due = md_due_of(step->domain, (const md_cert_fact *)facts->elts, facts->nelts, step->now, step->p);
    *waits = !due.renew_at || due.renew_at > step->now;
    return NULL;
}

/** A record that says finished is believed only together with what it speaks of. */
static md_err *heal(md_step *step)
{
    md_job *job = step->job;
    int waits;

    if (!job->finished)
        return NULL;
    MD_TRY(waits_for_activation(step, &waits));
    if (waits)
        return NULL;
    md_log(MD_LOG_INFO, 0,
           "%s: its job is recorded as finished, but there is no usable certificate; it begins again",
           step->domain->name);
    job->finished = job->notified = job->notified_renewed = job->errors = 0;
    job->next_run = job->valid_from = 0;
    job->stage = NULL;
    md_job_changed(job, MD_JOB_MATTERS);
    return md_store_drop(step->core->store, MD_PLACE(MD_GROUP_STAGING, step->domain->name, "md.json"),
                         step->p);
}

/** Does an earlier failure still hold it back? Not when somebody asked for it since. */
static int is_held_back(const md_step *step, apr_time_t asked)
{
    const md_job *job = step->job;

    return job->errors && job->next_run > step->now && !step->work->urged &&
           job->last_run <= step->now + CLOCK_DRIFT && /* else the clock was wrong then, or is now */
           apr_time_from_sec(apr_time_sec(asked)) <= job->last_run;
}

/** A set that is live is asked about once it has been moved; until then the next look comes soon, and later
 * the longer that takes. */
static apr_time_t when_moved(const md_step *step, apr_time_t ask_at)
{
    const apr_interval_time_t late = step->now - ask_at;

    if (!ask_at || ask_at > step->now)
        return ask_at;
    return step->now + (late > MOVED_SOON ? late : MOVED_SOON);
}

static apr_time_t when_finished(const md_step *step, const md_due *due, apr_time_t ask_at, apr_time_t asked)
{
    const int live = step->domain->policy.live;

    if (step->job->stage || !step->job->notified_renewed) /* something is left to do for it */
        return is_held_back(step, asked) ? step->job->next_run : step->now;
    if (asked && live)
        return step->now + MOVED_SOON; /* then the one that was asked for begins */
    return due->renew_at ? next_look(step, due, live ? when_moved(step, ask_at) : 0) : 0;
}

/** MDWarnWindow: told once a day, until a new certificate is there. */
static void warn_of_expiry(const md_step *step, const md_due *due)
{
    md_event event = { .name = "expiring",
                       .domain = step->domain->name,
                       .job = step->job,
                       .text = due->why,
                       .when = step->now };

    if (!due->warn_at || due->warn_at > step->now || step->job->finished ||
        !md_notify_is_due(step->job, event.name, step->now))
        return;
    md_log(MD_LOG_WARN, 0, "%s: its certificate %s and has not been renewed%s", step->domain->name, due->why,
           due->renew_at ? " yet" : "; it is not renewed by this server");
    md_tell(step->core->events, &event, step->p);
}

/** Nothing is to be done now. */
static apr_time_t when_renewed(const md_step *step, const md_due *due, apr_time_t ask_at)
{
    md_log(MD_LOG_DEBUG, 10513, "%s: its CA is %sasked when to renew it (MDRenewViaARI)", step->domain->name,
           step->domain->policy.ari ? "" : "not ");
    md_log(MD_LOG_DEBUG, 10514, "%s: is to be renewed in %s, unless its CA wants it sooner",
           step->domain->name, md_duration_words(due->renew_at - step->now, step->p));
    return next_look(step, due, ask_at);
}

md_err *md_renew_decline(md_step *step)
{
    const int delayed = step->job->ready_at > step->now;

    if (!step->job->finished || (step->domain->policy.live && !delayed))
        return NULL;
    md_log(MD_LOG_INFO, 0, "%s: not renewed again, a new certificate waits already for %s",
           step->domain->name, delayed ? md_date_text(step->job->ready_at, step->p) : "a restart");
    return md_asked_done(step->core->store, step->domain->name, step->p);
}

static void tell_when(const md_step *step, apr_time_t at, const char *why)
{
    if (at <= step->now)
        md_log(MD_LOG_DEBUG, 10512, "%s: is to be renewed now: %s", step->domain->name, why);
    else
        md_log(MD_LOG_DEBUG, 10107, "%s: looked at again in %s", step->domain->name,
               md_duration_words(at - step->now, step->p));
}

md_err *md_renew_due(md_step *step, apr_time_t *at)
{
    int unfinished;
    apr_time_t asked, ask_at;
    md_due due;

    MD_TRY(heal(step));
    MD_TRY(read_due(step, &due, &ask_at));
    warn_of_expiry(step, &due);
    asked = md_asked(step->core->store, step->domain->name, step->p);
    if (step->job->finished) {
        *at = when_finished(step, &due, ask_at, asked);
        return asked ? md_renew_decline(step) : NULL;
    }
    MD_TRY(
        waits_for_activation(step, &unfinished)); /* a set that nobody was told of: interrupted just before */
    if (!due.renew_at && !asked)
        *at = due.warn_at ? next_look(step, &due, 0) : 0;
    else if (due.renew_at > step->now && !unfinished && !asked)
        *at = when_renewed(step, &due, ask_at);
    else if (is_held_back(step, asked))
        *at = step->job->next_run;
    else
        *at = asked || step->now < due.renew_at ? step->now : due.renew_at;
    if (*at)
        tell_when(step, *at, asked ? "somebody asked for it" : due.why);
    return NULL;
}

const md_names *md_renew_ca_urls(const md_domain *domain, apr_pool_t *p)
{
    md_names *urls = domain->policy.ca_urls.list;

    if (urls && urls->nelts)
        return urls;
    urls = md_names_make(p);
    md_names_add(urls, md_domain_ca_url(domain));
    return urls;
}

static int position(const md_names *urls, const char *url)
{
    for (int i = 0; url && i < urls->nelts; ++i)
        if (!strcmp(MD_NAME(urls, i), url))
            return i;
    return -1;
}

static int same_urls(const md_names *a, const md_names *b)
{
    int same = a->nelts == b->nelts;

    for (int i = 0; same && i < a->nelts; ++i)
        same = !strcmp(MD_NAME(a, i), MD_NAME(b, i));
    return same;
}

/** Is the work in staging still for what is configured now? */
static int same_intent(const md_domain *staged, const md_domain *domain, apr_pool_t *p)
{
    return md_names_equal(staged->names, domain->names) &&
           md_key_specs_equal(staged->policy.keys, domain->policy.keys) &&
           staged->policy.must_staple == domain->policy.must_staple &&
           md_text_equal(staged->policy.profile, domain->policy.profile) &&
           same_urls(md_renew_ca_urls(staged, p), md_renew_ca_urls(domain, p));
}

md_err *md_renew_drop_work(md_step *step)
{
    static const char *const kept[] = { "account.json", "account.pem", "job.json", "md.json" };
    md_store *store = step->core->store;
    md_names *files;

    /* first: without it, what is left is no set */
    MD_TRY(md_store_drop(store, MD_PLACE(MD_GROUP_STAGING, step->domain->name, "md.json"), step->p));
    MD_TRY(md_renew_drop_order(step));
    MD_TRY(md_store_list(store, MD_GROUP_STAGING, step->domain->name, step->p, &files));
    for (int i = 0; i < files->nelts; ++i) {
        int keep = 0;

        for (size_t k = 0; k < sizeof(kept) / sizeof(kept[0]); ++k)
            keep |= !strcmp(kept[k], MD_NAME(files, i));
        if (!keep)
            MD_TRY(md_store_drop(store, MD_PLACE(MD_GROUP_STAGING, step->domain->name, MD_NAME(files, i)),
                                 step->p));
    }
    return NULL;
}

/** The CA to work with; after too many errors in a row the next one. */
static const char *choose_url(md_step *step, const md_domain *staged)
{
    const md_names *urls = md_renew_ca_urls(step->domain, step->p);
    int at = staged ? position(urls, staged->ca_url) : 0;

    if (at < 0)
        at = 0;
    if (urls->nelts > 1 && step->job->errors >= step->core->plan->policy.retry_failover) {
        md_log(MD_LOG_NOTICE, 0, "%s: after %d errors in a row with %s, trying %s", step->domain->name,
               step->job->errors, md_ca_shown(MD_NAME(urls, at), step->p),
               md_ca_shown(MD_NAME(urls, (at + 1) % urls->nelts), step->p));
        at = (at + 1) % urls->nelts;
        step->job->errors = step->work->errors = 0;
        md_job_changed(step->job, MD_JOB_MATTERS);
    }
    return MD_NAME(urls, at);
}

static md_err *begin_work(md_step *step, const char *ca_url)
{
    md_domain begun = *step->domain;

    begun.ca_url = ca_url;
    MD_TRY(md_renew_drop_work(step));
    return md_store_save_json(step->core->store, MD_PLACE(MD_GROUP_STAGING, begun.name, "md.json"),
                              md_domain_to_json(&begun, MD_STATE_INCOMPLETE, step->p), step->p);
}

/** May it begin? A refusal is no error: the next regular look asks again. */
static int may_begin(md_step *step, apr_time_t *next)
{
    md_event event = {
        .name = "renewing", .domain = step->domain->name, .job = step->job, .when = step->now
    };
    md_err *refusal = md_ask(step->core->events, &event, step->p);

    if (!refusal)
        return 1;
    if (md_event_waits(refusal)) {
        *next = step->now + MD_ASK_AGAIN;
        return 0;
    }
    md_log(MD_LOG_INFO, 10060, "%s: not renewed now: %s", step->domain->name, md_err_text(refusal, step->p));
    *next = step->now + step->domain->policy.check_interval;
    return 0;
}

md_next md_renew_choose_ca(md_step *step)
{
    const md_renewal *renewal = step->data;
    const char *url;
    apr_time_t at;
    md_err *err = md_renew_due(step, &at);

    if (err)
        return FAILED(err);
    if (!at || at > step->now)
        return FINISHED(at); /* done by somebody else while this one queued */
    if (step->job->finished)
        return GO_TO(step->job->notified_renewed ? "prove" : "staple");
    if (!may_begin(step, &at))
        return FINISHED(at);
    err = md_renew_preview(step->core, step->domain, step->p); /* before a CA is bothered */
    if (err)
        return FAILED(err);
    url = choose_url(step, renewal->staged);
    if (renewal->staged && same_intent(renewal->staged, step->domain, step->p) &&
        !strcmp(renewal->staged->ca_url, url))
        return NEXT_STAGE;
    err = begin_work(step, url);
    return err ? FAILED(err) : NEXT_STAGE;
}

md_next md_renew_directory(md_step *step)
{
    const md_renewal *renewal = step->data;
    md_err *err = md_call_directory(&renewal->call, step->p);

    return err ? FAILED(err) : NEXT_STAGE;
}

static md_account_wish wish_for(const md_step *step, const md_renewal *renewal)
{
    const md_domain *domain = step->domain;
    const md_binding *binding = md_policy_binding(&domain->policy, renewal->staged->ca_url);

    return (md_account_wish){ .ca_url = renewal->staged->ca_url,
                              .agreement = domain->policy.agreement,
                              .contacts = domain->contacts,
                              .eab_kid = binding ? binding->kid : NULL,
                              .eab_hmac = binding ? binding->hmac : NULL,
                              .key = domain->policy.account_key.account_key,
                              .domain = domain->name,
                              .preferred = domain->ca_account,
                              .except = md_names_make(step->p) };
}

/** An account in the store that the CA accepts, or NULL. One request for each that it does not accept. */
static md_err *find_account(md_step *step, md_account_wish *wish, md_account **out)
{
    const md_renewal *renewal = step->data;
    md_account *account;
    int usable = 0;

    *out = NULL;
    for (int i = 0; i < ACCOUNTS_TRIED; ++i) {
        MD_TRY(md_account_find(step->core->store, wish, step->p, &account));
        if (!account)
            return NULL;
        MD_TRY(md_account_check(&renewal->call, step->core->store, account, wish, step->p, &usable));
        if (usable) {
            *out = account;
            return NULL;
        }
        md_log(MD_LOG_INFO, 0, "%s: the CA does not know the account %s/%s any more", step->domain->name,
               md_groups[account->group].dir, account->name);
        md_names_add(wish->except, account->url);
    }
    return NULL;
}

static md_err *have_account(md_step *step)
{
    const md_renewal *renewal = step->data;
    md_account_wish wish = wish_for(step, renewal);
    md_account *account;

    MD_TRY(find_account(step, &wish, &account));
    if (!account) {
        MD_TRY(md_renew_may_register(step));
        MD_TRY(md_account_register(&renewal->call, step->core->store, &wish, step->p, &account));
        if (account->is_new)
            MD_TRY(md_renew_registered(step));
        md_log(MD_LOG_INFO, 0, "%s: registered the account %s at %s", step->domain->name, account->url,
               md_ca_shown(account->ca_url, step->p));
        if (step->core->account_staged)
            step->core->account_staged(step->core->self, step->domain);
    }
    md_ca_use_account(renewal->gate, account->url,
                      account->group == MD_GROUP_ACCOUNTS ? md_account_public_id(account->name) : NULL,
                      account->key);
    return NULL;
}

md_next md_renew_account(md_step *step)
{
    const md_renewal *renewal = step->data;
    md_err *err;

    if (renewal->call.account)
        return NEXT_STAGE;
    if (md_ca_orders_rest(renewal->gate, step->now) > step->now)
        return STEP_ASIDE_UNTIL(md_ca_orders_rest(renewal->gate, step->now));
    if (!md_ca_account_begin(renewal->gate))
        return AGAIN_AT(step->now + ACCOUNT_PAUSE);
    err = have_account(step);
    md_ca_account_done(renewal->gate);
    return err ? FAILED(err) : NEXT_STAGE;
}
