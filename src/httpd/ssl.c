/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_ssl asks for files once per TLS host and configuration. A host without a certificate gets its
 * placeholder as if it were one: hosts that were given mod_ssl's own kind of fallback would answer 503 until
 * the next restart, whatever goes live.
 */
#include "httpd/ssl.h"

#include <apr_optional_hooks.h>
#include <apr_strings.h>
#include <http_config.h>
#include <string.h>

#include "base/log.h"
#include "httpd/directives.h"
#include "httpd/run.h"

#define ACME_PROTOCOL  "acme-tls/1"
#define CHALLENGE_CERT "acme-tls-alpn-01-pubcert"
#define CHALLENGE_KEY  "acme-tls-alpn-01-privkey"

/* mod_ssl_openssl.h, which distributions package apart from httpd's headers. */
typedef int ssl_HOOK_init_server_t(server_rec *s, apr_pool_t *p, int is_proxy, SSL_CTX *ctx);
typedef int ssl_HOOK_pre_handshake_t(conn_rec *c, SSL *ssl, int is_proxy);

static void add_pair(apr_array_header_t *cert_files, apr_array_header_t *key_files, const char *cert,
                     const char *key)
{
    APR_ARRAY_PUSH(cert_files, const char *) = cert;
    APR_ARRAY_PUSH(key_files, const char *) = key;
}

static void add_static(const md_domain *domain, apr_array_header_t *cert_files, apr_array_header_t *key_files)
{
    const md_names *certs = domain->policy.cert_files.list, *keys = domain->policy.key_files.list;

    for (int i = 0; i < certs->nelts; ++i)
        add_pair(cert_files, key_files, MD_NAME(certs, i), MD_NAME(keys, i));
}

static void add_stored(const md_run *run, const md_domain *domain, apr_pool_t *p,
                       apr_array_header_t *cert_files, apr_array_header_t *key_files)
{
    const apr_array_header_t *facts = run->facts->each[domain->index];

    for (int i = 0; i < facts->nelts; ++i) {
        const md_key_spec *spec = MD_SPEC(domain->policy.keys, i);
        const md_cert_fact *fact = &APR_ARRAY_IDX(facts, i, md_cert_fact);

        if (fact->bad)
            md_log_err(MD_LOG_ERROR, 10110, domain->name, "loading its certificate", fact->bad,
                       "The stored certificate is damaged and not used:");
        if (fact->bad || !fact->cert)
            continue;
        add_pair(
            cert_files, key_files,
            md_store_path(run->store,
                          MD_PLACE(MD_GROUP_DOMAINS, domain->name, md_key_spec_file(spec, "pubcert", p)), p),
            md_store_path(run->store,
                          MD_PLACE(MD_GROUP_DOMAINS, domain->name, md_key_spec_file(spec, "privkey", p)), p));
    }
}

/** Something to begin with; this host answers 503 until a certificate is live. */
static int add_placeholder(md_run *run, const md_domain *domain, apr_pool_t *p,
                           apr_array_header_t *cert_files, apr_array_header_t *key_files)
{
    md_pair_paths paths;
    md_err *err = md_creds_placeholder(run->store, domain->name, domain->names, md_now(run->core.clock), p, &paths);

    if (err) {
        md_log_err(MD_LOG_ERROR, 10174, domain->name, "making a placeholder certificate", err,
                   "This host has no certificate to begin with:");
        return DECLINED;
    }
    run->placeholder[domain->index] = 1;
    add_pair(cert_files, key_files, paths.cert, paths.key);
    md_log(MD_LOG_DEBUG, 10116, "%s: begins with a placeholder certificate", domain->name);
    return OK;
}

int md_ssl_add_files(server_rec *s, apr_pool_t *p, apr_array_header_t *cert_files,
                     apr_array_header_t *key_files)
{
    md_run *run = md_run_now();
    const md_domain *domain;
    int before = cert_files->nelts;

    if (!run || !(domain = md_conf_domain(s)))
        return DECLINED;
    if (before)
        md_log(MD_LOG_DEBUG, 10084, "%s: the host %s has certificates of its own, too", domain->name,
               s->server_hostname);
    if (md_domain_is_static(domain))
        add_static(domain, cert_files, key_files);
    else
        add_stored(run, domain, p, cert_files, key_files);
    if (cert_files->nelts > before)
        md_log(MD_LOG_DEBUG, 10077, "%s: provides %d certificate(s) to %s", domain->name,
               cert_files->nelts - before, s->server_hostname);
    return cert_files->nelts ? OK : add_placeholder(run, domain, p, cert_files, key_files);
}

/** Every SSL_CTX of a managed host asks us for something newer in each full handshake. */
static int watch_context(server_rec *s, apr_pool_t *p, int is_proxy, SSL_CTX *ctx)
{
    const md_run *run = md_run_now();
    const md_domain *domain = run && !is_proxy ? md_conf_domain(s) : NULL;

    (void)p;
    if (domain && domain->policy.live && !md_domain_is_static(domain))
        SSL_CTX_set_cert_cb(ctx, md_live_choose, md_live_slot_at(run->slots, domain->index));
    return OK;
}

/** What we know of a TLS connection; the module's connection configuration. */
typedef struct tls_conn {
    SSL *ssl;
    int challenge; /* switched to acme-tls/1 */
} tls_conn;

static int note_connection(conn_rec *c, SSL *ssl, int is_proxy)
{
    tls_conn *made;

    if (is_proxy || !md_run_now())
        return DECLINED;
    made = apr_pcalloc(c->pool, sizeof(*made));
    made->ssl = ssl;
    ap_set_module_config(c->conn_config, &md_module, made);
    return OK;
}

static tls_conn *tls_of(const conn_rec *c)
{
    return ap_get_module_config((c->master ? c->master : c)->conn_config, &md_module);
}

void md_ssl_optional_hooks(void)
{
    APR_OPTIONAL_HOOK(ssl, init_server, watch_context, NULL, NULL, APR_HOOK_MIDDLE);
    APR_OPTIONAL_HOOK(ssl, pre_handshake, note_connection, NULL, NULL, APR_HOOK_MIDDLE);
}

int md_ssl_is_challenge(const conn_rec *c)
{
    const tls_conn *tls = tls_of(c);

    return tls && tls->challenge;
}

int md_ssl_propose(conn_rec *c, request_rec *r, server_rec *s, const apr_array_header_t *offers,
                   apr_array_header_t *proposals)
{
    (void)s;
    if (r || !tls_of(c))
        return DECLINED;
    for (int i = 0; i < offers->nelts; ++i)
        if (!strcmp(APR_ARRAY_IDX(offers, i, const char *), ACME_PROTOCOL)) {
            APR_ARRAY_PUSH(proposals, const char *) = ACME_PROTOCOL;
            return OK;
        }
    return DECLINED;
}

int md_ssl_switch(conn_rec *c, request_rec *r, server_rec *s, const char *protocol)
{
    tls_conn *tls = tls_of(c);

    (void)s;
    if (r || !tls || strcmp(protocol, ACME_PROTOCOL))
        return DECLINED;
    tls->challenge = 1;
    c->keepalive = AP_CONN_CLOSE;
    return OK;
}

/** The certificate must have the key type that the handshake settled for; TLS 1.3 settles later, any will do
 * then. */
static int wants_ec(const SSL *ssl)
{
    const SSL_CIPHER *cipher = SSL_get_pending_cipher(ssl);

    return cipher && SSL_CIPHER_get_auth_nid(cipher) == NID_auth_ecdsa;
}

/** Loads the pair whose files end in `end` (".pem" or ".<curve>.pem"); absent: *key NULL. */
static md_err *load_pair(md_store *store, const char *name, const char *end, apr_pool_t *p, const char **cert,
                         const char **key)
{
    md_place place = MD_PLACE(MD_GROUP_CHALLENGES, name, apr_pstrcat(p, CHALLENGE_CERT, end, NULL));

    *key = NULL;
    MD_TRY(md_store_load_text(store, place, p, cert));
    place.file = apr_pstrcat(p, CHALLENGE_KEY, end, NULL);
    return *cert ? md_store_load_text(store, place, p, key) : NULL;
}

/** What follows the stem of a challenge certificate's file name, or NULL if the file is something else. */
static const char *end_of_cert(const char *file)
{
    const apr_size_t length = sizeof(CHALLENGE_CERT) - 1;

    return strncmp(file, CHALLENGE_CERT, length) ? NULL : file + length;
}

/** Looks through the pairs of a name, those of the wanted key type first: files without a curve hold RSA
 * keys. */
static md_err *find_pair(md_store *store, const char *name, int ec_first, apr_pool_t *p, const char **cert,
                         const char **key)
{
    md_names *files;

    *key = NULL;
    MD_TRY(md_store_list(store, MD_GROUP_CHALLENGES, name, p, &files));
    for (int turn = 0; turn < 2; ++turn)
        for (int i = 0; i < files->nelts && !*key; ++i) {
            const char *end = end_of_cert(MD_NAME(files, i));
            int is_ec = end && strcmp(end, ".pem") != 0;

            if (end && (is_ec == ec_first) == (turn == 0))
                MD_TRY(load_pair(store, name, end, p, cert, key));
        }
    return NULL;
}

int md_ssl_answer_challenge(conn_rec *c, const char *server_name, const char **cert, const char **key)
{
    const md_run *run = md_run_now();
    const tls_conn *tls = tls_of(c);
    const char *name;
    md_err *err;

    if (!run || !tls || !tls->challenge || !server_name || md_name_reason(server_name))
        return DECLINED;
    name = md_lower(server_name, c->pool);
    err = find_pair(run->store, name, wants_ec(tls->ssl), c->pool, cert, key);
    if (err)
        md_log_err(MD_LOG_ERROR, 0, name, "answering a challenge", err,
                   "The tls-alpn-01 certificate cannot be read:");
    if (err || !*key) {
        md_log(MD_LOG_INFO, 10080,
               "%s: a CA asks to prove this name by tls-alpn-01, but nothing is waiting for it", name);
        return DECLINED;
    }
    if (SSL_version(tls->ssl) >= TLS1_3_VERSION)
        SSL_certs_clear(tls->ssl); /* mod_ssl replaces only the certificate of the same key type; another one
                                      could be chosen */
    return OK;
}
