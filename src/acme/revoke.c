/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Either the account that ordered a certificate may have it revoked, or whoever has its key.
 */
#include "acme/revoke.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <strings.h>

/* Those that the rules of browsers leave to subscribers. */
static const struct {
    const char *name;
    int number;
} reasons[] = { { "unspecified", 0 },
                { "keyCompromise", 1 },
                { "affiliationChanged", 3 },
                { "superseded", 4 },
                { "cessationOfOperation", 5 } };
enum { REASONS = sizeof(reasons) / sizeof(reasons[0]) };

int md_revoke_reason(const char *text)
{
    char *end;
    const long number = strtol(text, &end, 10);

    for (size_t i = 0; i < REASONS; ++i)
        if (!strcasecmp(text, reasons[i].name) || (*text && !*end && number == reasons[i].number))
            return reasons[i].number;
    return -1;
}

const char *md_revoke_reasons(apr_pool_t *p)
{
    md_names *names = md_names_make(p);

    for (size_t i = 0; i < REASONS; ++i)
        md_names_add(names, reasons[i].name);
    return md_names_join(names, ", ", p);
}

md_err *md_revoke(const md_call *call, const md_creds *creds, int reason, apr_pool_t *p, int *already)
{
    const md_directory *directory = md_ca_directory(call->ca, md_now(call->clock));
    md_post post = { .doing = "revoking the certificate" };
    json_t *payload = md_json_object(p);
    md_answer answer;
    md_bytes der;
    md_err *err = NULL;

    *already = 0;
    if (!directory || !directory->revoke_cert)
        return md_fail(p, MD_FAULT_REMOTE, "md:no-revocation",
                       "the CA does not offer to revoke certificates");
    MD_TRY(md_chain_leaf_der(creds->chain, p, &der));
    md_json_set_text(payload, "certificate", md_b64url(der, p));
    if (reason)
        md_json_set_int(payload, "reason", reason);
    post.url = directory->revoke_cert;
    post.payload = payload;
    if (call->account)
        err = md_call_post(call, &post, p, &answer);
    if (!call->account || (err && md_problem_is(err, "unauthorized"))) {
        post.key = creds->key;
        err = md_call_post(call, &post, p, &answer);
    }
    *already = err && md_problem_is(err, "alreadyRevoked");
    return *already ? NULL : err;
}
