/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns-01 (RFC 8555 8.4) and dns-account-01 (draft-ietf-acme-dns-account-label): a TXT record. With
 * MDDnsUpdate we change the zone ourselves (RFC 2136), where a CNAME leads to, and see that all of its name
 * servers have the record. Else a command of the operator does it, for dns-01. It is called as
 *
 *     command setup    NAME TEXT
 *     command teardown NAME            MDChallengeDns01Version 1
 *     command teardown NAME TEXT       MDChallengeDns01Version 2
 *
 * and returns when every name server of the zone has the record _acme-challenge.NAME.
 *
 * What is remembered is "NAME TEXT" for the command, and "update RECORD TEXT" for ourselves.
 */
#include <apr_strings.h>
#include <string.h>

#include "acme/solver.h"
#include "net/dns.h"
#include "net/dns_update.h"
#include "tls/jws.h"

enum { VERSION_WITH_TEXT = 2, LABEL_OCTETS = 10 };
enum { UPDATE_WORD, UPDATE_RECORD, UPDATE_TEXT, UPDATE_WORDS };
#define UPDATE        "update"
#define TAKE_PATIENCE apr_time_from_sec(60) /* nobody asks again */

static const char *dns_why_not(const md_plan *plan, const md_domain *domain, const char *name)
{
    (void)plan;
    if (md_is_address(name))
        return "it cannot prove addresses";
    return domain->policy.dns01_cmd || domain->policy.dns_update.dns
               ? NULL
               : "neither MDDnsUpdate nor MDChallengeDns01 is set";
}

static const char *account_why_not(const md_plan *plan, const md_domain *domain, const char *name)
{
    (void)plan;
    if (md_is_address(name))
        return "it cannot prove addresses";
    return domain->policy.dns_update.dns ? NULL : "MDDnsUpdate is not set";
}

static md_err *text_of(const md_solve *solve, apr_pool_t *p, const char **text)
{
    const char *authorization;

    MD_TRY(md_key_authorization(solve->account->key, solve->token, p, &authorization));
    *text = md_sha256_b64url(md_bytes_of(authorization), p);
    return NULL;
}

/** What to remember of an update: where CNAMEs lead to is found now, and not again for taking it down. */
static md_err *update_of(const md_solve *solve, const char *record, apr_pool_t *p, const char **out)
{
    const char *text, *at;
    md_dns *dns;
    md_err *err;

    MD_TRY(text_of(solve, p, &text));
    MD_TRY(md_exec_enter(solve->exec, p));
    err = md_dns_open(solve->plan->policy.dns_server, p, &dns);
    if (!err)
        err = md_dns_follow(dns, record, p, &at);
    md_exec_leave(solve->exec);
    MD_TRY(err);
    *out = apr_pstrcat(p, UPDATE " ", at, " ", text, NULL);
    return NULL;
}

static md_err *dns_rest(const md_solve *solve, apr_pool_t *p, const char **out)
{
    const char *text;

    if (solve->domain->policy.dns_update.dns)
        return update_of(solve, apr_pstrcat(p, "_acme-challenge.", solve->name, NULL), p, out);
    MD_TRY(text_of(solve, p, &text));
    *out = apr_pstrcat(p, solve->name, " ", text, NULL);
    return NULL;
}

/** RFC 4648 6 in lower case, of octets whose bits fill all digits. */
static const char *base32(const unsigned char *octets, size_t count, apr_pool_t *p)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    char *out = apr_pcalloc(p, count * 8 / 5 + 1);

    for (size_t bit = 0; bit + 5 <= count * 8; bit += 5) {
        const unsigned pair =
            (unsigned)octets[bit / 8] << 8 | (bit / 8 + 1 < count ? octets[bit / 8 + 1] : 0U);

        out[bit / 5] = digits[pair >> (11 - bit % 8) & 31];
    }
    return out;
}

static md_err *account_rest(const md_solve *solve, apr_pool_t *p, const char **out)
{
    md_bytes hash;
    const char *label;

    MD_TRY(md_b64url_read(md_sha256_b64url(md_bytes_of(solve->account->url), p), p, &hash));
    label = base32((const unsigned char *)hash.data, LABEL_OCTETS, p);
    return update_of(solve, apr_pstrcat(p, "_", label, "._acme-challenge.", solve->name, NULL), p, out);
}

/** Runs the command with these arguments, NULL-terminated. */
static md_err *call(const md_domain *domain, const md_exec_limits *limits, const char *const *arguments,
                    apr_pool_t *p)
{
    md_exec_result result;
    md_names *argv;

    if (!domain->policy.dns01_cmd)
        return md_fail(p, MD_FAULT_CONFIG, "challenge-setup-failure",
                       "neither MDDnsUpdate nor MDChallengeDns01 is set");
    MD_TRY(md_command_words(domain->policy.dns01_cmd, p, &argv));
    for (; *arguments; ++arguments)
        md_names_add(argv, *arguments);
    MD_TRY(md_exec(argv, limits, p, &result));
    if (!result.exit_code)
        return NULL;
    return md_fail(p, MD_FAULT_LOCAL, "challenge-setup-failure",
                   "MDChallengeDns01 (%s) ended with exit code %d%s%s", MD_NAME(argv, 0), result.exit_code,
                   *result.last_words ? ": " : "", md_excerpt(md_bytes_of(result.last_words), 200, p));
}

/** The words of an update that is remembered, or NULL: it is the command's. */
static const md_names *update_words(const char *rest, apr_pool_t *p)
{
    const md_names *words = md_words(rest, p);

    return words->nelts == UPDATE_WORDS && !strcmp(MD_NAME(words, UPDATE_WORD), UPDATE) ? words : NULL;
}

static md_err *update(const md_domain *domain, const md_exec_limits *limits, const md_names *words, int add,
                      apr_pool_t *p)
{
    const md_dns_account *with = domain->policy.dns_update.dns;
    md_dns_authority to;
    md_err *err;

    if (!with)
        return md_fail(p, MD_FAULT_CONFIG, "challenge-setup-failure", "MDDnsUpdate is not set");
    to = (md_dns_authority){ with->server, with->key, with->algorithm, with->secret, with->zone };
    MD_TRY(md_exec_enter(limits, p));
    err = md_dns_set_text(&to, MD_NAME(words, UPDATE_RECORD), MD_NAME(words, UPDATE_TEXT), add, p);
    md_exec_leave(limits);
    return err;
}

static md_err *put(const md_solve *solve, const char *rest, apr_pool_t *p)
{
    const md_names *words = update_words(rest, p);
    const char *arguments[] = { "setup", solve->name, NULL, NULL }, *blank = strchr(rest, ' ');

    if (words)
        return update(solve->domain, solve->exec, words, 1, p);
    arguments[2] = blank ? blank + 1 : "";
    return call(solve->domain, solve->exec, arguments, p);
}

static md_err *take(const md_unsolve *from, const char *rest, apr_pool_t *p)
{
    const char *arguments[] = { "teardown", NULL, NULL, NULL }, *blank = strchr(rest, ' ');
    const md_names *words = update_words(rest, p);
    md_exec_limits limits;

    if (!from->exec || !blank)
        return NULL;
    limits = *from->exec;
    limits.patience = TAKE_PATIENCE;
    if (words)
        return update(from->domain, &limits, words, 0, p);
    arguments[1] = apr_pstrndup(p, rest, (apr_size_t)(blank - rest));
    if (from->domain->policy.dns01_version == VERSION_WITH_TEXT)
        arguments[2] = blank + 1;
    return call(from->domain, &limits, arguments, p);
}

/** MDDnsUpdate may say on which port its server listens; all others are asked where the world asks them. */
static const char *asked_at(const md_dns_account *with, const char *address, apr_pool_t *p)
{
    return !strcmp(md_dns_server_host(with->server, p), address) ? with->server : address;
}

/** Adds those of the zone's name servers that do not answer the record. */
static void add_lacking(const md_dns_account *with, const md_names *servers, const md_names *words,
                        apr_pool_t *p, md_names *out)
{
    for (int i = 0; i < servers->nelts; ++i) {
        const char *server = asked_at(with, MD_NAME(servers, i), p);
        md_names *texts = NULL;
        md_dns *dns;
        md_err *err = md_dns_open(server, p, &dns);

        if (!err)
            err = md_dns_texts(dns, MD_NAME(words, UPDATE_RECORD), p, &texts);
        if (err || !md_names_has(texts, MD_NAME(words, UPDATE_TEXT)))
            md_names_add(out, server);
    }
}

static md_err *find_lacking(const md_solve *solve, const md_names *words, apr_pool_t *p, md_names *out)
{
    const md_dns_account *with = solve->domain->policy.dns_update.dns;
    const char *zone = with->zone;
    md_names *servers;
    md_dns *dns;

    MD_TRY(md_dns_open(solve->plan->policy.dns_server, p, &dns));
    if (!zone)
        MD_TRY(md_dns_zone(dns, MD_NAME(words, UPDATE_RECORD), p, &zone));
    MD_TRY(md_dns_servers(dns, zone, p, &servers));
    add_lacking(with, servers, words, p, out);
    return NULL;
}

static md_err *lacking(const md_solve *solve, const char *rest, apr_pool_t *p, md_names **out)
{
    const md_names *words = update_words(rest, p);
    md_err *err;

    *out = md_names_make(p);
    if (!words || !solve->domain->policy.dns_update.dns)
        return NULL;
    MD_TRY(md_exec_enter(solve->exec, p));
    err = find_lacking(solve, words, p, *out);
    md_exec_leave(solve->exec);
    return err;
}

const md_solver md_solver_dns01 = { .type = "dns-01",
                                    .wildcards = 1,
                                    .strict = 1,
                                    .why_not = dns_why_not,
                                    .rest = dns_rest,
                                    .put = put,
                                    .take = take,
                                    .lacking = lacking };
const md_solver md_solver_account01 = { .type = "dns-account-01",
                                        .wildcards = 1,
                                        .strict = 1,
                                        .why_not = account_why_not,
                                        .rest = account_rest,
                                        .put = put,
                                        .take = take,
                                        .lacking = lacking };
