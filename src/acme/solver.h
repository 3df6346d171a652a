/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of solvers: how each challenge type is answered and taken down again. A new type is one file and
 * one row.
 */
#ifndef MD_ACME_SOLVER_H
#define MD_ACME_SOLVER_H

#include "acme/authz.h"
#include "acme/preflight.h"
#include "base/exec.h"
#include "plan/plan.h"

/** What a solver may use. */
typedef struct md_solve {
    md_store *store;
    const md_plan *plan;
    const md_domain *domain;
    const md_account_use *account;
    const char *name; /* DNS name to prove */
    int wildcard;     /* what is below it, too */
    const char *token;
    const md_names *issuers; /* domain names of the CA, as the challenge has them */
    apr_time_t now;
    const md_exec_limits *exec; /* for commands of the operator */
} md_solve;

/** What taking down may use. */
typedef struct md_unsolve {
    md_store *store;
    const md_domain *domain;
    const md_exec_limits *exec; /* NULL: no command may be run; what needs one stays */
} md_unsolve;

typedef struct md_solver {
    const char *type; /* "http-01" */
    int wildcards;    /* can prove wildcard names */
    int addresses;    /* can prove IP addresses (RFC 8738) */
    int strict;       /* cannot work against why_not, even if MDCAChallenges names it */
    int tokenless;    /* its challenges have no token */
    /** NULL: can work for this domain as far as this server can tell, else the reason as a clause. */
    const char *(*why_not)(const md_plan *plan, const md_domain *domain, const char *name);
    /** What to remember for taking it down, behind "type:". NULL: the name. */
    md_err *(*rest)(const md_solve *solve, apr_pool_t *p, const char **out);
    /** Puts the answer in place. Safe to repeat. */
    md_err *(*put)(const md_solve *solve, const char *rest, apr_pool_t *p);
    /** Takes it down; absent is success. */
    md_err *(*take)(const md_unsolve *from, const char *rest, apr_pool_t *p);
    /** Asks what the CA will ask; NULL: it is not asked by requests to the name. */
    md_err *(*preflight)(const md_solve *solve, const md_preflight *with, apr_pool_t *p);
    /** Which servers do not show the answer yet; empty: the CA can be told. NULL: it is there at once. */
    md_err *(*lacking)(const md_solve *solve, const char *rest, apr_pool_t *p, md_names **out);
} md_solver;

extern const md_solver md_solver_http01;    /* solve_http.c */
extern const md_solver md_solver_alpn01;    /* solve_alpn.c */
extern const md_solver md_solver_dns01;     /* solve_dns.c */
extern const md_solver md_solver_account01; /* solve_dns.c */
extern const md_solver md_solver_persist01; /* solve_persist.c */

/** What to remember before an answer is put in place, and the part of it that its solver knows:
 * "http-01:example.org" and "example.org". */
MD_MUST md_err *md_solver_setup(const md_solver *solver, const md_solve *solve, apr_pool_t *p,
                                const char **setup, const char **rest);

const md_solver *md_solver_find(const char *type);
/** The types of all, best first. */
md_names *md_solver_known(apr_pool_t *p);
/** Can it prove this kind of name? */
int md_solver_can(const md_solver *solver, const char *name);
/**
 * The types to try for a name, best first: MDCAChallenges as configured, else all solvers whose why_not is
 * NULL. *why lists the reasons of those left out, for messages.
 */
md_names *md_solver_types(const md_plan *plan, const md_domain *domain, const char *name, apr_pool_t *p,
                          const char **why);
/** A bit for each challenge type, for sets of them. */
unsigned md_solver_bit(const char *type);
/** Is there a type to try for this name that is not in the set? */
int md_solver_has_more(const md_plan *plan, const md_domain *domain, const char *name, unsigned tried,
                       apr_pool_t *p);
/** Picks a challenge for an authorization, none of the types in the set `tried`: "challenge-mismatch" when
 * the CA offers nothing usable, with both lists in the text. */
MD_MUST md_err *md_solver_pick(const md_plan *plan, const md_domain *domain, const md_authz *authz,
                               unsigned tried, apr_pool_t *p, const md_challenge **challenge);
/** Takes down every setup of an order; failures are logged, none is returned. */
void md_solver_take_all(const md_unsolve *from, const md_names *setups, apr_pool_t *p);
/** Why a TXT record of dns-persist-01 does not allow what is to be proved, as words behind the record; NULL:
 * it does. Parameters that are not known do not matter. */
const char *md_persist_refusal(const md_solve *solve, const char *text, apr_pool_t *p);
/** token "." thumbprint, RFC 8555 8.1. The token must be base64url text of at most 512 octets. */
MD_MUST md_err *md_key_authorization(const md_key *account_key, const char *token, apr_pool_t *p,
                                     const char **out);

#endif
