/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of solvers: how each challenge type is answered and taken down again. A new type is one file and
 * one row.
 */
#ifndef MD_ACME_SOLVER_H
#define MD_ACME_SOLVER_H

#include "acme/authz.h"
#include "plan/plan.h"

/** What a solver may use. */
typedef struct md_solve {
    md_store *store;
    const md_plan *plan;
    const md_domain *domain;
    const md_account_use *account;
    const char *name; /* DNS name to prove */
    const char *token;
    apr_time_t now;
} md_solve;

typedef struct md_solver {
    const char *type; /* "http-01" */
    int wildcards;    /* can prove wildcard names */
    /** NULL: can work for this domain as far as this server can tell, else the reason as a clause. */
    const char *(*why_not)(const md_plan *plan, const md_domain *domain, const char *name);
    /** Puts the answer in place; *setup is the token to remember ("http-01:example.org"). Safe to repeat. */
    md_err *(*put)(const md_solve *solve, apr_pool_t *p, const char **setup);
    /** Takes it down; absent is success. `rest` is the setup token behind "type:". */
    md_err *(*take)(md_store *store, const md_domain *domain, const char *rest, apr_pool_t *p);
} md_solver;

extern const md_solver md_solver_http01; /* solve_http.c */
extern const md_solver md_solver_alpn01; /* solve_alpn.c */

const md_solver *md_solver_find(const char *type);
/**
 * The types to try for a name, best first: MDCAChallenges as configured, else all solvers whose why_not is
 * NULL. *why lists the reasons of those left out, for messages.
 */
md_names *md_solver_types(const md_plan *plan, const md_domain *domain, const char *name, apr_pool_t *p,
                          const char **why);
/** Picks solver and challenge for an authorization: "challenge-mismatch" when the CA offers nothing usable,
 * with both lists in the text. */
MD_MUST md_err *md_solver_pick(const md_plan *plan, const md_domain *domain, const md_authz *authz,
                               apr_pool_t *p, const md_solver **solver, const md_challenge **challenge);
/** Takes down every setup of an order; failures are logged, none is returned. */
void md_solver_take_all(md_store *store, const md_domain *domain, const md_names *setups, apr_pool_t *p);
/** token "." thumbprint, RFC 8555 8.1. The token must be base64url text of at most 512 octets. */
MD_MUST md_err *md_key_authorization(const md_key *account_key, const char *token, apr_pool_t *p,
                                     const char **out);

#endif
