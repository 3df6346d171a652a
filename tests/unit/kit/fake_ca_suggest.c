/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of the CA in memory that has renewal information (RFC 9773).
 */
#include <apr_strings.h>

#include "kit/fake_ca_inside.h"

void fake_ca_suggest(visit *v)
{
    if (v->ca->suggest_again)
        apr_table_set(v->response->headers, "Retry-After", v->ca->suggest_again);
    if (v->ca->suggestion)
        fake_ca_reply(v, 200, "application/json", v->ca->suggestion);
    else
        fake_ca_problem(v, 404, "malformed", "this certificate is not known");
}

int fake_ca_refuses_replacing(visit *v)
{
    const char *replaces = md_json_text(v->payload, "replaces");

    v->ca->replaced = apr_pstrdup(v->state->p, replaces);
    if (!replaces || !v->ca->refuse_replacing)
        return 0;
    fake_ca_problem(v, 409, v->ca->refuse_replacing, "this is not to be replaced");
    return 1;
}
