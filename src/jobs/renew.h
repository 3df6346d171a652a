/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the stages of a renewal share. Used by the renew_*.c files and kind_renew.c alone.
 */
#ifndef MD_JOBS_RENEW_H
#define MD_JOBS_RENEW_H

#include "acme/authz.h"
#include "acme/order.h"
#include "acme/renewal_info.h"
#include "jobs/step.h"
#include "plan/budget.h"
#include "plan/due.h"
#include "store/creds.h"

/** A renewal during one step, or part of it; md_step.data. */
typedef struct md_renewal {
    md_domain
        *staged; /* md.json in staging: what the work there is for, and at which CA; NULL: there is none */
    md_ca *gate; /* of that CA, or NULL */
    md_http_route route;
    md_call call;
    apr_array_header_t *taken; /* md_creds *: the whole set, where this step has just checked and staged it */
} md_renewal;

/* When an event finds too many commands at work. */
#define MD_ASK_AGAIN apr_time_from_msec(500)

/** Bits of md_work.again: what is done over once in an attempt, and above them the challenge types whose
 * setup has failed for the name at hand. */
enum { MD_AGAIN_ACCOUNT = 1, MD_AGAIN_ORDER = 2, MD_AGAIN_REPLACES = 4, MD_AGAIN_TRIED_SHIFT = 8 };

/* The stages, in order. */
md_next md_renew_suggest(md_step *step);
md_next md_renew_choose_ca(md_step *step);
md_next md_renew_directory(md_step *step);
md_next md_renew_account(md_step *step);
md_next md_renew_order(md_step *step);
md_next md_renew_authorize(md_step *step);
md_next md_renew_set_up(md_step *step);
md_next md_renew_propagate(md_step *step);
md_next md_renew_preflight(md_step *step);
md_next md_renew_answer(md_step *step);
md_next md_renew_await_authz(md_step *step);
md_next md_renew_finalize(md_step *step);
md_next md_renew_await_cert(md_step *step);
md_next md_renew_download(md_step *step);
md_next md_renew_verify(md_step *step);
md_next md_renew_staple(md_step *step);
md_next md_renew_announce(md_step *step);
md_next md_renew_prove(md_step *step);

/** See md_kind. */
md_err *md_renew_due(md_step *step, apr_time_t *at);

/** Somebody asks for a renewal while a new certificate waits for a restart, or for MDActivationDelay: one
 * more would wait, too. What goes live by itself is renewed once it has been moved. */
MD_MUST md_err *md_renew_decline(md_step *step);

/** The CA URLs in the order of trying; at least one. */
const md_names *md_renew_ca_urls(const md_domain *domain, apr_pool_t *p);
/** Fills what a request to this CA needs, but for an account; `route` must live as long as `call`. */
void md_renew_call_to(const md_step *step, const char *url, md_http_route *route, md_call *call);
/** A text that is the same for domains that go the same way to CAs: proxy, roots. */
const char *md_renew_way(const md_domain *domain, apr_pool_t *p);
/** Which certificate an order for this key spec replaces, as the CA that issued it knows it (RFC 9773 5);
 * *id NULL: none that this CA has issued. */
MD_MUST md_err *md_renew_replaced(const md_step *step, const md_key_spec *spec, const char **id);
/** When to ask the CA for its suggestions; 0: never. */
apr_time_t md_renew_ask_at(const md_step *step, const md_renewal_info *info, const apr_array_header_t *facts);

/** When a regular look at the domain comes next, from the facts. */
MD_MUST md_err *md_renew_next_look(md_step *step, apr_time_t *at);
/** Was the stage entered just now? Quick CAs are done at a first look a moment later. */
int md_renew_is_first_look(const md_step *step);
/** When to ask the CA again, in a stage that waits; *err is set when it was long enough. */
md_next md_renew_poll(md_step *step, apr_time_t retry_after, const char *what);

/** After a failure with a known order: what the CA has forgotten is replaced by a new order, once in an
 * attempt. */
md_next md_renew_order_failed(md_step *step, md_err *err);
/** One that cannot become valid. What the CA has forgotten or taken back is ordered anew, once in an attempt.
 */
md_next md_renew_authz_failed(md_step *step, const md_authz *authz);
/** The order is lost and so is this attempt. */
md_next md_renew_give_up_order(md_step *step, md_err *why);
/** Takes the order's answers down and forgets the order. Absent is success. */
MD_MUST md_err *md_renew_drop_order(md_step *step);
/** May an order be placed now? MD_GO_ON: yes, and it is paid for out of the budgets. */
md_next md_renew_pay_order(md_step *step);
/** One more failed validation, or one more certificate for the names. */
MD_MUST md_err *md_renew_pay(md_step *step, md_budget which);
/** May an account be registered? "md:budget" otherwise. */
MD_MUST md_err *md_renew_may_register(md_step *step);
/** The CA has made a new one. */
MD_MUST md_err *md_renew_registered(md_step *step);
/** Limits of the operator's commands. */
const md_exec_limits *md_renew_limits(const md_step *step);
/** Forgets all work in staging but the account and the record. */
MD_MUST md_err *md_renew_drop_work(md_step *step);
/** The first key spec without a usable pair in staging; *spec NULL: there is none. A chain that cannot be
 * used is removed. */
MD_MUST md_err *md_renew_next_spec(md_step *step, const md_key_spec **spec);

#endif
