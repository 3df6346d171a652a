/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The challenges of a renewal's order (RFC 8555 7.5): choose one for each name, put its answer in place, see
 * that it can be seen, tell the CA, wait for what it finds. A type whose setup fails leaves the name to the
 * next type that the CA offers.
 */
#include <apr_strings.h>
#include <string.h>

#include "acme/solver.h"
#include "base/log.h"
#include "jobs/renew.h"
#include "net/address.h"

/* How long the name servers of a zone may take to agree, and how often they are asked: as often as matters
 * after the time that has passed. */
#define SPREAD_PATIENCE apr_time_from_sec(300)
#define SPREAD_QUICK    apr_time_from_msec(500)
#define SPREAD_MAX      apr_time_from_sec(10)

static const md_call *call_of(const md_step *step)
{
    return &((const md_renewal *)step->data)->call;
}

static md_err *load_order(const md_step *step, md_order **order)
{
    return md_order_load(step->core->store, step->domain->name, step->p, order);
}

static unsigned tried(const md_step *step)
{
    return (unsigned)step->work->again >> MD_AGAIN_TRIED_SHIFT;
}

static md_next next_authz(md_step *step, const char *stage)
{
    ++step->work->index;
    step->work->again &= (1 << MD_AGAIN_TRIED_SHIFT) - 1;
    return GO_TO(stage);
}

/* What the next stages need to know of the challenge that was chosen, as words of the note. What its solver
 * wants to remember follows. */
enum { NOTE_TYPE, NOTE_NAME, NOTE_WILDCARD, NOTE_TOKEN, NOTE_URL, NOTE_ISSUERS, NOTE_WORDS };
#define NONE "-" /* where there is no word */

static int is_word(const char *text)
{
    return text && *text && !strpbrk(text, " \t");
}

static const char *word_or_none(const char *text)
{
    return text && *text ? text : NONE;
}

static const char *note_of(const md_authz *authz, const md_challenge *challenge, apr_pool_t *p)
{
    return apr_pstrcat(p, challenge->type, " ", authz->name, " ", authz->wildcard ? "1" : "0", " ",
                       word_or_none(challenge->token), " ", challenge->url, " ",
                       word_or_none(md_names_join(challenge->issuers, ",", p)), NULL);
}

/** Chooses a challenge and notes it, unless the CA was told already. The note is why another type failed. */
static md_err *choose(md_step *step, const md_authz *authz)
{
    const char *failure = step->work->note ? apr_pstrdup(step->p, step->work->note) : NULL;
    const md_challenge *challenge;
    md_err *err;

    md_work_note(step->work, NULL);
    err = md_solver_pick(step->core->plan, step->domain, authz, tried(step), step->p, &challenge);
    if (err && tried(step) && failure)
        return md_fail(step->p, MD_FAULT_CONFIG, "challenge-setup-failure", "%s", failure);
    MD_TRY(err);
    if (challenge->status && strcmp(challenge->status, "pending") != 0)
        return NULL;
    if (!is_word(challenge->url) ||
        (!is_word(challenge->token) && !md_solver_find(challenge->type)->tokenless))
        return md_fail(step->p, MD_FAULT_REMOTE, "md:bad-answer", "the CA's challenge has an unusable token");
    md_work_note(step->work, note_of(authz, challenge, step->p));
    return NULL;
}

md_next md_renew_authorize(md_step *step)
{
    md_authz *authz;
    md_order *order;
    md_err *err = load_order(step, &order);

    if (err)
        return FAILED(err);
    if (!order)
        return GO_TO("order");
    if (step->work->index >= order->authorizations->nelts) {
        step->work->index = 0;
        return GO_TO("await-authz");
    }
    err = md_authz_read(call_of(step), MD_NAME(order->authorizations, step->work->index), step->p, &authz);
    if (err)
        return md_renew_order_failed(step, err);
    if (authz->status == MD_AUTHZ_VALID)
        return next_authz(step, "authorize");
    if (authz->status != MD_AUTHZ_PENDING)
        return md_renew_authz_failed(step, authz);
    err = choose(step, authz);
    if (err)
        return FAILED(err);
    return step->work->note ? NEXT_STAGE : next_authz(step, "authorize");
}

/** The words of the note, or NULL when they are lost: then the authorization is read again. */
static const md_names *chosen(const md_step *step)
{
    md_names *words = step->work->note ? md_words(step->work->note, step->p) : NULL;

    return words && words->nelts >= NOTE_WORDS && md_solver_find(MD_NAME(words, NOTE_TYPE)) ? words : NULL;
}

/** What the solver remembered when the answer was put in place. */
static const char *rest_in(const md_names *chosen, apr_pool_t *p)
{
    md_names *rest = md_names_make(p);

    for (int i = NOTE_WORDS; i < chosen->nelts; ++i)
        md_names_add(rest, MD_NAME(chosen, i));
    return md_names_join(rest, " ", p);
}

static const md_names *issuers_in(const md_names *chosen, apr_pool_t *p)
{
    char *words = apr_pstrdup(p, MD_NAME(chosen, NOTE_ISSUERS));

    for (char *at = words; (at = strchr(at, ',')); ++at)
        *at = ' ';
    return strcmp(words, NONE) ? md_words(words, p) : md_names_make(p);
}

static md_solve solve_for(const md_step *step, const md_names *chosen)
{
    return (md_solve){ .store = step->core->store,
                       .plan = step->core->plan,
                       .domain = step->domain,
                       .account = call_of(step)->account,
                       .name = MD_NAME(chosen, NOTE_NAME),
                       .wildcard = !strcmp(MD_NAME(chosen, NOTE_WILDCARD), "1"),
                       .token = MD_NAME(chosen, NOTE_TOKEN),
                       .issuers = issuers_in(chosen, step->p),
                       .now = step->now,
                       .exec = md_renew_limits(step) };
}

static md_err *ask_setup(md_step *step, const md_solver *solver, const char *of)
{
    const char *name = apr_pstrcat(step->p, "challenge-setup:", solver->type, ":", of, NULL);
    md_event event = { .name = name, .domain = step->domain->name, .job = step->job, .when = step->now };

    return md_ask(step->core->events, &event, step->p);
}

/** Remembers how to take the answer down, puts it in place, and tells about it. */
static md_err *set_up(md_step *step, md_order *order, const md_names *chosen)
{
    const md_solve solve = solve_for(step, chosen);
    const md_solver *solver = md_solver_find(MD_NAME(chosen, NOTE_TYPE));
    const char *setup, *rest;

    MD_TRY(md_solver_setup(solver, &solve, step->p, &setup, &rest));
    if (md_names_add_new(order->setups, setup))
        MD_TRY(md_order_save(step->core->store, step->domain->name, order, step->p));
    MD_TRY(solver->put(&solve, rest, step->p));
    if (chosen->nelts == NOTE_WORDS)
        md_work_note(step->work, apr_pstrcat(step->p, step->work->note, " ", rest, NULL));
    return ask_setup(step, solver, solve.name);
}

/** The name that is to be proved, as in the certificate. */
static const char *shown_name(const md_names *chosen, apr_pool_t *p)
{
    const char *name = MD_NAME(chosen, NOTE_NAME);

    return strcmp(MD_NAME(chosen, NOTE_WILDCARD), "1") ? name : apr_pstrcat(p, "*.", name, NULL);
}

/** This type fails for this name: the next one has its turn, if there is one. */
static md_next setup_failed(md_step *step, const md_names *chosen, md_err *err)
{
    const char *type = MD_NAME(chosen, NOTE_TYPE), *name = shown_name(chosen, step->p), *text;

    step->work->again |= (int)(md_solver_bit(type) << MD_AGAIN_TRIED_SHIFT);
    if (!md_solver_has_more(step->core->plan, step->domain, name, tried(step), step->p))
        return FAILED(err);
    text = md_err_text(err, step->p);
    md_log(MD_LOG_INFO, 0, "%s: %s cannot be used for %s, trying another challenge: %s", step->domain->name,
           type, name, text);
    md_work_note(step->work, apr_pstrcat(step->p, type, ": ", text, NULL));
    return GO_TO("authorize");
}

md_next md_renew_set_up(md_step *step)
{
    const md_names *words = chosen(step);
    md_order *order;
    md_err *err = load_order(step, &order);

    if (!err && (!order || !words || !call_of(step)->account))
        return GO_TO("order");
    if (err)
        return FAILED(err);
    err = set_up(step, order, words);
    if (err && md_event_waits(err))
        return STEP_ASIDE_UNTIL(step->now + MD_ASK_AGAIN);
    return err ? setup_failed(step, words, err) : NEXT_STAGE;
}

static md_err *not_spread(const md_step *step, md_err *err, const md_names *lacking)
{
    if (err)
        return err;
    return md_fail(
        step->p, MD_FAULT_REMOTE, "challenge-setup-failure",
        "after %s, the new TXT record is not answered by the name servers %s: do they get the zone from "
        "the one in MDDnsUpdate?",
        md_duration_words(SPREAD_PATIENCE, step->p), md_names_join(lacking, ", ", step->p));
}

md_next md_renew_propagate(md_step *step)
{
    const md_names *words = chosen(step);
    const md_solver *solver = words ? md_solver_find(MD_NAME(words, NOTE_TYPE)) : NULL;
    const apr_interval_time_t passed = step->now - step->work->since;
    apr_interval_time_t pause = passed / 4;
    md_names *lacking;
    md_solve solve;
    md_err *err;

    if (!words || !call_of(step)->account)
        return GO_TO("order");
    if (!solver->lacking)
        return NEXT_STAGE;
    solve = solve_for(step, words);
    err = solver->lacking(&solve, rest_in(words, step->p), step->p, &lacking);
    if (!err && !lacking->nelts)
        return NEXT_STAGE;
    if (err && md_event_waits(err))
        return STEP_ASIDE_UNTIL(step->now + MD_ASK_AGAIN);
    if (passed >= SPREAD_PATIENCE)
        return setup_failed(step, words, not_spread(step, err, lacking));
    if (pause < SPREAD_QUICK)
        pause = SPREAD_QUICK;
    return AGAIN_AT(step->now + (pause < SPREAD_MAX ? pause : SPREAD_MAX));
}

/** Asks as the CA would, within time limits of its own. */
static md_err *ask_ourselves(const md_step *step, const md_names *words, const md_solver *solver,
                             const md_solve *solve)
{
    const md_directory *directory = md_ca_directory(call_of(step)->ca, step->now);
    md_caa_asker asker = { .identities = directory ? directory->caa : NULL,
                           .account = solve->account->url,
                           .methods = md_words(solver->type, step->p) };
    const md_policy *global = &step->core->plan->policy;
    md_http_options options = step->core->http ? *step->core->http : (md_http_options){ .user_agent = NULL };
    md_preflight with = { .ours = md_addresses_of_machine(step->p),
                          .http_port = global->port_map.http_port,
                          .https_port = global->port_map.https_port,
                          .cancelled = solve->exec->cancelled };
    md_err *err = md_dns_open(global->dns_server, step->p, &with.dns);

    if (!err)
        err = md_preflight_caa(&with, shown_name(words, step->p), &asker, step->p);
    if (err || !solver->preflight)
        return err;
    options.connect_timeout = MD_PREFLIGHT_CONNECT;
    options.total_timeout = MD_PREFLIGHT_REQUEST;
    options.cancelled = with.cancelled;
    with.http = md_http_open(&options);
    err = solver->preflight(solve, &with, step->p);
    md_http_close(with.http);
    return err;
}

/** Once: a retry that is hindered by the same is no news. */
static void warn_of(const md_step *step, const md_solver *solver, const md_err *err)
{
    const char *text = md_err_text(err, step->p);

    md_job_note(step->job, step->now, "preflight", err->type, text);
    md_log(step->work->errors ? MD_LOG_INFO : MD_LOG_WARN, 0,
           "%s: the CA will probably not be able to check by %s: %s. %s", step->domain->name, solver->type,
           text, md_err_advice(err));
}

md_next md_renew_preflight(md_step *step)
{
    const md_names *words = chosen(step);
    const md_solver *solver = words ? md_solver_find(MD_NAME(words, NOTE_TYPE)) : NULL;
    md_solve solve;
    md_err *err;

    if (!words || !call_of(step)->account)
        return GO_TO("order");
    if (step->domain->policy.preflight == MD_PREFLIGHT_OFF)
        return NEXT_STAGE;
    solve = solve_for(step, words);
    err = md_exec_enter(solve.exec, step->p);
    if (!err) {
        err = ask_ourselves(step, words, solver, &solve);
        md_exec_leave(solve.exec);
    }
    if (!err)
        return NEXT_STAGE;
    if (md_event_waits(err))
        return STEP_ASIDE_UNTIL(step->now + MD_ASK_AGAIN);
    if (step->domain->policy.preflight == MD_PREFLIGHT_ON)
        return setup_failed(step, words, err);
    warn_of(step, solver, err);
    return NEXT_STAGE;
}

md_next md_renew_answer(md_step *step)
{
    const md_names *words = chosen(step);
    md_challenge challenge = { .url = words ? MD_NAME(words, NOTE_URL) : NULL };
    md_err *err;

    if (!challenge.url)
        return GO_TO("authorize");
    err = md_authz_answer(call_of(step), &challenge, step->p);
    if (err)
        return md_renew_order_failed(step, err);
    md_work_note(step->work, NULL);
    return next_authz(step, "authorize");
}

/** The CA has counted the failure, but its order can be gone on with. */
static md_next tell_stuck(md_step *step, const md_authz *authz)
{
    md_err *why = md_authz_problem(authz, step->now, step->p), *err = md_renew_pay(step, MD_BUDGET_FAILURES);

    return FAILED(err ? err : why);
}

md_next md_renew_await_authz(md_step *step)
{
    md_authz *authz;
    md_order *order;
    md_err *err = load_order(step, &order);

    if (err)
        return FAILED(err);
    if (!order)
        return GO_TO("order");
    if (step->work->index >= order->authorizations->nelts)
        return NEXT_STAGE;
    if (!step->work->index && md_renew_is_first_look(step))
        return md_renew_poll(step, 0, NULL);
    err = md_authz_read(call_of(step), MD_NAME(order->authorizations, step->work->index), step->p, &authz);
    if (err)
        return md_renew_order_failed(step, err);
    if (md_authz_is_stuck(authz))
        return tell_stuck(step, authz);
    if (authz->status == MD_AUTHZ_PENDING)
        return md_renew_poll(step, authz->retry_after, apr_pstrcat(step->p, "checking ", authz->name, NULL));
    if (authz->status != MD_AUTHZ_VALID)
        return md_renew_authz_failed(step, authz);
    return next_authz(step, "await-authz");
}
