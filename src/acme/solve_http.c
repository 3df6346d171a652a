/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http-01 (RFC 8555 8.3): the key authorization lies where every child of the server can read it.
 */
#include <apr_strings.h>

#include "acme/solver.h"

#define ANSWER_FILE "acme-http-01.txt"

static const char *why_not(const md_plan *plan, const md_domain *domain, const char *name)
{
    (void)domain;
    if (md_is_wildcard(name))
        return "it cannot prove wildcard names";
    return plan->can_http ? NULL : "no listener takes http: requests from outside (Listen 80, or MDPortMap)";
}

static md_err *put(const md_solve *solve, const char *rest, apr_pool_t *p)
{
    const char *text;
    md_err *err;

    (void)rest;
    MD_TRY(md_key_authorization(solve->account->key, solve->token, p, &text));
    err = md_store_save_text(solve->store, MD_PLACE(MD_GROUP_CHALLENGES, solve->name, ANSWER_FILE), text, p);
    if (err) {
        err = md_wrap(p, err, "cannot set up the http-01 challenge for %s", solve->name);
        err->type = "challenge-setup-failure";
        return err;
    }
    return NULL;
}

static md_err *take(const md_unsolve *from, const char *rest, apr_pool_t *p)
{
    return md_store_drop(from->store, MD_PLACE(MD_GROUP_CHALLENGES, rest, NULL), p);
}

static md_err *preflight(const md_solve *solve, const md_preflight *with, apr_pool_t *p)
{
    const char *text;

    MD_TRY(md_key_authorization(solve->account->key, solve->token, p, &text));
    return md_preflight_http(with, solve->name, solve->token, text, p);
}

const md_solver md_solver_http01 = {
    .type = "http-01", .addresses = 1, .why_not = why_not, .put = put, .take = take, .preflight = preflight
};
