/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authorizations and their challenges.
 */
#include "acme/authz.h"

#include <apr_strings.h>
#include <string.h>

enum { CHALLENGES_MAX = 64, ISSUERS_MAX = 10 };

static md_authz_status status_of(const char *text)
{
    if (!text)
        return MD_AUTHZ_UNKNOWN;
    if (!strcmp(text, "pending"))
        return MD_AUTHZ_PENDING;
    if (!strcmp(text, "valid"))
        return MD_AUTHZ_VALID;
    if (!strcmp(text, "invalid"))
        return MD_AUTHZ_INVALID;
    return MD_AUTHZ_GONE;
}

/** The CA's own domain names (draft-ietf-acme-dns-persist 3). What is no domain name is left out. */
static md_names *read_issuers(const json_t *challenge, apr_pool_t *p)
{
    const json_t *list = md_json_at(challenge, "issuer-domain-names");
    md_names *names = md_names_make(p);

    for (size_t i = 0; i < json_array_size(list) && i < ISSUERS_MAX; ++i) {
        const char *name = json_string_value(json_array_get(list, i));

        if (name && !md_name_reason(name))
            md_names_add(names, md_lower(name, p));
    }
    return names;
}

static void read_challenges(const json_t *list, md_authz *authz, apr_pool_t *p)
{
    authz->challenges = apr_array_make(p, 4, sizeof(md_challenge));
    for (size_t i = 0; i < json_array_size(list) && i < CHALLENGES_MAX; ++i) {
        const json_t *each = json_array_get(list, i);
        md_challenge challenge = { md_json_text(each, "type"),  md_json_text(each, "url"),
                                   md_json_text(each, "token"), md_json_text(each, "status"),
                                   md_json_at(each, "error"),   read_issuers(each, p) };

        if (challenge.type && challenge.url && !md_url_reason(challenge.url))
            APR_ARRAY_PUSH(authz->challenges, md_challenge) = challenge;
    }
}

md_err *md_authz_from_json(const json_t *doc, const char *url, apr_pool_t *p, md_authz **out)
{
    const char *name = md_json_text(doc, "identifier.value");
    md_authz *authz = apr_pcalloc(p, sizeof(*authz));

    authz->status = status_of(md_json_text(doc, "status"));
    if (!name || strlen(name) > 255 || authz->status == MD_AUTHZ_UNKNOWN)
        return md_fail(p, MD_FAULT_REMOTE, "md:bad-answer",
                       "the CA's authorization has no identifier or no status");
    authz->url = url;
    authz->wildcard = md_json_flag(doc, "wildcard", 0) || md_is_wildcard(name);
    authz->name = md_lower(md_is_wildcard(name) ? name + 2 : name, p);
    read_challenges(md_json_at(doc, "challenges"), authz, p);
    *out = authz;
    return NULL;
}

md_err *md_authz_read(const md_call *call, const char *url, apr_pool_t *p, md_authz **out)
{
    md_answer answer;

    MD_TRY(
        md_call_post_json(call, &(md_post){ .url = url, .doing = "reading an authorization" }, p, &answer));
    MD_TRY(md_authz_from_json(answer.doc, url, p, out));
    (*out)->retry_after = answer.retry_after;
    return NULL;
}

md_err *md_authz_answer(const md_call *call, const md_challenge *challenge, apr_pool_t *p)
{
    md_post post = { .url = challenge->url,
                     .payload = md_json_object(p),
                     .doing = "telling the CA that it can check" };
    md_answer answer;

    return md_call_post(call, &post, p, &answer);
}

int md_authz_is_stuck(const md_authz *authz)
{
    int stuck = 0;

    for (int i = 0; authz->status == MD_AUTHZ_PENDING && i < authz->challenges->nelts; ++i) {
        const md_challenge *challenge = &APR_ARRAY_IDX(authz->challenges, i, md_challenge);

        stuck |= challenge->error && md_text_equal(challenge->status, "pending");
    }
    return stuck;
}

md_err *md_authz_problem(const md_authz *authz, apr_time_t now, apr_pool_t *p)
{
    for (int i = 0; i < authz->challenges->nelts; ++i) {
        const md_challenge *challenge = &APR_ARRAY_IDX(authz->challenges, i, md_challenge);

        if (challenge->error)
            return md_wrap(p, md_problem_read(challenge->error, "checking the name", now, p),
                           "the CA could not validate %s by %s", authz->name, challenge->type);
    }
    if (authz->status == MD_AUTHZ_GONE)
        return md_fail(p, MD_FAULT_REMOTE, "md:authorization",
                       "the CA's authorization for %s has expired or was taken back", authz->name);
    return md_fail(p, MD_FAULT_VALIDATION, "md:authorization",
                   "the CA could not validate %s, and gave no reason", authz->name);
}
