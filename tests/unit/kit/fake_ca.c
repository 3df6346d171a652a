/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests are taken apart by path; every resource is a row in a table of its own. One lock around
 * everything.
 */
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "kit/fake_ca_inside.h"

static account *account_at(const visit *v, int i)
{
    return &APR_ARRAY_IDX(v->state->accounts, i, account);
}

static authz *authz_at(const visit *v, int i)
{
    return &APR_ARRAY_IDX(v->state->authzs, i, authz);
}

static order *order_at(const visit *v, int i)
{
    return &APR_ARRAY_IDX(v->state->orders, i, order);
}

static const char *url_of(const visit *v, const char *what, int i)
{
    return apr_psprintf(v->p, HOST "/%s/%d", what, i);
}

void fake_ca_reply(const visit *v, int status, const char *type, const char *body)
{
    v->response->status = status;
    v->response->body = md_bytes_of(apr_pstrdup(v->p, body));
    apr_table_set(v->response->headers, "Content-Type", type);
}

static void reply_json(const visit *v, int status, json_t *doc)
{
    fake_ca_reply(v, status, "application/json", md_json_line(doc, v->p));
}

void fake_ca_problem(const visit *v, int status, const char *type, const char *detail)
{
    json_t *doc = md_own_json(v->p, json_pack("{s:s, s:s, s:i}", "type",
                                              apr_pstrcat(v->p, "urn:ietf:params:acme:error:", type, NULL),
                                              "detail", detail, "status", status));

    fake_ca_reply(v, status, "application/problem+json", md_json_line(doc, v->p));
}

static void give_nonce(const visit *v)
{
    const char *nonce = apr_psprintf(v->state->p, "nonce-%d", ++v->state->nonce);

    apr_hash_set(v->state->nonces, nonce, APR_HASH_KEY_STRING, nonce);
    apr_table_set(v->response->headers, "Replay-Nonce", nonce);
}

/* Signed requests. */

json_t *fake_ca_decoded(const visit *v, const json_t *doc, const char *member, int *is_empty)
{
    const char *text = md_json_text(doc, member);
    md_bytes bytes = { NULL, 0 };
    json_t *json = NULL;

    if (!text || md_b64url_read(text, v->p, &bytes))
        return NULL;
    *is_empty = bytes.size == 0;
    return bytes.size && !md_json_read(bytes, v->p, &json) ? json : NULL;
}

/** Index behind "/acct/" in the key id, or -1. */
static int account_of_kid(const visit *v, const char *kid)
{
    const char *prefix = HOST "/acct/";
    int i;

    if (!kid || strncmp(kid, prefix, strlen(prefix)) != 0)
        return -1;
    i = atoi(kid + strlen(prefix));
    return i >= 0 && i < v->state->accounts->nelts && account_at(v, i)->jwk ? i : -1;
}

static int nonce_is_good(const visit *v)
{
    const char *nonce = md_json_text(v->header, "nonce");
    int known = nonce && apr_hash_get(v->state->nonces, nonce, APR_HASH_KEY_STRING) != NULL;
    int refuse = v->ca->bad_nonce_every && ++v->state->signed_requests % v->ca->bad_nonce_every == 0;

    if (known)
        apr_hash_set(v->state->nonces, nonce, APR_HASH_KEY_STRING, NULL);
    return known && !refuse;
}

/** Checks the envelope; false: the answer is made already. */
static int open_envelope(visit *v)
{
    const json_t *jwk;
    json_t *doc;
    int empty = 0;

    if (md_json_read(v->request->body, v->p, &doc) ||
        !(v->header = fake_ca_decoded(v, doc, "protected", &empty)))
        return fake_ca_problem(v, 400, "malformed", "no JWS"), 0;
    v->payload = fake_ca_decoded(v, doc, "payload", &empty);
    if (!v->payload && !empty)
        return fake_ca_problem(v, 400, "malformed", "the payload is no JSON"), 0;
    if (!nonce_is_good(v))
        return fake_ca_problem(v, 400, "badNonce", "this nonce is not known"), 0;
    if (!md_json_text(v->header, "url") || strcmp(md_json_text(v->header, "url"), v->request->url) != 0)
        return fake_ca_problem(v, 400, "unauthorized", "the url of the header is another one"), 0;
    jwk = md_json_at(v->header, "jwk");
    v->account = jwk ? -1 : account_of_kid(v, md_json_text(v->header, "kid"));
    if (!jwk && v->account < 0)
        return fake_ca_problem(v, 400, "accountDoesNotExist", "there is no such account"), 0;
    if (!fake_pki_verify(jwk ? jwk : account_at(v, v->account)->jwk, md_json_text(v->header, "alg"), doc,
                         v->p))
        return fake_ca_problem(v, 403, "unauthorized", "the signature is wrong"), 0;
    return 1;
}

/* Resources. */

static void get_directory(visit *v)
{
    json_t *doc =
        md_own_json(v->p, json_pack("{s:s, s:s, s:s, s:s, s:s, s:{}}", "newNonce", HOST "/nonce",
                                    "newAccount", HOST "/acct", "newOrder", HOST "/order", "keyChange",
                                    HOST "/key-change", "revokeCert", HOST "/revoke", "meta"));

    if (v->ca->terms_required)
        md_json_set_text(doc, "meta.termsOfService", FAKE_CA_TERMS);
    if (v->ca->suggests)
        md_json_set_text(doc, "renewalInfo", HOST "/suggest");
    if (v->ca->eab_required)
        md_json_set_flag(doc, "meta.externalAccountRequired", 1);
    reply_json(v, 200, doc);
}

int fake_ca_find_account(const visit *v, const char *thumbprint)
{
    for (int i = 0; i < v->state->accounts->nelts; ++i)
        if (account_at(v, i)->jwk && !strcmp(account_at(v, i)->thumbprint, thumbprint))
            return i;
    return -1;
}

static void show_account(const visit *v, int status, int i)
{
    json_t *doc = md_own_json(v->p, json_pack("{s:s}", "status", "valid"));

    if (account_at(v, i)->contact)
        json_object_set(doc, "contact", account_at(v, i)->contact);
    apr_table_set(v->response->headers, "Location", url_of(v, "acct", i));
    reply_json(v, status, doc);
}

static void add_account(visit *v, const json_t *jwk, const char *thumbprint)
{
    apr_pool_t *p = v->state->p;
    account made = { apr_pstrdup(p, thumbprint), md_own_json(p, json_deep_copy(jwk)),
                     md_own_json(p, json_deep_copy(md_json_at(v->payload, "contact"))) };

    APR_ARRAY_PUSH(v->state->accounts, account) = made;
    ++v->ca->accounts;
    show_account(v, 201, v->state->accounts->nelts - 1);
}

static void post_new_account(visit *v)
{
    const json_t *jwk = md_json_at(v->header, "jwk");
    const char *thumbprint = fake_pki_thumbprint(jwk, v->p);
    int i = fake_ca_find_account(v, thumbprint);

    if (i >= 0)
        show_account(v, 200, i);
    else if (md_json_flag(v->payload, "onlyReturnExisting", 0))
        fake_ca_problem(v, 400, "accountDoesNotExist", "no account has this key");
    else if (v->ca->terms_required && !md_json_flag(v->payload, "termsOfServiceAgreed", 0))
        fake_ca_problem(v, 403, "userActionRequired", "the terms must be agreed to");
    else if (v->ca->eab_required && !md_json_at(v->payload, "externalAccountBinding"))
        fake_ca_problem(v, 403, "externalAccountRequired", "an external account is needed");
    else
        add_account(v, jwk, thumbprint);
}

static void post_account(visit *v, int i)
{
    if (i != v->account) {
        fake_ca_problem(v, 403, "unauthorized", "this is another account");
        return;
    }
    if (md_json_at(v->payload, "contact"))
        account_at(v, i)->contact =
            md_own_json(v->state->p, json_deep_copy(md_json_at(v->payload, "contact")));
    show_account(v, 200, i);
}

static int all_valid(const visit *v, const order *o)
{
    for (int i = 0; i < o->names->nelts; ++i)
        if (strcmp(authz_at(v, o->first_authz + i)->status, "valid") != 0)
            return 0;
    return 1;
}

/** Brings the status of an order to what its authorizations say. */
static void settle(const visit *v, order *o)
{
    if (strcmp(o->status, "pending") != 0)
        return;
    if (all_valid(v, o))
        o->status = "ready";
    for (int i = 0; i < o->names->nelts; ++i)
        if (!strcmp(authz_at(v, o->first_authz + i)->status, "invalid"))
            o->status = "invalid";
}

static void show_order(const visit *v, int status, int i)
{
    order *o = order_at(v, i);
    json_t *doc = md_json_object(v->p), *authzs = json_array();

    settle(v, o);
    md_json_set_text(doc, "status", o->status);
    json_object_set_new(doc, "authorizations", authzs);
    for (int k = 0; k < o->names->nelts; ++k)
        json_array_append_new(authzs, json_string(url_of(v, "authz", o->first_authz + k)));
    md_json_set_text(doc, "finalize", url_of(v, "finalize", i));
    if (!strcmp(o->status, "valid"))
        md_json_set_text(doc, "certificate", url_of(v, "cert", i));
    if (!strcmp(o->status, "invalid"))
        md_json_set(doc, "error",
                    json_pack("{s:s, s:s}", "type", "urn:ietf:params:acme:error:unauthorized", "detail",
                              "some authorizations failed"));
    if (!strcmp(o->status, "processing") && v->ca->retry_after)
        apr_table_set(v->response->headers, "Retry-After", apr_itoa(v->p, v->ca->retry_after));
    apr_table_set(v->response->headers, "Location", url_of(v, "order", i));
    reply_json(v, status, doc);
}

static void add_authz(visit *v, const char *name, int i)
{
    apr_pool_t *p = v->state->p;
    const char *base = md_is_wildcard(name) ? name + 2 : name;
    int proved = v->ca->reuse_authz && apr_hash_get(v->state->proved, name, APR_HASH_KEY_STRING) != NULL;

    APR_ARRAY_PUSH(v->state->authzs, authz) =
        (authz){ .name = apr_pstrdup(p, base),
                 .token = apr_psprintf(p, "token-%d", v->state->authzs->nelts),
                 .order = i,
                 .account = v->account,
                 .wildcard = md_is_wildcard(name),
                 .status = proved ? "valid" : "pending" };
}

static void post_new_order(visit *v)
{
    const json_t *identifiers = md_json_at(v->payload, "identifiers");
    order made = { .account = v->account, .names = md_names_make(v->state->p), .status = "pending" };
    int i = v->state->orders->nelts;

    for (size_t k = 0; k < json_array_size(identifiers); ++k)
        md_names_add(made.names,
                     apr_pstrdup(v->state->p, md_json_text(json_array_get(identifiers, k), "value")));
    if (v->ca->rate_limited) {
        apr_table_set(v->response->headers, "Retry-After", "120");
        fake_ca_problem(v, 429, "rateLimited", "too many orders");
        return;
    }
    if (fake_ca_refuses_replacing(v))
        return;
    if (v->ca->refuse_name && md_names_has(made.names, v->ca->refuse_name)) {
        fake_ca_problem(v, 400, "rejectedIdentifier", "this name is not welcome");
        return;
    }
    made.first_authz = v->state->authzs->nelts;
    for (int k = 0; k < made.names->nelts; ++k)
        add_authz(v, MD_NAME(made.names, k), i);
    APR_ARRAY_PUSH(v->state->orders, order) = made;
    ++v->ca->orders;
    show_order(v, 201, i);
}

/** Looks where the world would look for the answer of an http-01 challenge. */
static int is_proved(const visit *v, const authz *a)
{
    const char *want = apr_pstrcat(v->p, a->token, ".", account_at(v, a->account)->thumbprint, NULL), *text;

    if (v->ca->trusting)
        return 1;
    if (md_store_load_text(v->state->store, MD_PLACE(MD_GROUP_CHALLENGES, a->name, "acme-http-01.txt"), v->p,
                           &text))
        return 0;
    return text && !strcmp(text, want);
}

static void validate(const visit *v, authz *a)
{
    if (strcmp(a->status, "pending") != 0 || !a->answered || a->reads++ < v->ca->authz_polls)
        return;
    if ((v->ca->fail_name && !strcmp(v->ca->fail_name, a->name)) || !is_proved(v, a))
        a->status = "invalid";
    else
        a->status = "valid";
    if (!strcmp(a->status, "valid"))
        apr_hash_set(v->state->proved, a->name, APR_HASH_KEY_STRING, a->name);
}

static json_t *challenge_doc(const visit *v, const char *type, int i)
{
    const authz *a = authz_at(v, i);
    json_t *doc = json_pack("{s:s, s:s, s:s, s:s}", "type", type, "url",
                            apr_psprintf(v->p, HOST "/%s/%d", strcmp(type, "http-01") ? "other" : "chal", i),
                            "token", a->token, "status", a->status);

    if (!strcmp(a->status, "invalid") && !strcmp(type, "http-01"))
        md_json_set(doc, "error",
                    json_pack("{s:s, s:s}", "type", "urn:ietf:params:acme:error:connection", "detail",
                              "connection refused"));
    return doc;
}

static void post_authz(visit *v, int i)
{
    authz *a = authz_at(v, i);
    json_t *doc = md_json_object(v->p), *challenges = json_array();

    validate(v, a);
    md_json_set(doc, "identifier", json_pack("{s:s, s:s}", "type", "dns", "value", a->name));
    md_json_set_text(doc, "status", a->status);
    if (a->wildcard)
        md_json_set_flag(doc, "wildcard", 1);
    json_object_set_new(doc, "challenges", challenges);
    json_array_append_new(challenges, challenge_doc(v, "dns-01", i));
    if (!a->wildcard)
        json_array_append_new(challenges, challenge_doc(v, "http-01", i));
    if (!strcmp(a->status, "pending") && v->ca->retry_after)
        apr_table_set(v->response->headers, "Retry-After", apr_itoa(v->p, v->ca->retry_after));
    reply_json(v, 200, doc);
}

static void post_challenge(visit *v, int i)
{
    if (!v->payload || json_object_size(v->payload) != 0) {
        fake_ca_problem(v, 400, "malformed", "the payload must be {}");
        return;
    }
    authz_at(v, i)->answered = 1;
    reply_json(v, 200, md_own_json(v->p, challenge_doc(v, "http-01", i)));
}

static void post_finalize(visit *v, int i)
{
    order *o = order_at(v, i);
    const char *csr = md_json_text(v->payload, "csr"), *why;
    md_bytes der = { NULL, 0 };

    settle(v, o);
    if (strcmp(o->status, "ready") != 0) {
        fake_ca_problem(v, 403, "orderNotReady", "the order is not ready");
        return;
    }
    if (!csr || md_b64url_read(csr, v->p, &der) || (why = fake_pki_csr_reason(der, o->names)) != NULL) {
        fake_ca_problem(v, 400, "badCSR", "the request does not fit the order");
        return;
    }
    o->pem = fake_pki_issue(v->state->pki, der, (int)v->ca->cert, md_now(v->state->clock), v->state->p);
    o->status = v->ca->order_polls ? "processing" : "valid";
    ++v->ca->finalized;
    show_order(v, 200, i);
}

static void post_order(visit *v, int i)
{
    order *o = order_at(v, i);

    if (!strcmp(o->status, "processing") && ++o->reads >= v->ca->order_polls)
        o->status = "valid";
    show_order(v, 200, i);
}

static void post_cert(visit *v, int i)
{
    const order *o = order_at(v, i);

    if (strcmp(o->status, "valid") != 0) {
        fake_ca_problem(v, 404, "malformed", "there is no certificate yet");
        return;
    }
    ++v->ca->downloads;
    for (int k = 1; k <= v->ca->alternates; ++k)
        apr_table_add(v->response->headers, "Link",
                      apr_psprintf(v->p, "<" HOST "/cert/%d/%d>;rel=\"alternate\"", i, k));
    fake_ca_reply(v, 200, "application/pem-certificate-chain", o->pem);
}

static const struct {
    const char *path;
    void (*post)(visit *v, int i);
} resources[] = {
    { "/acct/", post_account },   { "/order/", post_order },       { "/authz/", post_authz },
    { "/chal/", post_challenge }, { "/finalize/", post_finalize }, { "/cert/", post_cert },
};

static int is_there(const visit *v, const char *path, int i)
{
    if (!strcmp(path, "/acct/"))
        return i < v->state->accounts->nelts;
    if (!strcmp(path, "/authz/") || !strcmp(path, "/chal/"))
        return i < v->state->authzs->nelts;
    return i < v->state->orders->nelts && !order_at(v, i)->forgotten;
}

static void post_resource(visit *v)
{
    for (size_t k = 0; k < sizeof(resources) / sizeof(resources[0]); ++k) {
        size_t length = strlen(resources[k].path);
        int i;

        if (strncmp(v->path, resources[k].path, length) != 0)
            continue;
        i = atoi(v->path + length);
        if (i < 0 || !is_there(v, resources[k].path, i))
            break;
        resources[k].post(v, i);
        return;
    }
    fake_ca_problem(v, 404, "malformed", "there is no such thing");
}

static void answer(visit *v)
{
    if (!strcmp(v->path, "/dir")) {
        get_directory(v);
        return;
    }
    if (!strncmp(v->path, "/suggest/", strlen("/suggest/"))) {
        fake_ca_suggest(v);
        return;
    }
    give_nonce(v);
    if (!strcmp(v->path, "/nonce"))
        v->response->status = 200;
    else if (!open_envelope(v))
        return;
    else if (!strcmp(v->path, "/acct"))
        post_new_account(v);
    else if (!strcmp(v->path, "/revoke"))
        fake_ca_revoke(v);
    else if (v->account < 0)
        fake_ca_problem(v, 403, "unauthorized", "a key id is needed");
    else if (!strcmp(v->path, "/order"))
        post_new_order(v);
    else if (!strcmp(v->path, "/key-change"))
        fake_ca_change_key(v);
    else
        post_resource(v);
}

static fake_fault fault_of(fake_ca *ca)
{
    ++ca->requests;
    if (!ca->fault_at || ca->requests < ca->fault_at || (ca->requests > ca->fault_at && !ca->fault_every))
        return FAKE_FAULT_NONE;
    return ca->fault;
}

/** What the client sees of a visit that went wrong on demand. */
static md_err *spoil(visit *v, fake_fault fault)
{
    switch (fault) {
    case FAKE_FAULT_LOST:
        return md_fail(v->p, MD_FAULT_REMOTE, "md:unreachable", "cannot connect to ca.test");
    case FAKE_FAULT_UNANSWERED:
        return md_fail(v->p, MD_FAULT_REMOTE, "md:timeout", "ca.test does not answer");
    case FAKE_FAULT_STATUS:
        apr_table_clear(v->response->headers);
        fake_ca_reply(v, v->ca->fault_status, v->ca->fault_type, v->ca->fault_body ? v->ca->fault_body : "");
        return NULL;
    default: return NULL;
    }
}

static md_err *visit_ca(void *self, md_http *http, const md_http_request *request, const md_http_route *route,
                        apr_pool_t *p, md_http_response *response)
{
    fake_ca *ca = self;
    visit v = {
        .ca = ca, .state = ca->state, .request = request, .account = -1, .p = p, .response = response
    };
    fake_fault fault;

    (void)http;
    (void)route;
    *response = (md_http_response){ .headers = apr_table_make(p, 5), .body = { "", 0 } };
    if (strncmp(request->url, HOST, strlen(HOST)) != 0)
        return md_fail(p, MD_FAULT_REMOTE, "md:unreachable", "cannot resolve the host of %s", request->url);
    v.path = request->url + strlen(HOST);
    pthread_mutex_lock(&ca->state->lock);
    fault = fault_of(ca);
    APR_ARRAY_PUSH(ca->state->log, const char *) =
        apr_pstrcat(ca->state->p, request->method, " ", v.path, NULL);
    if (fault == FAKE_FAULT_NONE || fault == FAKE_FAULT_UNANSWERED)
        answer(&v);
    pthread_mutex_unlock(&ca->state->lock);
    return spoil(&v, fault);
}

fake_ca *fake_ca_open(md_store *store, const md_clock *clock, apr_pool_t *p)
{
    fake_ca *ca = apr_pcalloc(p, sizeof(*ca));
    struct fake_ca_state *state = apr_pcalloc(p, sizeof(*state));

    ca->state = state;
    pthread_mutex_init(&state->lock, NULL);
    apr_pool_create(&state->p, p);
    state->store = store;
    state->clock = clock;
    state->pki = fake_pki_open(md_now(clock), state->p);
    state->accounts = apr_array_make(state->p, 4, sizeof(account));
    state->authzs = apr_array_make(state->p, 16, sizeof(authz));
    state->orders = apr_array_make(state->p, 16, sizeof(order));
    state->log = apr_array_make(state->p, 64, sizeof(const char *));
    state->nonces = apr_hash_make(state->p);
    state->proved = apr_hash_make(state->p);
    return ca;
}

void fake_ca_serve(fake_ca *ca, md_http_options *options)
{
    options->send = visit_ca;
    options->self = ca;
}

void fake_ca_count_from_here(fake_ca *ca)
{
    ca->requests = 0;
}

const char *fake_ca_log(const fake_ca *ca, apr_pool_t *p)
{
    return md_names_join(ca->state->log, "\n", p);
}

void fake_ca_forget_accounts(fake_ca *ca)
{
    for (int i = 0; i < ca->state->accounts->nelts; ++i)
        APR_ARRAY_IDX(ca->state->accounts, i, account).jwk = NULL;
}

void fake_ca_spoil_orders(fake_ca *ca, int forget)
{
    for (int i = 0; i < ca->state->orders->nelts; ++i) {
        order *o = &APR_ARRAY_IDX(ca->state->orders, i, order);

        if (!strcmp(o->status, "valid"))
            continue;
        o->status = "invalid";
        o->forgotten = forget;
    }
}
