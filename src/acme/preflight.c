/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to ourselves the long way round.
 */
#include "acme/preflight.h"

#include <apr_strings.h>
#include <apr_uri.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "net/address.h"
#include "tls/probe.h"

enum { ADDRESSES_MAX = 4, REDIRECTS_MAX = 10, SHOWN_MAX = 120, HTTP_PORT = 80, HTTPS_PORT = 443 };

/** What is asked of one address. */
typedef struct look {
    const md_preflight *with;
    const char *name, *address;
    apr_time_t deadline;
    apr_pool_t *p;
} look;

static md_err *wrong(apr_pool_t *p, const char *text)
{
    return md_fail(p, MD_FAULT_VALIDATION, "md:preflight", "%s", text);
}

/** Begins each sentence. */
static const char *leads(const look *at)
{
    return apr_psprintf(at->p, "%s leads to %s%s, and ", at->name, at->address,
                        md_names_has(at->with->ours, at->address) ? "" : " (no address of this machine)");
}

static md_err *unreachable(const look *at, int port, const md_err *err)
{
    return wrong(at->p, apr_psprintf(at->p, "%sport %d cannot be reached there from here: %s", leads(at),
                                     port, md_err_text(err, at->p)));
}

static int was_cancelled(const md_err *err)
{
    return err && !strcmp(err->type, "md:cancelled");
}

static int local_port(const look *at, int port)
{
    if (!md_names_has(at->with->ours, at->address))
        return port;
    return port == HTTPS_PORT ? at->with->https_port : at->with->http_port;
}

static md_err *find_addresses(const md_preflight *with, const char *name, apr_pool_t *p, md_names **out)
{
    md_err *err = md_dns_addresses(with->dns, name, p, out);

    if (err)
        return wrong(
            p, apr_psprintf(p, "the addresses of %s cannot be looked up: %s", name, md_err_text(err, p)));
    if (!(*out)->nelts)
        return wrong(p, apr_psprintf(p, "%s has no address in DNS, so that no CA can find it", name));
    return NULL;
}

/** The port of a URL that CAs follow a redirect to; 0: they do not. */
static int port_of(const char *url, apr_pool_t *p)
{
    apr_uri_t parts;
    int standard;

    if (apr_uri_parse(p, url, &parts) || !parts.scheme || !parts.hostname)
        return 0;
    standard = strcasecmp(parts.scheme, "https") ? HTTP_PORT : HTTPS_PORT;
    return !parts.port_str || !*parts.port_str || parts.port == standard ? standard : 0;
}

static int is_answer(md_bytes body, const char *answer)
{
    while (body.size && isspace((unsigned char)body.data[body.size - 1]))
        --body.size;
    return body.size == strlen(answer) && !memcmp(body.data, answer, body.size);
}

static const char *location_of(const md_http_response *response)
{
    switch (response->status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308: return md_http_header(response, "Location");
    default: return NULL;
    }
}

static md_err *judge(const look *at, const md_http_response *response, const char *answer)
{
    const char *server = md_http_header(response, "Server");

    if (response->status == 200 && is_answer(response->body, answer))
        return NULL;
    return wrong(
        at->p,
        apr_psprintf(at->p,
                     "%sthe answer there is not the one that this server has for the CA: HTTP status %d "
                     "from %s, %s%s. Does another server or a proxy answer?",
                     leads(at), response->status,
                     server ? md_excerpt(md_bytes_of(server), SHOWN_MAX, at->p) : "a server without a name",
                     response->body.size ? "which begins with " : "empty",
                     response->body.size ? md_excerpt(response->body, SHOWN_MAX, at->p) : ""));
}

static md_err *fetch(const look *at, const char *url, int port, md_http_response *response)
{
    const md_http_request request = { .method = "GET", .url = url };
    const md_http_route route = { .connect_to =
                                      md_address_with_port(at->address, local_port(at, port), at->p),
                                  .unverified = 1 };
    md_err *err;

    if (apr_time_now() > at->deadline)
        return wrong(at->p, apr_pstrcat(at->p, leads(at), "what is there answers too slowly", NULL));
    err = md_http_send(at->with->http, &request, &route, at->p, response);
    return err && !was_cancelled(err) ? unreachable(at, port, err) : err;
}

/** Goes on at another URL: *at is where its host is. */
static md_err *move_on(look *at, const char *location, const char **url, md_names *seen)
{
    const char *next = md_url_resolve(location, *url, at->p);
    const char *shown = md_excerpt(md_bytes_of(location), SHOWN_MAX, at->p);
    md_names *addresses;

    if (!next || !port_of(next, at->p))
        return wrong(at->p, apr_pstrcat(at->p, leads(at), "requests are redirected to ", shown,
                                        ", where CAs do not follow", NULL));
    if (!md_names_add_new(seen, next) || seen->nelts > REDIRECTS_MAX)
        return wrong(at->p, apr_pstrcat(at->p, leads(at), "requests are redirected in a circle, at last to ",
                                        shown, NULL));
    if (strcmp(md_url_host(next, at->p), md_url_host(*url, at->p)) != 0) {
        MD_TRY(find_addresses(at->with, md_url_host(next, at->p), at->p, &addresses));
        at->name = apr_psprintf(at->p, "%s is redirected to %s, which", at->name, md_url_host(next, at->p));
        at->address = MD_NAME(addresses, 0);
    }
    *url = next;
    return NULL;
}

static md_err *ask_http(look at, const char *url, const char *answer)
{
    md_names *seen = md_names_make(at.p);

    md_names_add(seen, url);
    for (;;) {
        md_http_response response;
        const char *location;

        MD_TRY(fetch(&at, url, port_of(url, at.p), &response));
        location = location_of(&response);
        if (!location)
            return judge(&at, &response, answer);
        MD_TRY(move_on(&at, location, &url, seen));
    }
}

md_err *md_preflight_http(const md_preflight *with, const char *name, const char *token, const char *answer,
                          apr_pool_t *p)
{
    const char *url = apr_psprintf(p,
                                   strchr(name, ':') ? "http://[%s]/.well-known/acme-challenge/%s"
                                                     : "http://%s/.well-known/acme-challenge/%s",
                                   name, token);
    look at = { .with = with, .name = name, .deadline = apr_time_now() + MD_PREFLIGHT_ALL, .p = p };
    md_names *addresses;

    MD_TRY(find_addresses(with, name, p, &addresses));
    for (int i = 0; i < addresses->nelts && i < ADDRESSES_MAX; ++i) {
        at.address = MD_NAME(addresses, i);
        MD_TRY(ask_http(at, url, answer));
    }
    return NULL;
}

static md_err *ask_tls(const look *at, const char *server_name, const char *sha256)
{
    const md_probe_target target = { .host = at->address,
                                     .port = (unsigned short)local_port(at, HTTPS_PORT),
                                     .sni = server_name,
                                     .alpn = "acme-tls/1",
                                     .timeout = MD_PREFLIGHT_CONNECT,
                                     .cancelled = at->with->cancelled };
    md_cert_facts served;
    md_err *err = md_probe(&target, at->p, &served);

    if (err)
        return was_cancelled(err) ? err : unreachable(at, HTTPS_PORT, err);
    if (!strcmp(served.sha256, sha256))
        return NULL;
    return wrong(
        at->p,
        apr_psprintf(at->p,
                     "%sa handshake there with the protocol acme-tls/1 gets another certificate, issued by "
                     "%s. Does another server or a proxy answer?",
                     leads(at), served.issuer));
}

md_err *md_preflight_tls(const md_preflight *with, const char *name, const char *server_name,
                         const char *sha256, apr_pool_t *p)
{
    look at = { .with = with, .name = name, .p = p };
    md_names *addresses;

    MD_TRY(find_addresses(with, name, p, &addresses));
    for (int i = 0; i < addresses->nelts && i < ADDRESSES_MAX; ++i) {
        at.address = MD_NAME(addresses, i);
        MD_TRY(ask_tls(&at, server_name, sha256));
    }
    return NULL;
}

md_err *md_preflight_caa(const md_preflight *with, const char *name, const md_caa_asker *asker, apr_pool_t *p)
{
    apr_array_header_t *records;
    const char *at, *why;
    md_err *err;

    if (!asker->identities || md_is_address(name))
        return NULL;
    err = md_dns_caa(with->dns, name, p, &records, &at);
    if (err)
        return wrong(p, apr_psprintf(p,
                                     "the CAA records of %s cannot be looked up, and without an answer no CA "
                                     "issues: %s",
                                     name, md_err_text(err, p)));
    why = records->nelts ? md_caa_reason(records, name, asker, p) : NULL;
    if (!why)
        return NULL;
    return wrong(p,
                 apr_psprintf(p,
                              "the CAA records of %s do not let the CA issue for %s: %s. A record like this "
                              "would: %s. CAA 0 %s \"%s\"",
                              at, name, why, at, md_is_wildcard(name) ? "issuewild" : "issue",
                              asker->identities[0]));
}
