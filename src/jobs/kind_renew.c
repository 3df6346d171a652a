/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map of a renewal: its stages, and what surrounds each of them: the staged md.json, the CA's gate, an
 * account that got lost.
 */
#include "jobs/kind_renew.h"

#include <apr_strings.h>
#include <string.h>

#include "acme/solver.h"
#include "base/log.h"
#include "jobs/renew.h"
#include "tls/jws.h"

/* For an account at its limit, where the CA does not say for how long. */
#define ORDERS_REST apr_time_from_sec(3600)

/* clang-format off */
static const md_stage stages[] = {
    /* name           doing                                    run                    calls order */
    { "suggest",     "asking the CA when to renew",            md_renew_suggest,      0, 0 },
    { "choose-ca",   "choosing a certificate authority",       md_renew_choose_ca,    0, 1 },
    { "directory",   "reading the CA's directory",             md_renew_directory,    1, 1 },
    { "account",     "finding the account at the CA",          md_renew_account,      1, 1 },
    { "order",       "placing the order",                      md_renew_order,        1, 1 },
    { "authorize",   "reading what is to be proved",           md_renew_authorize,    1, 1 },
    { "set-up",      "setting up challenges",                  md_renew_set_up,       0, 1 },
    { "propagate",   "waiting for name servers",               md_renew_propagate,    0, 1 },
    { "preflight",   "asking ourselves for the challenge",     md_renew_preflight,    0, 1 },
    { "answer",      "telling the CA that it can check",       md_renew_answer,       1, 1 },
    { "await-authz", "waiting for the CA to check the names",  md_renew_await_authz,  1, 1 },
    { "finalize",    "sending the signing request",            md_renew_finalize,     1, 1 },
    { "await-cert",  "waiting for the certificate",            md_renew_await_cert,   1, 1 },
    { "download",    "fetching the certificate",               md_renew_download,     1, 1 },
    { "verify",      "checking the new keys and certificates", md_renew_verify,       0, 1 },
    { "staple",      "fetching the first OCSP response",       md_renew_staple,       0, 0 },
    { "announce",    "telling about the new certificate",      md_renew_announce,     0, 0 },
    { "prove",       "checking what clients get",              md_renew_prove,        0, 0 },
    { NULL, NULL, NULL, 0, 0 },
};
/* clang-format on */

static const char *eab_kid(const md_domain *domain, const char *ca_url)
{
    const md_binding *binding = md_policy_binding(&domain->policy, ca_url);

    return binding ? binding->kid : NULL;
}

/** Domains with different bindings or keys have different accounts. */
static const char *kind_of_account(const md_domain *domain, const char *ca_url, apr_pool_t *p)
{
    const char *kid = eab_kid(domain, ca_url);

    if (!domain->policy.account_key.account_key)
        return kid;
    return apr_pstrcat(p, kid ? kid : "", " ", md_key_sha256(domain->policy.account_key.account_key, p),
                       NULL);
}

void md_renew_call_to(const md_step *step, const char *url, md_http_route *route, md_call *call)
{
    const md_policy *policy = &step->domain->policy;

    *route = (md_http_route){ .proxy_url = policy->proxy_url,
                              .ca_file = policy->ca_file,
                              .proxy_ca_file = policy->proxy_ca_file };
    *call = (md_call){ .ca = md_cas_gate(step->desk->cas, url, kind_of_account(step->domain, url, step->p)),
                       .http = step->desk->http,
                       .route = route,
                       .clock = step->core->clock };
}

static void fill_call(md_step *step, md_renewal *renewal)
{
    md_renew_call_to(step, renewal->staged->ca_url, &renewal->route, &renewal->call);
    renewal->gate = renewal->call.ca;
    renewal->call.account = md_ca_account(renewal->gate, step->p);
}

/** A damaged md.json is as good as none. */
static md_err *load_staged(md_step *step, md_renewal *renewal)
{
    md_place place = MD_PLACE(MD_GROUP_STAGING, step->domain->name, "md.json");
    md_err *err;
    json_t *doc;

    err = md_store_load_json(step->core->store, place, step->p, &doc);
    if (err && strcmp(err->type, "md:bad-file") != 0)
        return err;
    if (err)
        md_store_set_aside(step->core->store, place, md_err_text(err, step->p), step->p);
    else if (doc)
        renewal->staged = md_domain_from_json(doc, step->p);
    if (renewal->staged && !renewal->staged->ca_url)
        renewal->staged = NULL;
    return NULL;
}

/** What the stage before in this step has left, or what is in the store. */
static md_err *open_renewal(md_step *step, md_renewal **out)
{
    md_renewal *renewal = step->data;

    if (!renewal) {
        renewal = apr_pcalloc(step->p, sizeof(*renewal));
        MD_TRY(load_staged(step, renewal));
    }
    if (renewal->staged) {
        step->ca_url = renewal->staged->ca_url;
        fill_call(step, renewal);
    }
    *out = step->data = renewal;
    return NULL;
}

/** Stages that do not call the CA may write md.json. */
static md_next run_inside(md_step *step, const md_stage *stage)
{
    const md_next next = stage->run(step);

    step->data = NULL;
    return next;
}

const char *md_renew_way(const md_domain *domain, apr_pool_t *p)
{
    const char *const parts[] = { domain->policy.proxy_url, domain->policy.ca_file,
                                  domain->policy.proxy_ca_file };
    const char *way = "";

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); ++i)
        way = apr_pstrcat(p, way, parts[i] ? parts[i] : "", "\n", NULL);
    return way;
}

static md_next run_at_gate(md_step *step, const md_stage *stage, md_ca *gate)
{
    md_silence found = { .way = md_renew_way(step->domain, step->p) };
    apr_time_t again, rest = 0;
    md_next next;
    md_err *known = md_ca_silence(gate, found.way, step->work->since, step->now, step->p);

    if (known)
        return FAILED(known);
    if (!md_ca_enter(gate, step->now, &again))
        return again - step->now > MD_CA_PAUSE ? STEP_ASIDE_UNTIL(again) : AGAIN_AT(again);
    next = stage->run(step);
    if (next.verdict == MD_FAILED && next.err->fault == MD_FAULT_REMOTE)
        rest = next.err->not_before; /* 503: the CA asks all of us to wait */
    if (next.verdict == MD_FAILED && md_problem_is_of_account(next.err))
        md_ca_rest_orders(gate, next.err->not_before ? next.err->not_before : step->now + ORDERS_REST);
    found.why = next.verdict == MD_FAILED && !md_call_was_answered(next.err) ? next.err : NULL;
    md_ca_leave(gate, md_now(step->core->clock), &found, rest, step->p);
    return next;
}

/** The account in use is not the CA's any more: another one is found or made, once in an attempt. */
static int lost_account(md_step *step, const md_next *next)
{
    const md_renewal *renewal = step->data;

    if (next->verdict != MD_FAILED || !renewal->call.account || (step->work->again & MD_AGAIN_ACCOUNT))
        return 0;
    return md_problem_is(next->err, "accountDoesNotExist") ||
           md_problem_is(next->err, "malformed") || /* as CAs call a signature by a key that was replaced */
           (next->err->fault == MD_FAULT_REMOTE && md_problem_is(next->err, "unauthorized"));
}

static md_next run(md_step *step, const md_stage *stage)
{
    md_renewal *renewal;
    md_err *err = open_renewal(step, &renewal);
    md_next next;

    if (err)
        return FAILED(err);
    if (!stage->calls)
        return run_inside(step, stage);
    if (!renewal->gate)
        return GO_TO("choose-ca"); /* somebody emptied staging */
    if (stage->run != md_renew_directory && !md_ca_directory(renewal->gate, step->now))
        return GO_TO("directory");
    if (stage->run != md_renew_directory && stage->run != md_renew_account && !renewal->call.account)
        return GO_TO("account");
    next = run_at_gate(step, stage, renewal->gate);
    if (!lost_account(step, &next))
        return next;
    step->work->again |= MD_AGAIN_ACCOUNT;
    md_log(MD_LOG_INFO, 0, "%s: the CA does not accept its account (%s), looking for another one",
           step->domain->name, md_err_text(next.err, step->p));
    md_ca_use_account(renewal->gate, NULL, NULL, NULL);
    return GO_TO("account");
}

const md_kind md_kind_renew = { .name = "renew",
                                .doing = "Renewing",
                                .group = MD_GROUP_STAGING,
                                .stages = stages,
                                .due = md_renew_due,
                                .run = run,
                                .failed_id = 10056 };

/** Why a challenge type that is configured can never prove the name, as a clause; NULL: it may. */
static const char *obstacle(const md_plan *plan, const md_domain *domain, const char *type, const char *name)
{
    const md_solver *solver = md_solver_find(type);

    if (!solver)
        return "this module does not know it";
    if (!md_solver_can(solver, name))
        return "it cannot prove names of this kind";
    return solver->strict ? solver->why_not(plan, domain, name) : NULL;
}

/** Fails when none of the configured types can. */
static md_err *preview_name(const md_core *core, const md_domain *domain, const char *name, apr_pool_t *p)
{
    const char *left_out;
    const md_names *types = md_solver_types(core->plan, domain, name, p, &left_out);
    md_names *obstacles = md_names_make(p);

    if (*left_out)
        md_names_add(obstacles, left_out);
    for (int i = 0; i < types->nelts; ++i) {
        const char *type = MD_NAME(types, i), *why = obstacle(core->plan, domain, type, name);

        if (!why)
            return NULL;
        md_names_add(obstacles, apr_pstrcat(p, type, ": ", why, NULL));
    }
    return md_fail(p, MD_FAULT_CONFIG, "challenge-mismatch", "no usable challenge type for %s (%s)", name,
                   md_names_join(obstacles, "; ", p));
}

static md_err *preview_challenges(const md_core *core, const md_domain *domain, apr_pool_t *p)
{
    const md_names *names = md_domain_order_names(domain, p);

    for (int i = 0; i < names->nelts; ++i)
        MD_TRY(preview_name(core, domain, MD_NAME(names, i), p));
    return NULL;
}

static int is_account_at(md_store *store, md_place place, const char *ca_url, apr_pool_t *p)
{
    json_t *doc;
    md_err *err = md_store_load_json(store, place, p, &doc);
    const char *url = !err && doc ? md_json_text(doc, "ca-url") : NULL;

    return url && !strcmp(url, ca_url);
}

/** An account is there already? Damaged ones and failures count as none. */
static int has_account(md_store *store, const md_domain *domain, const char *ca_url, apr_pool_t *p)
{
    int found = is_account_at(store, MD_PLACE(MD_GROUP_STAGING, domain->name, "account.json"), ca_url, p);
    md_names *ids = NULL;
    md_err *err = found ? NULL : md_store_list(store, MD_GROUP_ACCOUNTS, NULL, p, &ids);

    for (int i = 0; !err && !found && ids && i < ids->nelts; ++i)
        found = is_account_at(store, MD_PLACE(MD_GROUP_ACCOUNTS, MD_NAME(ids, i), "account.json"), ca_url, p);
    return found;
}

/** What the CA needs for a new account, as far as that is known of it. */
static md_err *preview_account(const md_domain *domain, const char *url, apr_pool_t *p)
{
    const md_binding *binding = md_policy_binding(&domain->policy, url);

    if (!domain->contacts->nelts)
        return md_fail(
            p, MD_FAULT_CONFIG, "md:no-contact",
            "there is no account at %s yet, and to make one a contact is needed: set MDContactEmail",
            md_ca_shown(url, p));
    if (!domain->policy.agreement && strcmp(md_ca_shown(url, p), md_url_host(url, p)) != 0)
        return md_fail(p, MD_FAULT_CONFIG, "md:no-agreement",
                       "%s wants its terms of service to be accepted: read them, then set "
                       "'MDCertificateAgreement accepted'",
                       md_ca_shown(url, p));
    if (md_ca_is_bound(url, p) && !binding)
        return md_fail(
            p, MD_FAULT_CONFIG, MD_ACME_ERROR "externalAccountRequired",
            "%s makes accounts only for its customers: set MDExternalAccountBinding to the key id and "
            "HMAC that you got from it",
            md_ca_shown(url, p));
    return binding ? md_jws_check_hmac(binding->hmac, p) : NULL;
}

md_err *md_renew_preview_settings(const md_core *core, const md_domain *domain, apr_pool_t *p)
{
    MD_TRY(md_key_specs_check(domain->policy.keys, p)); /* before a CA is bothered */
    return preview_challenges(core, domain, p);
}

md_err *md_renew_preview(const md_core *core, const md_domain *domain, apr_pool_t *p)
{
    const char *url = md_domain_ca_url(domain);

    MD_TRY(md_renew_preview_settings(core, domain, p));
    return has_account(core->store, domain, url, p) ? NULL : preview_account(domain, url, p);
}
