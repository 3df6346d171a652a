/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handshakes with a server of our own: which certificate is seen, and that no server can keep us longer than
 * allowed.
 */
#include "tls/probe.h"

#include <apr_strings.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kit/kit.h"
#include "kit/sample.h"
#include "suites.h"

#define SECOND APR_INT64_C(1000000)

enum { SERVES, IS_SILENT, HANGS_UP, TALKS_HTTP, DRIPS };

/** A server for one connection, and how it behaves. */
typedef struct server {
    int manner; /* one of those above */
    SSL_CTX *tls;
    int listener;
    unsigned short port;
    pthread_t thread;
    int joined;
    char asked_for[64]; /* server name */
} server;

static void serve(server *self, int fd)
{
    SSL *ssl = SSL_new(self->tls);
    char byte;

    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

        apr_cpystrn(self->asked_for, name ? name : "", sizeof(self->asked_for));
        SSL_read(ssl, &byte, 1);
    }
    SSL_free(ssl);
}

/** Reads until the client goes away. */
static void listen_on(int fd)
{
    char bytes[4096];

    while (read(fd, bytes, sizeof(bytes)) > 0)
        ;
}

/** A TLS record of 16 KiB that comes one octet at a time. */
static void drip(int fd)
{
    static const char record[] = { 0x16, 0x03, 0x03, 0x40, 0x00, 0x02, 0x00, 0x3f, (char)0xfc };

    for (size_t i = 0; send(fd, record + (i < sizeof(record) ? i : sizeof(record) - 1), 1, MSG_NOSIGNAL) == 1;
         ++i)
        usleep(20000);
}

static void *run(void *of)
{
    static const char http[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    server *self = of;
    const int fd = accept(self->listener, NULL, NULL);

    switch (self->manner) {
    case SERVES: serve(self, fd); break;
    case IS_SILENT: listen_on(fd); break;
    case HANGS_UP: break;
    case TALKS_HTTP:
        ck_assert_int_eq(send(fd, http, sizeof(http) - 1, MSG_NOSIGNAL), sizeof(http) - 1);
        break;
    case DRIPS: drip(fd); break;
    }
    close(fd);
    return NULL;
}

/** Waits until the connection is served. */
static void join(server *self)
{
    if (!self->joined)
        pthread_join(self->thread, NULL);
    self->joined = 1;
}

static apr_status_t stop(void *of)
{
    server *self = of;

    shutdown(self->listener, SHUT_RDWR);
    join(self);
    close(self->listener);
    SSL_CTX_free(self->tls);
    return APR_SUCCESS;
}

static server *start(int manner, SSL_CTX *tls)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);
    server *self = apr_pcalloc(kit_pool, sizeof(*self));

    signal(SIGPIPE, SIG_IGN); /* the server's side may write to a client that is gone */
    self->manner = manner;
    self->tls = tls;
    self->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(self->listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(self->listener, 1), 0);
    ck_assert_int_eq(getsockname(self->listener, (struct sockaddr *)&address, &size), 0);
    self->port = ntohs(address.sin_port);
    ck_assert_int_eq(pthread_create(&self->thread, NULL, run, self), 0);
    apr_pool_cleanup_register(kit_pool, self, stop, apr_pool_cleanup_null);
    return self;
}

/** A context that serves a certificate for each word of keys, with its CN; `version` 0: any. */
static SSL_CTX *context_for(const char *keys, int version)
{
    const sample_ca *ca = sample_ca_make("Test", kit_pool);
    const md_names *words = md_words(keys, kit_pool);
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

    SSL_CTX_set_min_proto_version(tls, version);
    SSL_CTX_set_max_proto_version(tls, version);
    for (int i = 0; i < words->nelts; ++i) {
        const sample_wish wish = { .names = md_words(apr_pstrcat(kit_pool, MD_NAME(words, i), ".test", NULL),
                                                     kit_pool) };
        md_key *key = sample_key(MD_NAME(words, i), kit_pool);
        md_chain *chain = sample_issue(ca, key, &wish, kit_pool);

        ck_assert_int_eq(SSL_CTX_use_cert_and_key(tls, sk_X509_value(chain, 0), key, NULL, 1), 1);
    }
    return tls;
}

static md_probe_target target_of(const server *self, const md_key_spec *spec)
{
    return (md_probe_target){
        .host = "127.0.0.1", .port = self->port, .sni = "a.org", .spec = spec, .timeout = 10 * SECOND
    };
}

static const struct {
    const char *offered, *spec, *served;
    int version;
} cases[] = {
    { "RSA P-256", "RSA", "rsa.test", TLS1_2_VERSION },
    { "RSA P-256", "RSA", "rsa.test", TLS1_3_VERSION },
    { "RSA P-256", "P-256", "p-256.test", TLS1_2_VERSION },
    { "RSA P-256", "P-256", "p-256.test", TLS1_3_VERSION },
    { "RSA P-256", "Default", "rsa.test", TLS1_3_VERSION },
    { "P-384", "P-384", "p-384.test", TLS1_2_VERSION },
    { "P-384", "P-384", "p-384.test", TLS1_3_VERSION },
    { "RSA ed25519", "ed25519", "ed25519.test", TLS1_3_VERSION },
    { "RSA ed25519", "ed25519", "ed25519.test", TLS1_2_VERSION },
    { "RSA", NULL, "rsa.test", 0 },
};

START_TEST(the_certificate_of_the_wanted_type_is_seen)
{
    const server *self = start(SERVES, context_for(cases[_i].offered, cases[_i].version));
    const md_key_spec spec = sample_spec(cases[_i].spec, kit_pool);
    const md_probe_target target = target_of(self, cases[_i].spec ? &spec : NULL);
    md_cert_facts facts;

    CHECK_OK(md_probe(&target, kit_pool, &facts));
    ck_assert_str_eq(md_names_join(facts.names, " ", kit_pool), cases[_i].served);
}
END_TEST

START_TEST(the_server_name_is_asked_for)
{
    server *self = start(SERVES, context_for("P-256", 0));
    const md_probe_target target = target_of(self, NULL);
    md_cert_facts facts;

    CHECK_OK(md_probe(&target, kit_pool, &facts));
    join(self);
    ck_assert_str_eq(self->asked_for, "a.org");
}
END_TEST

START_TEST(a_server_without_that_type_of_key_is_told_apart)
{
    const server *self = start(SERVES, context_for("RSA", 0));
    const md_key_spec spec = sample_spec("P-256", kit_pool);
    const md_probe_target target = target_of(self, &spec);
    md_cert_facts facts;
    md_err *err = md_probe(&target, kit_pool, &facts);

    CHECK_FAILS(err, MD_FAULT_LOCAL, "handshake with 127.0.0.1 port");
    ck_assert_str_eq(err->type, "md:probe");
}
END_TEST

static const struct {
    int manner;
    const char *part;
} failures[] = {
    { IS_SILENT, "it takes too long" },
    { DRIPS, "it takes too long" },
    { HANGS_UP, "cannot shake hands with 127.0.0.1" },
    { TALKS_HTTP, "handshake with 127.0.0.1" },
};

START_TEST(a_server_that_does_not_shake_hands_fails_in_time)
{
    const server *self = start(failures[_i].manner, NULL);
    md_probe_target target = target_of(self, NULL);
    const apr_time_t begin = apr_time_now();
    md_cert_facts facts;
    md_err *err;

    target.timeout = SECOND / 2;
    err = md_probe(&target, kit_pool, &facts);
    ck_assert_msg(err && strstr(md_err_text(err, kit_pool), failures[_i].part), "%s",
                  err ? md_err_text(err, kit_pool) : "");
    ck_assert_str_eq(err->type, "md:probe");
    ck_assert_int_lt(apr_time_now() - begin, 3 * SECOND);
}
END_TEST

START_TEST(it_ends_when_it_is_cut_off)
{
    const atomic_int cancelled = 1;
    const server *self = start(IS_SILENT, NULL);
    md_probe_target target = target_of(self, NULL);
    apr_time_t begun = apr_time_now();
    md_cert_facts facts;
    md_err *err;

    target.timeout = apr_time_from_sec(20);
    target.cancelled = &cancelled;
    err = md_probe(&target, kit_pool, &facts);
    ck_assert_ptr_nonnull(err);
    ck_assert_str_eq(err->type, "md:cancelled");
    ck_assert_int_lt(apr_time_now() - begun, apr_time_from_sec(10));
}
END_TEST

START_TEST(nobody_at_the_port_is_told)
{
    const server *self = start(HANGS_UP, NULL);
    md_probe_target target = target_of(self, NULL);
    md_cert_facts facts;

    shutdown(self->listener, SHUT_RDWR); /* the port is still ours, and nobody listens */
    CHECK_FAILS(md_probe(&target, kit_pool, &facts), MD_FAULT_REMOTE, "Connection refused");
}
END_TEST

START_TEST(only_addresses_are_connected_to)
{
    const md_probe_target target = { .host = "localhost", .port = 443, .timeout = SECOND };
    md_cert_facts facts;

    CHECK_FAILS(md_probe(&target, kit_pool, &facts), MD_FAULT_REMOTE, "this is no address");
}
END_TEST

Suite *suite_tls_probe(void)
{
    Suite *suite = suite_create("tls/probe");
    TCase *tcase = kit_case(suite, "probe");

    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, sample_share_rsa, NULL);
    KIT_ADD_ROWS(tcase, the_certificate_of_the_wanted_type_is_seen, cases);
    tcase_add_test(tcase, the_server_name_is_asked_for);
    tcase_add_test(tcase, a_server_without_that_type_of_key_is_told_apart);
    KIT_ADD_ROWS(tcase, a_server_that_does_not_shake_hands_fails_in_time, failures);
    tcase_add_test(tcase, it_ends_when_it_is_cut_off);
    tcase_add_test(tcase, nobody_at_the_port_is_told);
    tcase_add_test(tcase, only_addresses_are_connected_to);
    return suite;
}
