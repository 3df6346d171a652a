/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders: the resource at the CA and its record in staging.
 */
#include "acme/order.h"

#include <apr_strings.h>
#include <string.h>
#include <strings.h>

enum { AUTHORIZATIONS_MAX = 1000, URL_MAX = 2048, UPS_MAX = 4, ALTERNATES_MAX = 8 };
#define ORDER_FILE "order.json"

static const char *const status_names[] = { NULL, "pending", "ready", "processing", "valid", "invalid" };

static md_order_status status_of(const char *text)
{
    for (int i = MD_ORDER_PENDING; text && i <= MD_ORDER_INVALID; ++i)
        if (!strcmp(status_names[i], text))
            return (md_order_status)i;
    return MD_ORDER_UNKNOWN;
}

json_t *md_order_to_json(const md_order *order, apr_pool_t *p)
{
    json_t *doc = md_json_object(p);

    md_json_set_text(doc, "url", order->url);
    md_json_set_text(doc, "status", status_names[order->status]);
    md_json_set_names(doc, "authorizations", order->authorizations);
    md_json_set_names(doc, "challenge-setups", order->setups);
    md_json_set_text(doc, "finalize", order->finalize);
    md_json_set_text(doc, "certificate", order->certificate);
    md_json_set_text(doc, "key-spec", order->spec);
    md_json_set_text(doc, "account", order->account);
    md_json_set_text(doc, "ca-url", order->ca_url);
    md_json_set_names(doc, "authorizations-done", order->done);
    return doc;
}

static md_names *list_at(const json_t *doc, const char *key, apr_pool_t *p)
{
    md_names *names = md_json_names(doc, key, p);

    return names ? names : md_names_make(p);
}

md_order *md_order_from_json(const json_t *doc, apr_pool_t *p)
{
    md_order *order;

    if (!md_json_text(doc, "url") || md_url_reason(md_json_text(doc, "url")))
        return NULL;
    order = apr_pcalloc(p, sizeof(*order));
    order->url = md_json_copy(doc, "url", p);
    order->status = status_of(md_json_text(doc, "status"));
    order->authorizations = list_at(doc, "authorizations", p);
    order->setups = list_at(doc, "challenge-setups", p);
    order->finalize = md_json_copy(doc, "finalize", p);
    order->certificate = md_json_copy(doc, "certificate", p);
    order->spec = md_json_copy(doc, "key-spec", p);
    order->account = md_json_copy(doc, "account", p);
    order->ca_url = md_json_copy(doc, "ca-url", p);
    order->done = list_at(doc, "authorizations-done", p);
    return order;
}

md_err *md_order_load(md_store *store, const char *domain, apr_pool_t *p, md_order **out)
{
    md_place place = MD_PLACE(MD_GROUP_STAGING, domain, ORDER_FILE);
    json_t *doc;
    md_err *err = md_store_load_json(store, place, p, &doc);

    *out = NULL;
    if (err && strcmp(err->type, "md:bad-file") != 0)
        return err;
    *out = err || !doc ? NULL : md_order_from_json(doc, p);
    if (err || (doc && !*out))
        md_store_set_aside(store, place, err ? md_err_text(err, p) : "it is no order", p);
    return NULL;
}

md_err *md_order_save(md_store *store, const char *domain, const md_order *order, apr_pool_t *p)
{
    return md_store_save_json(store, MD_PLACE(MD_GROUP_STAGING, domain, ORDER_FILE),
                              md_order_to_json(order, p), p);
}

static int usable(const char *url)
{
    return url && strlen(url) <= URL_MAX && !md_url_reason(url);
}

/** Takes the CA's members over into `order`. */
static md_err *read_order(const md_answer *answer, md_order *order, apr_pool_t *p)
{
    const char *finalize = md_json_text(answer->doc, "finalize"),
               *certificate = md_json_text(answer->doc, "certificate");
    const json_t *error = md_json_at(answer->doc, "error");

    order->status = status_of(md_json_text(answer->doc, "status"));
    order->authorizations = list_at(answer->doc, "authorizations", p);
    order->retry_after = answer->retry_after;
    order->error = error;
    if (order->status == MD_ORDER_UNKNOWN)
        return md_fail(p, MD_FAULT_REMOTE, "md:bad-answer", "the CA's order has no known status");
    if (order->authorizations->nelts > AUTHORIZATIONS_MAX)
        return md_fail(p, MD_FAULT_REMOTE, "md:bad-answer", "the CA's order has %d authorizations",
                       order->authorizations->nelts);
    for (int i = 0; i < order->authorizations->nelts; ++i)
        if (!usable(MD_NAME(order->authorizations, i)))
            return md_fail(p, MD_FAULT_REMOTE, "md:bad-answer",
                           "the CA's order has an unusable authorization URL");
    if (order->status != MD_ORDER_INVALID && !usable(finalize))
        return md_fail(p, MD_FAULT_REMOTE, "md:bad-answer", "the CA's order has no finalize URL");
    if (order->status == MD_ORDER_VALID && !usable(certificate))
        return md_fail(p, MD_FAULT_REMOTE, "md:bad-answer",
                       "the CA's order is valid but has no certificate URL");
    order->finalize = apr_pstrdup(p, finalize);
    order->certificate = apr_pstrdup(p, certificate);
    return NULL;
}

static json_t *order_payload(const md_order_wish *wish, apr_pool_t *p)
{
    json_t *payload = md_json_object(p), *identifiers = json_array();

    json_object_set_new(payload, "identifiers", identifiers);
    for (int i = 0; i < wish->names->nelts; ++i) {
        const char *name = MD_NAME(wish->names, i);

        json_array_append_new(
            identifiers, json_pack("{s:s, s:s}", "type", md_is_address(name) ? "ip" : "dns", "value", name));
    }
    md_json_set_text(payload, "profile", wish->profile);
    md_json_set_text(payload, "replaces", wish->replaces);
    return payload;
}

md_err *md_order_place(const md_call *call, const md_order_wish *wish, apr_pool_t *p, md_order **out)
{
    const md_directory *directory = md_ca_directory(call->ca, md_now(call->clock));
    md_order *order = apr_pcalloc(p, sizeof(*order));
    md_answer answer;
    md_post post;

    if (!directory)
        return md_fail(p, MD_FAULT_REMOTE, "md:no-directory", "the CA's directory has not been read yet");
    post = (md_post){ .url = directory->new_order,
                      .payload = order_payload(wish, p),
                      .doing = "placing the order" };
    MD_TRY(md_call_post_json(call, &post, p, &answer));
    if (!usable(answer.location))
        return md_fail(p, MD_FAULT_REMOTE, "md:bad-answer", "the CA's answer to a new order has no Location");
    order->url = answer.location;
    order->setups = md_names_make(p);
    order->done = md_names_make(p);
    order->account = call->account->url;
    order->ca_url = md_ca_url(call->ca);
    MD_TRY(read_order(&answer, order, p));
    *out = order;
    return NULL;
}

md_err *md_order_read(const md_call *call, md_order *order, apr_pool_t *p)
{
    md_answer answer;

    MD_TRY(
        md_call_post_json(call, &(md_post){ .url = order->url, .doing = "reading the order" }, p, &answer));
    return read_order(&answer, order, p);
}

md_err *md_order_finalize(const md_call *call, md_order *order, md_bytes csr, apr_pool_t *p)
{
    json_t *payload = md_json_object(p);
    md_post post = { .url = order->finalize, .payload = payload, .doing = "sending the signing request" };
    md_answer answer;

    md_json_set_text(payload, "csr", md_b64url(csr, p));
    MD_TRY(md_call_post_json(call, &post, p, &answer));
    return read_order(&answer, order, p);
}

/** Appends the issuers that a lone certificate's "up" links lead to (RFC 8555 7.4.2 wants the whole chain;
 * older CAs link). */
static md_err *follow_up(const md_call *call, const md_answer *first, const char *url, apr_pool_t *p,
                         md_chain *chain)
{
    md_answer answer = *first;

    for (int i = 0; i < UPS_MAX; ++i) {
        const char *up = md_http_link(&answer.http, "up", 0, url, p);
        md_chain *more;

        if (!up)
            return NULL;
        MD_TRY(md_call_post(call, &(md_post){ .url = up, .doing = "fetching an issuer's certificate" }, p,
                            &answer));
        MD_TRY(md_chain_from_pem(answer.http.body, p, &more));
        md_chain_append(chain, more);
        url = up;
    }
    return NULL;
}

static md_err *fetch_chain(const md_call *call, const char *url, apr_pool_t *p, md_answer *answer,
                           md_chain **out)
{
    md_err *err;

    MD_TRY(md_call_post(call, &(md_post){ .url = url, .doing = "fetching the certificate" }, p, answer));
    err = md_chain_from_pem(answer->http.body, p, out);
    if (err)
        return md_wrap(p, err, "what the CA sent as certificate cannot be used");
    return md_chain_length(*out) == 1 ? follow_up(call, answer, url, p, *out) : NULL;
}

static int leads_to(const md_chain *chain, const char *issuer, apr_pool_t *p)
{
    const char *top = md_chain_top_issuer(chain, p);

    return top && !strcasecmp(top, issuer);
}

/** An alternate that cannot be had is passed over: the usual chain is good, too. */
static void find_alternate(const md_call *call, const md_order *order, const md_answer *first,
                           const char *issuer, apr_pool_t *p, md_chain **chain)
{
    const char *url;

    for (int i = 0; i < ALTERNATES_MAX; ++i) {
        md_answer answer;
        md_chain *other;

        url = md_http_link(&first->http, "alternate", i, order->certificate, p);
        if (!url)
            return;
        if (!fetch_chain(call, url, p, &answer, &other) && leads_to(other, issuer, p)) {
            *chain = other;
            return;
        }
    }
}

md_err *md_order_download(const md_call *call, const md_order *order, const char *preferred, apr_pool_t *p,
                          md_chain **out)
{
    md_answer answer;

    MD_TRY(fetch_chain(call, order->certificate, p, &answer, out));
    if (preferred && !leads_to(*out, preferred, p))
        find_alternate(call, order, &answer, preferred, p, out);
    return NULL;
}

md_err *md_order_problem(const md_order *order, apr_time_t now, apr_pool_t *p)
{
    if (order->error)
        return md_problem_read(order->error, "checking the order", now, p);
    return md_fail(p, MD_FAULT_VALIDATION, "md:order-invalid",
                   "the CA declared the order invalid, without a reason");
}
