/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of solvers, and the choice among them.
 */
#include "acme/solver.h"

#include <apr_strings.h>
#include <string.h>

#include "base/log.h"

enum { TOKEN_MAX = 512 };

/* Best first, where nobody has said which. */
static const md_solver *const solvers[] = { &md_solver_alpn01, &md_solver_http01, &md_solver_dns01,
                                            &md_solver_account01, &md_solver_persist01 };
enum { SOLVERS = sizeof(solvers) / sizeof(solvers[0]) };

const md_solver *md_solver_find(const char *type)
{
    for (int i = 0; i < SOLVERS; ++i)
        if (!strcmp(solvers[i]->type, type))
            return solvers[i];
    return NULL;
}

md_names *md_solver_known(apr_pool_t *p)
{
    md_names *types = md_names_make(p);

    for (int i = 0; i < SOLVERS; ++i)
        md_names_add(types, solvers[i]->type);
    return types;
}

unsigned md_solver_bit(const char *type)
{
    for (unsigned i = 0; i < SOLVERS; ++i)
        if (!strcmp(solvers[i]->type, type))
            return 1U << i;
    return 0;
}

int md_solver_can(const md_solver *solver, const char *name)
{
    return (solver->wildcards || !md_is_wildcard(name)) && (solver->addresses || !md_is_address(name));
}

md_names *md_solver_types(const md_plan *plan, const md_domain *domain, const char *name, apr_pool_t *p,
                          const char **why)
{
    md_names *types = md_names_make(p), *reasons = md_names_make(p);

    *why = "";
    if (domain->policy.challenges && domain->policy.challenges->nelts)
        return md_names_copy(domain->policy.challenges, p);
    for (int i = 0; i < SOLVERS; ++i) {
        const char *reason = solvers[i]->why_not(plan, domain, name);

        if (reason)
            md_names_add(reasons, apr_pstrcat(p, solvers[i]->type, ": ", reason, NULL));
        else
            md_names_add(types, solvers[i]->type);
    }
    *why = md_names_join(reasons, "; ", p);
    return types;
}

static const md_challenge *offered(const md_authz *authz, const char *type)
{
    for (int i = 0; i < authz->challenges->nelts; ++i)
        if (!strcmp(APR_ARRAY_IDX(authz->challenges, i, md_challenge).type, type))
            return &APR_ARRAY_IDX(authz->challenges, i, md_challenge);
    return NULL;
}

static md_err *mismatch(const md_authz *authz, const md_names *types, const char *why, apr_pool_t *p)
{
    md_names *offers = md_names_make(p);

    for (int i = 0; i < authz->challenges->nelts; ++i)
        md_names_add(offers,
                     md_excerpt(md_bytes_of(APR_ARRAY_IDX(authz->challenges, i, md_challenge).type), 40, p));
    return md_fail(
        p, MD_FAULT_CONFIG, "challenge-mismatch", "for %s%s the CA offers %s, and usable here is %s%s%s%s",
        authz->wildcard ? "*." : "", authz->name, offers->nelts ? md_names_join(offers, ", ", p) : "nothing",
        types->nelts ? md_names_join(types, ", ", p) : "nothing", *why ? " (" : "", why, *why ? ")" : "");
}

/** One of ours that proves this kind of name and was not tried. */
static int may_try(const char *type, const char *name, unsigned tried)
{
    const md_solver *solver = md_solver_find(type);

    return solver && md_solver_can(solver, name) && !(md_solver_bit(type) & tried);
}

int md_solver_has_more(const md_plan *plan, const md_domain *domain, const char *name, unsigned tried,
                       apr_pool_t *p)
{
    const char *why;
    md_names *types = md_solver_types(plan, domain, name, p, &why);

    for (int i = 0; i < types->nelts; ++i)
        if (may_try(MD_NAME(types, i), name, tried))
            return 1;
    return 0;
}

md_err *md_solver_pick(const md_plan *plan, const md_domain *domain, const md_authz *authz, unsigned tried,
                       apr_pool_t *p, const md_challenge **challenge)
{
    const char *why;
    const char *name = authz->wildcard ? apr_pstrcat(p, "*.", authz->name, NULL) : authz->name;
    md_names *types = md_solver_types(plan, domain, authz->name, p, &why);

    for (int i = 0; i < types->nelts; ++i) {
        *challenge = offered(authz, MD_NAME(types, i));
        if (*challenge && may_try(MD_NAME(types, i), name, tried))
            return NULL;
    }
    return mismatch(authz, types, why, p);
}

md_err *md_solver_setup(const md_solver *solver, const md_solve *solve, apr_pool_t *p, const char **setup,
                        const char **rest)
{
    *rest = solve->name;
    if (solver->rest)
        MD_TRY(solver->rest(solve, p, rest));
    *setup = apr_pstrcat(p, solver->type, ":", *rest, NULL);
    return NULL;
}

void md_solver_take_all(const md_unsolve *from, const md_names *setups, apr_pool_t *p)
{
    for (int i = 0; i < setups->nelts; ++i) {
        const char *colon = strchr(MD_NAME(setups, i), ':');
        const md_solver *solver = colon
                                      ? md_solver_find(apr_pstrndup(p, MD_NAME(setups, i),
                                                                    (apr_size_t)(colon - MD_NAME(setups, i))))
                                      : NULL;
        md_err *err = solver ? solver->take(from, colon + 1, p) : NULL;

        if (err)
            md_log_err(MD_LOG_WARN, 0, from->domain->name, "taking a challenge down", err,
                       "An answer for the CA is left behind, which does no harm:");
    }
}

md_err *md_key_authorization(const md_key *account_key, const char *token, apr_pool_t *p, const char **out)
{
    const char *thumbprint;

    if (!token || !*token || strlen(token) > TOKEN_MAX ||
        token[strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")])
        return md_fail(p, MD_FAULT_REMOTE, "md:bad-answer", "the CA's challenge has an unusable token");
    MD_TRY(md_jwk_thumbprint(account_key, p, &thumbprint));
    *out = apr_pstrcat(p, token, ".", thumbprint, NULL);
    return NULL;
}
