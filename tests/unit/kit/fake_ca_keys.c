/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyChange (RFC 8555 7.3.5) and revokeCert (7.6).
 */
#include <apr_strings.h>
#include <string.h>

#include "kit/fake_ca_inside.h"
#include "tls/cert.h"

void fake_ca_change_key(visit *v)
{
    account *who = &APR_ARRAY_IDX(v->state->accounts, v->account, account);
    int empty = 0;
    const json_t *header = fake_ca_decoded(v, v->payload, "protected", &empty);
    const json_t *asked = fake_ca_decoded(v, v->payload, "payload", &empty), *jwk = md_json_at(header, "jwk");

    if (!jwk || !asked || !fake_pki_verify(jwk, md_json_text(header, "alg"), v->payload, v->p)) {
        fake_ca_problem(v, 400, "malformed", "the inner JWS is not signed by the new key");
    } else if (md_json_at(header, "nonce") || !md_json_text(header, "url") ||
               strcmp(md_json_text(header, "url"), v->request->url) != 0) {
        fake_ca_problem(v, 400, "malformed", "the inner header is wrong");
    } else if (!json_equal(md_json_at(asked, "oldKey"), who->jwk) ||
               strcmp(md_json_text(asked, "account"), md_json_text(v->header, "kid")) != 0) {
        fake_ca_problem(v, 400, "malformed", "the inner payload is of another account");
    } else if (fake_ca_find_account(v, fake_pki_thumbprint(jwk, v->p)) >= 0) {
        fake_ca_problem(v, 409, "conflict", "this key has an account");
    } else {
        who->jwk = md_own_json(v->state->p, json_deep_copy(jwk));
        who->thumbprint = apr_pstrdup(v->state->p, fake_pki_thumbprint(jwk, v->p));
        fake_ca_reply(v, 200, "application/json", "{}");
    }
}

/** The order whose certificate this is, or NULL. */
static order *order_of(const visit *v, md_bytes der)
{
    for (int i = 0; i < v->state->orders->nelts; ++i) {
        order *o = &APR_ARRAY_IDX(v->state->orders, i, order);
        md_chain *chain;
        md_bytes each;

        if (o->pem && !md_chain_from_pem(md_bytes_of(o->pem), v->p, &chain) &&
            !md_chain_leaf_der(chain, v->p, &each) && each.size == der.size &&
            !memcmp(each.data, der.data, der.size))
            return o;
    }
    return NULL;
}

/** Of the certificate's own key only the fact counts that it is not an account. */
void fake_ca_revoke(visit *v)
{
    const char *text = md_json_text(v->payload, "certificate");
    md_bytes der;
    order *o;

    if (!text || md_b64url_read(text, v->p, &der)) {
        fake_ca_problem(v, 400, "malformed", "there is no certificate");
        return;
    }
    o = order_of(v, der);
    if (!o)
        fake_ca_problem(v, 404, "malformed", "this certificate is not known");
    else if (v->account >= 0 && v->account != o->account)
        fake_ca_problem(v, 403, "unauthorized", "the account did not order it");
    else if (o->revoked)
        fake_ca_problem(v, 400, "alreadyRevoked", "it is revoked");
    else
        fake_ca_reply(v, 200, "application/json", "{}");
    if (o && v->response->status == 200) {
        o->revoked = 1 + (int)md_json_int(v->payload, "reason", 0);
        v->ca->revoked_for = (int)md_json_int(v->payload, "reason", 0);
        ++v->ca->revoked;
    }
}
