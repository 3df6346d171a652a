/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns-01 (RFC 8555 8.4) by a command of the operator, who knows how to change the zone. It is called as
 *
 *     command setup    NAME TEXT
 *     command teardown NAME            MDChallengeDns01Version 1
 *     command teardown NAME TEXT       MDChallengeDns01Version 2
 *
 * and returns when every name server of the zone has the record _acme-challenge.NAME.
 */
#include <apr_strings.h>
#include <string.h>

#include "acme/solver.h"
#include "tls/jws.h"

enum { VERSION_WITH_TEXT = 2 };
#define TAKE_PATIENCE apr_time_from_sec(60) /* nobody asks again */

static const char *why_not(const md_plan *plan, const md_domain *domain, const char *name)
{
    (void)plan;
    if (md_is_address(name))
        return "it cannot prove addresses";
    return domain->policy.dns01_cmd ? NULL : "MDChallengeDns01 is not set";
}

static md_err *text_of(const md_solve *solve, apr_pool_t *p, const char **text)
{
    const char *authorization;

    MD_TRY(md_key_authorization(solve->account->key, solve->token, p, &authorization));
    *text = md_sha256_b64url(md_bytes_of(authorization), p);
    return NULL;
}

static md_err *rest_of(const md_solve *solve, apr_pool_t *p, const char **out)
{
    const char *text;

    MD_TRY(text_of(solve, p, &text));
    *out = apr_pstrcat(p, solve->name, " ", text, NULL);
    return NULL;
}

/** Runs the command with these arguments, NULL-terminated. */
static md_err *call(const md_domain *domain, const md_exec_limits *limits, const char *const *arguments,
                    apr_pool_t *p)
{
    md_exec_result result;
    md_names *argv;

    if (!domain->policy.dns01_cmd)
        return md_fail(p, MD_FAULT_CONFIG, "challenge-setup-failure", "MDChallengeDns01 is not set");
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

static md_err *put(const md_solve *solve, apr_pool_t *p)
{
    const char *arguments[] = { "setup", solve->name, NULL, NULL };

    MD_TRY(text_of(solve, p, &arguments[2]));
    return call(solve->domain, solve->exec, arguments, p);
}

static md_err *take(const md_unsolve *from, const char *rest, apr_pool_t *p)
{
    const char *arguments[] = { "teardown", NULL, NULL, NULL }, *blank = strchr(rest, ' ');
    md_exec_limits limits;

    if (!from->exec || !blank)
        return NULL;
    limits = *from->exec;
    limits.patience = TAKE_PATIENCE;
    arguments[1] = apr_pstrndup(p, rest, (apr_size_t)(blank - rest));
    if (from->domain->policy.dns01_version == VERSION_WITH_TEXT)
        arguments[2] = blank + 1;
    return call(from->domain, &limits, arguments, p);
}

const md_solver md_solver_dns01 = { "dns-01", 1, 0, why_not, rest_of, put, take };
