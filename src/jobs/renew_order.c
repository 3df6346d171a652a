/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of a renewal, from newOrder to the finished certificate at the CA (RFC 8555 7.4, 7.5). The
 * order's record is on disk before anything is done for it, the key before the CSR leaves. A stage that finds
 * the record gone goes back to where orders are made.
 */
#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#include "acme/solver.h"
#include "base/log.h"
#include "jobs/renew.h"
#include "tls/csr.h"

/* Polling. Nobody knows how long a CA takes: the pause grows with the time that has passed. A CA's
 * Retry-After is followed, but not before the first look, which costs one request and finds quick CAs done.
 */
#define POLL_FIRST apr_time_from_msec(25)
#define POLL_QUICK apr_time_from_msec(200)
#define POLL_MAX   apr_time_from_sec(10)
#define PATIENCE   apr_time_from_sec(300)

static const md_call *call_of(const md_step *step)
{
    return &((const md_renewal *)step->data)->call;
}

int md_renew_is_first_look(const md_step *step)
{
    return step->now - step->work->since < POLL_FIRST;
}

md_next md_renew_poll(md_step *step, apr_time_t retry_after, const char *what)
{
    apr_interval_time_t passed = step->now - step->work->since;
    apr_interval_time_t pause = passed / 8 > POLL_QUICK ? passed / 8 : POLL_QUICK;

    if (passed >= PATIENCE)
        return FAILED(md_fail(step->p, MD_FAULT_REMOTE, "md:too-slow",
                              "the CA has not finished %s after %s; the order is kept", what,
                              md_duration_words(passed, step->p)));
    if (md_renew_is_first_look(step))
        return AGAIN_AT(step->work->since + POLL_FIRST);
    if (passed / 2 < pause)
        pause = passed / 2;
    if (pause > POLL_MAX)
        pause = POLL_MAX;
    if (retry_after > step->now + pause)
        pause = retry_after - step->now;
    if (pause > PATIENCE - passed)
        pause = PATIENCE - passed;
    return AGAIN_AT(step->now + pause);
}

const md_exec_limits *md_renew_limits(const md_step *step)
{
    static const md_exec_limits one = { .timeout = MD_EXEC_TIMEOUT };

    return step->core->exec ? step->core->exec : &one;
}

md_err *md_renew_drop_order(md_step *step)
{
    md_store *store = step->core->store;
    md_order *order;

    MD_TRY(md_order_load(store, step->domain->name, step->p, &order));
    if (!order)
        return NULL;
    md_solver_take_all(&(md_unsolve){ store, step->domain, md_renew_limits(step) }, order->setups, step->p);
    return md_store_drop(store, MD_PLACE(MD_GROUP_STAGING, step->domain->name, "order.json"), step->p);
}

/** Has the CA forgotten it, or does it deny it? */
static int is_gone(const md_err *err)
{
    return md_problem_is(err, "malformed") || md_problem_is(err, "unauthorized") ||
           APR_STATUS_IS_ENOENT(err->status) || APR_STATUS_IS_EACCES(err->status);
}

/** Once in an attempt. */
static md_next order_anew(md_step *step, md_err *why)
{
    md_err *err = md_renew_drop_order(step);

    if (err)
        return FAILED(err);
    if (step->work->again & MD_AGAIN_ORDER)
        return FAILED(why);
    md_log(MD_LOG_INFO, 0, "%s: its order is gone at the CA (%s), making a new one", step->domain->name,
           md_err_text(why, step->p));
    step->work->again |= MD_AGAIN_ORDER;
    return GO_TO("order");
}

md_next md_renew_order_failed(md_step *step, md_err *err)
{
    if (!is_gone(err) || (step->work->again & MD_AGAIN_ORDER) || md_problem_is(err, "accountDoesNotExist"))
        return FAILED(err);
    return order_anew(step, err);
}

/** The CA has counted it: so do we, before the order that shows it is forgotten. */
static md_err *drop_failed_order(md_step *step, const md_err *why)
{
    if (why->fault == MD_FAULT_VALIDATION)
        MD_TRY(md_renew_pay(step, MD_BUDGET_FAILURES));
    return md_renew_drop_order(step);
}

md_next md_renew_authz_failed(md_step *step, const md_authz *authz)
{
    md_err *why = md_authz_problem(authz, step->now, step->p);

    return authz->status == MD_AUTHZ_GONE ? order_anew(step, why) : md_renew_give_up_order(step, why);
}

md_next md_renew_give_up_order(md_step *step, md_err *why)
{
    md_err *err = drop_failed_order(step, why);

    return FAILED(err ? err : why);
}

static md_err *load_order(md_step *step, md_order **order)
{
    return md_order_load(step->core->store, step->domain->name, step->p, order);
}

static md_err *save_order(md_step *step, const md_order *order)
{
    return md_order_save(step->core->store, step->domain->name, order, step->p);
}

static int is_ours(const md_step *step, const md_order *order, const md_key_spec *spec)
{
    const md_call *call = call_of(step);

    /* records of other programs say less */
    return (!order->spec || !strcmp(order->spec, md_key_spec_name(spec))) &&
           (!order->account || !strcmp(order->account, call->account->url)) &&
           (!order->ca_url || !strcmp(order->ca_url, md_ca_url(call->ca)));
}

/** Where to go on with an order in this state. */
static md_next go_on(md_step *step, const md_order *order)
{
    step->work->index = 0;
    switch (order->status) {
    case MD_ORDER_PENDING: return GO_TO("authorize");
    case MD_ORDER_READY: return GO_TO("finalize");
    case MD_ORDER_PROCESSING: return GO_TO("await-cert");
    case MD_ORDER_VALID: md_work_note(step->work, order->certificate); return GO_TO("download");
    default: return md_renew_give_up_order(step, md_order_problem(order, step->now, step->p));
    }
}

static md_next resume(md_step *step, md_order *order)
{
    md_err *err = md_order_read(call_of(step), order, step->p), *why;

    if (err)
        return md_renew_order_failed(step, err);
    if (order->status != MD_ORDER_INVALID)
        return go_on(step, order);
    why = md_order_problem(order, step->now, step->p);
    md_log(MD_LOG_INFO, 0, "%s: its order became invalid (%s), making a new one", step->domain->name,
           md_err_text(why, step->p));
    err = drop_failed_order(step, why);
    return err ? FAILED(err) : GO_TO("order");
}

/** The profile in the CA's spelling. One that the CA does not have is left out, unless it is mandatory. */
static md_err *choose_profile(const md_step *step, const char **profile)
{
    const md_policy *policy = &step->domain->policy;
    const md_directory *directory = md_ca_directory(call_of(step)->ca, step->now);

    *profile = NULL;
    for (int i = 0; policy->profile && directory && directory->profiles && directory->profiles[i]; ++i)
        if (!strcasecmp(directory->profiles[i], policy->profile))
            *profile = directory->profiles[i];
    if (policy->profile && !*profile && policy->profile_mandatory)
        return md_fail(
            step->p, MD_FAULT_CONFIG, "md:no-profile",
            "the CA has no certificate profile '%s'; change MDProfile, or set 'MDProfileMandatory off'",
            policy->profile);
    return NULL;
}

/** Refusals that may be about what the order is said to replace: the CA has another memory than we. */
static int may_be_for_replaced(const md_err *err)
{
    static const char *const types[] = { "alreadyReplaced", "malformed", "unauthorized", "serverInternal" };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); ++i)
        if (md_problem_is(err, types[i]))
            return 1;
    return APR_STATUS_IS_ENOENT(err->status);
}

static md_next may_order(md_step *step)
{
    const apr_time_t rests_until = md_ca_orders_rest(call_of(step)->ca, step->now);

    return rests_until > step->now ? STEP_ASIDE_UNTIL(rests_until) : md_renew_pay_order(step);
}

static md_next place(md_step *step, const md_key_spec *spec)
{
    md_order_wish wish = { .names = md_domain_order_names(step->domain, step->p) };
    md_err *err = choose_profile(step, &wish.profile);
    md_order *order = NULL;
    md_next may = NEXT_STAGE;

    if (!err)
        err = md_renew_replaced(step, spec, &wish.replaces);
    if (!err && !wish.replaces) /* CAs do not count replacements (RFC 9773 5) */
        may = may_order(step);
    if (!err && may.verdict != MD_GO_ON)
        return may;
    if (!err)
        err = md_order_place(call_of(step), &wish, step->p, &order);
    if (err && wish.replaces && may_be_for_replaced(err)) {
        md_log(MD_LOG_INFO, 0,
               "%s: the CA does not take the order as a replacement of its certificate (%s), ordering anew",
               step->domain->name, md_err_text(err, step->p));
        step->work->again |= MD_AGAIN_REPLACES;
        return AGAIN_AT(step->now);
    }
    if (err)
        return FAILED(err);
    order->spec = md_key_spec_name(spec);
    err = save_order(step, order);
    return err ? FAILED(err) : go_on(step, order);
}

md_next md_renew_order(md_step *step)
{
    const md_key_spec *spec;
    md_order *order;
    md_err *err = md_renew_next_spec(step, &spec);

    if (!err && !spec)
        return GO_TO("verify");
    if (!err)
        err = load_order(step, &order);
    if (!err && order && !is_ours(step, order, spec)) {
        err = md_renew_drop_order(step);
        order = NULL;
    }
    if (err)
        return FAILED(err);
    return order ? resume(step, order) : place(step, spec);
}

/** The key that waits in staging from an earlier attempt, or a new one that is saved there first. */
static md_err *key_for(md_step *step, const md_key_spec *spec, md_key **key)
{
    md_store *store = step->core->store;
    const char *name = step->domain->name;
    md_err *err = md_creds_load_key(store, MD_GROUP_STAGING, name, spec, step->p, key);

    if (err && strcmp(err->type, "md:bad-file") != 0)
        return err;
    if (!err && *key && md_key_fits(*key, spec))
        return NULL;
    MD_TRY(md_key_make(spec, step->p, key));
    return md_creds_save_key(store, MD_GROUP_STAGING, name, spec, *key, step->p);
}

static md_err *make_request(md_step *step, const md_key_spec *spec, md_bytes *csr)
{
    md_key *key;

    MD_TRY(key_for(step, spec, &key));
    return md_csr_make(key, md_domain_order_names(step->domain, step->p), step->domain->policy.must_staple,
                       step->p, csr);
}

/** What the state of a finalized order leads to. */
static md_next after_finalize(md_step *step, const md_order *order)
{
    switch (order->status) {
    case MD_ORDER_VALID:
    case MD_ORDER_INVALID: return go_on(step, order);
    default: return GO_TO("await-cert");
    }
}

static int speaks_of_stapling(const md_err *err, apr_pool_t *p)
{
    const char *text = md_lower(md_err_text(err, p), p);

    return strstr(text, "must-staple") || strstr(text, "must staple") || strstr(text, "muststaple") ||
           strstr(text, "tls feature") || strstr(text, "1.3.6.1.5.5.7.1.24");
}

static md_err *no_must_staple(const md_step *step, const md_err *err)
{
    md_err *out = md_wrap(step->p, err, "the CA does not grant the must-staple extension any more");

    out->fault = MD_FAULT_CONFIG;
    out->type = "md:no-must-staple";
    return out;
}

/** CAs have many words for a key that they do not sign. */
static md_err *explain_refusal(const md_step *step, const md_key_spec *spec, md_err *err)
{
    if (step->domain->policy.must_staple && speaks_of_stapling(err, step->p))
        return no_must_staple(step, err);
    if (err->fault != MD_FAULT_CONFIG || md_key_spec_is_common(spec))
        return err;
    return md_wrap(step->p, err,
                   "MDPrivateKeys asks for a key of the type %s, many CAs take " MD_KEYS_COMMON " only",
                   md_key_spec_shown(spec, step->p));
}

md_next md_renew_finalize(md_step *step)
{
    const md_key_spec *spec;
    md_order *order = NULL;
    md_bytes csr;
    md_err *err = md_renew_next_spec(step, &spec);

    if (!err && spec)
        err = load_order(step, &order);
    if (err)
        return FAILED(err);
    if (!order || !order->finalize)
        return GO_TO("order");
    err = make_request(step, spec, &csr);
    if (err)
        return FAILED(err);
    err = md_order_finalize(call_of(step), order, csr, step->p);
    if (md_problem_is(err, "orderNotReady"))
        return md_renew_poll(step, 0, "preparing the order");
    if (err)
        err = explain_refusal(step, spec, err);
    if (err)
        return strcmp(err->type, "md:no-must-staple") ? md_renew_order_failed(step, err) : FAILED(err);
    return after_finalize(step, order);
}

md_next md_renew_await_cert(md_step *step)
{
    md_order *order;
    md_err *err = load_order(step, &order);

    if (err)
        return FAILED(err);
    if (!order)
        return GO_TO("order");
    if (md_renew_is_first_look(step))
        return md_renew_poll(step, 0, NULL);
    err = md_order_read(call_of(step), order, step->p);
    if (err)
        return md_renew_order_failed(step, err);
    if (order->status == MD_ORDER_VALID || order->status == MD_ORDER_INVALID)
        return go_on(step, order);
    return md_renew_poll(step, order->retry_after, "the certificate");
}
