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
#include "httpd/hosts.h"
#include "httpd/run.h"
#include "httpd/staple.h"

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
                       "The stored certificate is damaged, and a new one is obtained instead:");
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
static int add_placeholder(server_rec *s, apr_pool_t *p, apr_array_header_t *cert_files,
                           apr_array_header_t *key_files)
{
    const md_run *run = md_run_now();
    const md_domain *domain = md_conf_domain(s);
    md_pair_paths paths;
    md_err *err =
        md_creds_placeholder(run->store, domain->name, domain->names, md_now(run->core.clock), p, &paths);

    if (err) {
        md_log_err(MD_LOG_ERROR, 10174, domain->name, "making a placeholder certificate", err,
                   "This host has no certificate to begin with:");
        return DECLINED;
    }
    md_conf_of(s)->has_placeholder = 1;
    add_pair(cert_files, key_files, paths.cert, paths.key);
    md_log(MD_LOG_DEBUG, 10116, "%s: begins with a placeholder certificate", domain->name);
    return OK;
}

/** Facts of files that the host was given by SSLCertificateFile; those that cannot be read are for mod_ssl to
 * complain of. */
static apr_array_header_t *facts_of_files(const apr_array_header_t *cert_files, apr_pool_t *p)
{
    apr_array_header_t *facts = apr_array_make(p, cert_files->nelts, sizeof(md_cert_fact));

    for (int i = 0; i < cert_files->nelts; ++i) {
        md_cert_fact *fact = apr_array_push(facts);
        md_cert_facts *cert = NULL;

        *fact = (md_cert_fact){ .is_file = 1 };
        fact->bad = md_creds_file_facts(APR_ARRAY_IDX(cert_files, i, const char *), p, &cert);
        fact->cert = cert;
    }
    return facts;
}

/** The virtual host has certificate files of its own. Are they what it serves? */
static int serves_own(const server_rec *s, const apr_array_header_t *cert_files, apr_pool_t *p)
{
    const md_run *run = md_run_now();
    const md_domain *domain = md_conf_domain(s);
    const apr_array_header_t *managed = run->facts->each[domain->index];
    const md_level level = md_hosts_is_dry_run() ? MD_LOG_TRACE1 : MD_LOG_NOTICE;

    md_log(MD_LOG_DEBUG, 10084, "%s: the %s has certificates of its own, too", domain->name,
           md_host_shown(s, p));
    if (domain->policy.prefer_files)
        return 1;
    if (md_facts_choose(&domain->policy, facts_of_files(cert_files, p), managed, md_now(run->core.clock),
                        p) != managed) {
        md_log(level, 0,
               "%s: the %s goes on with the certificate of its SSLCertificateFile until a newer one is "
               "there. When the "
               "managed certificate is live, remove SSLCertificateFile and SSLCertificateKeyFile from it",
               domain->name, md_host_shown(s, p));
        return 1;
    }
    md_log(level, 0,
           "%s: the managed certificate is newer than that of the %s and used instead. Remove "
           "SSLCertificateFile and "
           "SSLCertificateKeyFile from it, or set 'MDPreferFiles on' to keep using them",
           domain->name, md_host_shown(s, p));
    return 0;
}

int md_ssl_add_files(server_rec *s, apr_pool_t *p, apr_array_header_t *cert_files,
                     apr_array_header_t *key_files)
{
    md_run *run = md_run_now();
    const md_domain *domain;
    const apr_array_header_t *facts;

    if (!run || !(domain = md_conf_domain(s)))
        return DECLINED;
    md_conf_of(s)->keeps_files =
        domain->policy.prefer_files && (cert_files->nelts || md_domain_is_static(domain));
    if (cert_files->nelts && serves_own(s, cert_files, p))
        return DECLINED;
    apr_array_clear(cert_files);
    apr_array_clear(key_files);
    facts = run->facts->each[domain->index];
    if (facts->nelts && APR_ARRAY_IDX(facts, 0, md_cert_fact).is_file)
        add_static(domain, cert_files, key_files);
    else
        add_stored(run, domain, p, cert_files, key_files);
    if (!cert_files->nelts)
        return add_placeholder(s, p, cert_files, key_files);
    md_log(MD_LOG_DEBUG, 10077, "%s: provides %d certificate(s) to the %s", domain->name, cert_files->nelts,
           md_host_shown(s, p));
    return OK;
}

/** What we know of a TLS connection; the module's connection configuration. */
typedef struct tls_conn {
    SSL *ssl;
    int offered;   /* the client offered acme-tls/1 */
    int challenge; /* switched to acme-tls/1 */
} tls_conn;

/**
 * Sees the ClientHello, and nothing after it. TLS 1.2 settles for a cipher, and by that for a type of key,
 * before it looks at protocols: a challenge's certificate must be in place by then, so the offer is looked
 * for in the bytes. Found there by chance, it does no harm.
 */
static void look_at_hello(int written, int version, int type, const void *bytes, size_t size, SSL *ssl,
                          void *data)
{
    static const char offer[] = "\x0a" ACME_PROTOCOL; /* RFC 7301: a length octet before each name */
    tls_conn *tls = data;

    (void)version;
    if (written || type != SSL3_RT_HANDSHAKE || !size ||
        *(const unsigned char *)bytes != SSL3_MT_CLIENT_HELLO)
        return;
    tls->offered = memmem(bytes, size, offer, sizeof(offer) - 1) != NULL;
    SSL_set_msg_callback(ssl, NULL);
}

static int note_connection(conn_rec *c, SSL *ssl, int is_proxy)
{
    tls_conn *made;

    if (is_proxy || !md_run_now())
        return DECLINED;
    made = apr_pcalloc(c->pool, sizeof(*made));
    made->ssl = ssl;
    ap_set_module_config(c->conn_config, &md_module, made);
    SSL_set_msg_callback(ssl, look_at_hello);
    SSL_set_msg_callback_arg(ssl, made);
    return OK;
}

static tls_conn *tls_of(const conn_rec *c)
{
    return ap_get_module_config((c->master ? c->master : c)->conn_config, &md_module);
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

/** The first pair that waits for a name; absent: *key NULL. */
static md_err *find_pair(md_store *store, const char *name, apr_pool_t *p, const char **cert,
                         const char **key)
{
    md_names *files;

    *key = NULL;
    MD_TRY(md_store_list(store, MD_GROUP_CHALLENGES, name, p, &files));
    for (int i = 0; i < files->nelts && !*key; ++i) {
        const char *end = end_of_cert(MD_NAME(files, i));

        if (end)
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

    if (!run || !tls || !(tls->challenge || tls->offered) || !server_name || md_name_reason(server_name))
        return DECLINED;
    name = md_lower(server_name, c->pool);
    err = find_pair(run->store, name, c->pool, cert, key);
    if (err)
        md_log_err(MD_LOG_ERROR, 0, name, "answering a challenge", err,
                   "The tls-alpn-01 certificate cannot be read. %s:", md_err_advice(err));
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

/** Makes the waiting challenge's certificate the only one of this handshake. True when it is. */
static int put_challenge(SSL *ssl, conn_rec *c)
{
    const char *cert, *key_text;
    md_chain *chain;
    md_key *key;
    md_err *err;

    if (md_ssl_answer_challenge(c, SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name), &cert, &key_text) !=
        OK)
        return 0;
    err = md_chain_from_pem(md_bytes_of(cert), c->pool, &chain);
    if (!err)
        err = md_key_from_pem(md_bytes_of(key_text), (md_bytes){ NULL, 0 }, c->pool, &key);
    if (err) {
        md_log_err(MD_LOG_ERROR, 0, NULL, "answering a challenge", err,
                   "The tls-alpn-01 certificate cannot be used:");
        return 0;
    }
    SSL_certs_clear(ssl);
    return SSL_use_cert_and_key(ssl, sk_X509_value(chain, 0), key, NULL, 1) == 1;
}

/** The certificate callback of every managed host: a challenge's certificate, or the newest of the domain. */
static int choose(SSL *ssl, void *slot)
{
    conn_rec *c = SSL_get_app_data(ssl);
    const tls_conn *tls = c ? tls_of(c) : NULL;

    if (tls && tls->challenge)
        return 1; /* TLS 1.3 comes here when mod_ssl has put the challenge's certificate in place */
    if (tls && tls->offered && SSL_version(ssl) < TLS1_3_VERSION && put_challenge(ssl, c))
        return 1;
    return slot ? md_live_choose(ssl, slot) : 1;
}

/** The status callback of hosts for which mod_ssl has none: it sets one where a certificate was registered
 * for stapling at the start, and hosts that begin with a placeholder have none. */
static int staple(SSL *ssl, void *server)
{
    unsigned char id[EVP_MAX_MD_SIZE], response[MD_OCSP_SIZE_MAX], *copy;
    const X509 *leaf = SSL_get_certificate(ssl);
    unsigned id_size = 0;
    apr_ssize_t size;

    if (!leaf || !X509_digest(leaf, EVP_sha1(), id, &id_size))
        return SSL_TLSEXT_ERR_NOACK;
    size = md_staple_find(server, id, response);
    copy = size > 0 ? OPENSSL_memdup(response, (size_t)size) : NULL;
    if (!copy)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)size);
    return SSL_TLSEXT_ERR_OK;
}

typedef int status_fn(SSL *ssl, void *arg);

static status_fn *status_callback(SSL_CTX *ctx)
{
    status_fn *found = NULL;

    SSL_CTX_get_tlsext_status_cb(ctx, &found);
    return found;
}

/** Clients refuse a certificate with the must-staple extension that comes without a staple. */
static void warn_unstapled(const server_rec *s, SSL_CTX *ctx, apr_pool_t *p)
{
    const md_domain *domain = md_conf_domain(s);
    const X509 *leaf = SSL_CTX_get0_certificate(ctx);
    const int marked = leaf && X509_get_ext_by_NID(leaf, NID_tlsfeature, -1) >= 0;

    if (!md_hosts_is_dry_run() && (marked || (domain && domain->policy.must_staple)))
        md_log(
            MD_LOG_WARN, 0,
            "the %s has a certificate that must be stapled (MDMustStaple), or will get one, but stapling is "
            "off there and clients will refuse it: set 'MDStapling on'",
            md_host_shown(s, p));
}

static void watch_stapling(server_rec *s, SSL_CTX *ctx, apr_pool_t *p)
{
    if (status_callback(ctx))
        return;
    if (!md_staple_is_on(s)) {
        warn_unstapled(s, ctx, p);
        return;
    }
    SSL_CTX_set_tlsext_status_cb(ctx, staple);
    SSL_CTX_set_tlsext_status_arg(ctx, s);
}

/** Each SSL_CTX comes through here when mod_ssl has configured it. */
static int watch_context(server_rec *s, apr_pool_t *p, int is_proxy, SSL_CTX *ctx)
{
    const md_run *run = md_run_now();
    const md_domain *domain = run && !is_proxy ? md_conf_domain(s) : NULL;
    int goes_live = domain && domain->policy.live && !md_conf_of(s)->keeps_files;

    if (run && !is_proxy)
        watch_stapling(s, ctx, p);
    if (domain)
        SSL_CTX_set_cert_cb(ctx, choose, goes_live ? md_live_slot_at(run->slots, domain->index) : NULL);
    return OK;
}

void md_ssl_optional_hooks(void)
{
    APR_OPTIONAL_HOOK(ssl, init_server, watch_context, NULL, NULL, APR_HOOK_MIDDLE);
    APR_OPTIONAL_HOOK(ssl, pre_handshake, note_connection, NULL, NULL, APR_HOOK_MIDDLE);
}
