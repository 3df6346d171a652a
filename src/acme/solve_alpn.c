/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls-alpn-01 (RFC 8737): a certificate that only handshakes with the protocol acme-tls/1 get. Every child of
 * the server can read it. One P-256 key is enough: what CAs offer includes it.
 */
#include <apr_strings.h>

#include "acme/solver.h"
#include "tls/selfsign.h"

#define CERT_FILE "acme-tls-alpn-01-pubcert.p-256.pem"
#define KEY_FILE  "acme-tls-alpn-01-privkey.p-256.pem"

static const char *why_not(const md_plan *plan, const md_domain *domain, const char *name)
{
    if (md_is_wildcard(name))
        return "it cannot prove wildcard names";
    if (!plan->can_https)
        return "no listener takes https: requests from outside (Listen 443, or MDPortMap)";
    return md_names_has(domain->acme_tls_names, name)
               ? NULL
               : "no TLS virtual host for it on that port allows the protocol (Protocols ... acme-tls/1)";
}

/** The server name that a CA sends: addresses have one only in reverse (RFC 8738 6). */
static const char *server_name(const char *name, apr_pool_t *p)
{
    return md_is_address(name) ? md_reverse_name(name, p) : name;
}

static md_err *make_pair(const md_solve *solve, apr_array_header_t *files, apr_pool_t *p)
{
    static const md_key_spec spec = { .type = MD_KEY_EC, .curve = "P-256" };
    md_file cert = { .file = CERT_FILE };
    md_file secret = { .file = KEY_FILE, .secret = 1 };
    const char *text;
    md_chain *chain;
    md_key *key;

    MD_TRY(md_key_authorization(solve->account->key, solve->token, p, &text));
    MD_TRY(md_key_make(&spec, p, &key));
    MD_TRY(md_selfsign_acme_tls(key, solve->name, text, solve->now, p, &chain));
    MD_TRY(md_key_to_pem(key, (md_bytes){ NULL, 0 }, p, &secret.value));
    MD_TRY(md_chain_to_pem(chain, p, &cert.value));
    APR_ARRAY_PUSH(files, md_file) = secret;
    APR_ARRAY_PUSH(files, md_file) = cert;
    return NULL;
}

/** A set, so that no handshake meets a new key beside an old certificate. */
static md_err *put(const md_solve *solve, const char *rest, apr_pool_t *p)
{
    apr_array_header_t *files = apr_array_make(p, 2, sizeof(md_file));
    md_err *err = make_pair(solve, files, p);

    (void)rest;
    if (!err)
        err = md_store_save_set(solve->store, MD_GROUP_CHALLENGES, server_name(solve->name, p), files, 0, p);
    if (err) {
        err = md_wrap(p, err, "cannot set up the tls-alpn-01 challenge for %s", solve->name);
        err->type = "challenge-setup-failure";
        return err;
    }
    return NULL;
}

static md_err *take(const md_unsolve *from, const char *rest, apr_pool_t *p)
{
    return md_store_drop(from->store, MD_PLACE(MD_GROUP_CHALLENGES, server_name(rest, p), NULL), p);
}

static md_err *preflight(const md_solve *solve, const md_preflight *with, apr_pool_t *p)
{
    const char *sni = server_name(solve->name, p), *text;
    md_cert_facts facts;
    md_chain *chain;

    MD_TRY(md_store_load_text(solve->store, MD_PLACE(MD_GROUP_CHALLENGES, sni, CERT_FILE), p, &text));
    MD_TRY(md_chain_from_pem(md_bytes_of(text ? text : ""), p, &chain));
    MD_TRY(md_chain_facts(chain, p, &facts));
    return md_preflight_tls(with, solve->name, sni, facts.sha256, p);
}

const md_solver md_solver_alpn01 = { .type = "tls-alpn-01",
                                     .addresses = 1,
                                     .why_not = why_not,
                                     .put = put,
                                     .take = take,
                                     .preflight = preflight };
