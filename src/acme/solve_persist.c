/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns-persist-01 (draft-ietf-acme-dns-persist): a TXT record that stays, by which the owner of a name allows
 * an account at a CA to get certificates. Nothing changes at a renewal: the record is made once, by hand. All
 * we do is to look for it before the CA does, and to say exactly which one is missing.
 */
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "acme/solver.h"
#include "net/dns.h"

enum { STRING_MAX = 255, SHOWN_MAX = 200 };
#define LABEL "_validation-persist."

static const char *why_not(const md_plan *plan, const md_domain *domain, const char *name)
{
    (void)plan;
    (void)domain;
    return md_is_address(name) ? "it cannot prove addresses" : "it is used only if MDCAChallenges names it";
}

/** Takes what comes before the next semicolon off the front, without blanks around it. */
static const char *take_part(const char **at, apr_pool_t *p)
{
    const char *begin = *at + strspn(*at, " \t");
    size_t length = strcspn(begin, ";");

    *at = begin + length + (begin[length] == ';');
    while (length && strchr(" \t", begin[length - 1]))
        --length;
    return apr_pstrmemdup(p, begin, length);
}

/** What follows "name=", or NULL: it is another parameter. */
static const char *value_of(const char *part, const char *name)
{
    const size_t length = strlen(name);

    return strncasecmp(part, name, length) || part[length] != '=' ? NULL : part + length + 1;
}

/** What a record says. */
typedef struct permission {
    const char *issuer, *account;
    int wildcard;
    apr_time_t until; /* 0: for ever */
} permission;

static permission read_permission(const char *text, apr_pool_t *p)
{
    permission out = { .issuer = md_lower(take_part(&text, p), p), .account = "" };

    while (*text) {
        const char *part = take_part(&text, p), *value;

        if ((value = value_of(part, "accounturi")))
            out.account = value;
        else if ((value = value_of(part, "policy")))
            out.wildcard = !strcasecmp(value, "wildcard");
        else if ((value = value_of(part, "persistUntil")))
            out.until = apr_time_from_sec(strtol(value, NULL, 10) > 0 ? strtol(value, NULL, 10) : 1);
    }
    return out;
}

const char *md_persist_refusal(const md_solve *solve, const char *text, apr_pool_t *p)
{
    const permission given = read_permission(text, p);

    if (!md_names_has(solve->issuers, given.issuer))
        return "is for another CA";
    if (strcmp(given.account, solve->account->url) != 0)
        return "is for another account";
    if (solve->wildcard && !given.wildcard)
        return "lacks policy=wildcard";
    return given.until && given.until <= solve->now ? "has ended by its persistUntil" : NULL;
}

/** As a zone file has it: strings of at most 255 octets. */
static const char *quoted(const char *text, apr_pool_t *p)
{
    const char *out = "";

    do {
        const size_t size = strlen(text) < STRING_MAX ? strlen(text) : STRING_MAX;

        out = apr_pstrcat(p, out, *out ? " \"" : "\"", apr_pstrmemdup(p, text, size), "\"", NULL);
        text += size;
    } while (*text);
    return out;
}

static md_err *missing(const md_solve *solve, const char *record, const char *found, apr_pool_t *p)
{
    const char *issuer = MD_NAME(solve->issuers, 0);
    const char *text = apr_pstrcat(p, issuer, "; accounturi=", solve->account->url,
                                   solve->wildcard ? "; policy=wildcard" : "", NULL);

    return md_fail(p, MD_FAULT_VALIDATION, "md:dns-persist",
                   "for dns-persist-01, create the record: %s. IN TXT %s%s%s%s", record, quoted(text, p),
                   *found ? " (found: " : "", found, *found ? ")" : "");
}

static md_err *look_up(const md_solve *solve, const char *record, apr_pool_t *p, md_names **texts)
{
    md_dns *dns;
    md_err *err;

    MD_TRY(md_exec_enter(solve->exec, p));
    err = md_dns_open(solve->plan->policy.dns_server, p, &dns);
    if (!err)
        err = md_dns_texts(dns, record, p, texts);
    md_exec_leave(solve->exec);
    return err;
}

static md_err *put(const md_solve *solve, const char *rest, apr_pool_t *p)
{
    const char *record = apr_pstrcat(p, LABEL, solve->name, NULL), *found = "";
    md_names *texts;

    (void)rest;
    if (!solve->issuers->nelts)
        return md_fail(p, MD_FAULT_REMOTE, "md:bad-answer",
                       "the CA offers dns-persist-01 without a domain name of its own");
    MD_TRY(look_up(solve, record, p, &texts));
    for (int i = 0; i < texts->nelts; ++i) {
        const char *why = md_persist_refusal(solve, MD_NAME(texts, i), p);

        if (!why)
            return NULL;
        found =
            apr_pstrcat(p, found, *found ? ", " : "",
                        quoted(md_excerpt(md_bytes_of(MD_NAME(texts, i)), SHOWN_MAX, p), p), " ", why, NULL);
    }
    return missing(solve, record, found, p);
}

static md_err *take(const md_unsolve *from, const char *rest, apr_pool_t *p)
{
    (void)from;
    (void)rest;
    (void)p;
    return NULL;
}

const md_solver md_solver_persist01 = {
    .type = "dns-persist-01", .wildcards = 1, .tokenless = 1, .why_not = why_not, .put = put, .take = take
};
