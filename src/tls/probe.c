/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's view of a server: one handshake within a time limit, over memory BIOs, so that sockets and time
 * are ours.
 */
#include "tls/probe.h"

#include <apr_errno.h>
#include <apr_strings.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SIGALGS_RSA                                                \
    "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:" \
    "rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512"
#define SIGALGS_EC "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512"

enum { PROTOCOL_MAX = 32 };
#define TICK apr_time_from_msec(200)

typedef struct attempt {
    const md_probe_target *target;
    apr_time_t deadline;
    int fd;
    apr_pool_t *p;
} attempt;

static const char *reason_of(int error, apr_pool_t *p)
{
    char text[128];

    return apr_pstrdup(p, apr_strerror(APR_FROM_OS_ERROR(error), text, sizeof(text)));
}

static md_err *failed(const attempt *at, const char *what, const char *why)
{
    return md_fail(at->p, MD_FAULT_REMOTE, "md:probe", "cannot %s %s port %d: %s", what, at->target->host,
                   at->target->port, why);
}

/** Waits for the socket; NULL when it is ready. */
static md_err *await(const attempt *at, short events)
{
    struct pollfd ready = { .fd = at->fd, .events = events };

    for (;;) {
        apr_interval_time_t left = at->deadline - apr_time_now();
        int count = left > 0 ? poll(&ready, 1, (int)apr_time_as_msec(left < TICK ? left : TICK) + 1) : 0;

        if (count > 0)
            return NULL;
        if (at->target->cancelled && atomic_load(at->target->cancelled))
            return md_fail(at->p, MD_FAULT_LOCAL, "md:cancelled", "the server was stopped");
        if (count == 0 && left <= 0)
            return failed(at, "shake hands with", "it takes too long");
        if (count < 0 && errno != EINTR)
            return failed(at, "shake hands with", reason_of(errno, at->p));
    }
}

static int make_address(const md_probe_target *target, struct sockaddr_storage *address, socklen_t *size)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, target->host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(target->port);
        *size = sizeof(*v4);
        return AF_INET;
    }
    if (inet_pton(AF_INET6, target->host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(target->port);
        *size = sizeof(*v6);
        return AF_INET6;
    }
    return -1;
}

static md_err *open_connection(attempt *at)
{
    struct sockaddr_storage address;
    socklen_t size = 0, length = sizeof(int);
    int family = make_address(at->target, &address, &size), error = 0;

    if (family < 0)
        return failed(at, "connect to", "this is no address");
    at->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (at->fd < 0)
        return failed(at, "connect to", reason_of(errno, at->p));
    if (connect(at->fd, (struct sockaddr *)&address, size) == 0)
        return NULL;
    if (errno != EINPROGRESS)
        return failed(at, "connect to", reason_of(errno, at->p));
    MD_TRY(await(at, POLLOUT));
    if (getsockopt(at->fd, SOL_SOCKET, SO_ERROR, &error, &length) || error)
        return failed(at, "connect to", reason_of(error, at->p));
    return NULL;
}

static int is_rsa(const md_key_spec *spec)
{
    return spec->type == MD_KEY_RSA || spec->type == MD_KEY_DEFAULT;
}

/** One protocol, with an octet for its length (RFC 7301 3.1). */
static int offer(SSL *ssl, const char *protocol)
{
    char list[1 + PROTOCOL_MAX + 1];
    const size_t length = strlen(protocol);

    if (length > PROTOCOL_MAX)
        return 0;
    (void)snprintf(list, sizeof(list), "%c%s", (int)length, protocol);
    return !SSL_set_alpn_protos(ssl, (const unsigned char *)list, (unsigned)length + 1);
}

static int got_protocol(const SSL *ssl, const char *wanted)
{
    const unsigned char *chosen = NULL;
    unsigned length = 0;

    SSL_get0_alpn_selected(ssl, &chosen, &length);
    return length == strlen(wanted) && !memcmp(chosen, wanted, length);
}

static int prepare(SSL *ssl, const md_probe_target *target)
{
    const md_key_spec *spec = target->spec;
    const char *sigalgs = !spec                          ? NULL
                          : spec->type == MD_KEY_ED25519 ? "ed25519"
                          : is_rsa(spec)                 ? SIGALGS_RSA
                                                         : SIGALGS_EC;

    if (target->sni && !SSL_set_tlsext_host_name(ssl, target->sni))
        return 0;
    if (target->alpn && !offer(ssl, target->alpn))
        return 0;
    SSL_set_security_level(ssl, 0); /* what is served is looked at, not relied on */
    SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
    return !sigalgs || SSL_set1_sigalgs_list(ssl, sigalgs);
}

/** Moves what OpenSSL wants to say to the socket. No signal can hit the process, whatever it does with
 * SIGPIPE. */
static md_err *send_pending(const attempt *at, SSL *ssl)
{
    char *data = NULL;
    long size = BIO_get_mem_data(SSL_get_wbio(ssl), &data), done = 0;

    while (done < size) {
        ssize_t count = send(at->fd, data + done, (size_t)(size - done), MSG_NOSIGNAL);

        if (count >= 0)
            done += (long)count;
        else if (errno == EAGAIN)
            MD_TRY(await(at, POLLOUT));
        else if (errno != EINTR)
            return failed(at, "shake hands with", reason_of(errno, at->p));
    }
    (void)BIO_reset(SSL_get_wbio(ssl));
    return NULL;
}

/** Moves what has come from the socket to OpenSSL. */
static md_err *receive_more(const attempt *at, SSL *ssl)
{
    char bytes[4096];
    ssize_t count;

    MD_TRY(await(at, POLLIN));
    count = recv(at->fd, bytes, sizeof(bytes), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return NULL;
    if (count <= 0)
        return failed(at, "shake hands with", count ? reason_of(errno, at->p) : "the connection was closed");
    return BIO_write(SSL_get_rbio(ssl), bytes, (int)count) == count
               ? NULL
               : md_fail_tls(at->p, "md:probe", "cannot keep what the server sent");
}

/** OpenSSL bounds what it takes in during a handshake, the deadline bounds the time. */
static md_err *shake_hands(const attempt *at, SSL *ssl)
{
    for (;;) {
        int rc, wants;

        ERR_clear_error(); /* an old error of this thread would be taken for one of the handshake */
        rc = SSL_connect(ssl);
        wants = SSL_get_error(ssl, rc);
        MD_TRY(send_pending(at, ssl));
        if (rc == 1)
            return NULL;
        if (wants != SSL_ERROR_WANT_READ && wants != SSL_ERROR_WANT_WRITE)
            return md_fail_tls(at->p, "md:probe", "the TLS handshake with %s port %d failed",
                               at->target->host, at->target->port);
        MD_TRY(receive_more(at, ssl));
    }
}

static md_err *handshake(attempt *at, SSL *ssl, md_cert_facts *facts)
{
    X509 *leaf;

    if (!ssl || !prepare(ssl, at->target))
        return md_fail_tls(at->p, "md:probe", "cannot prepare a TLS handshake");
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    MD_TRY(open_connection(at));
    MD_TRY(shake_hands(at, ssl));
    if (at->target->alpn && !got_protocol(ssl, at->target->alpn))
        return md_fail(at->p, MD_FAULT_REMOTE, "md:probe", "%s port %d does not speak %s", at->target->host,
                       at->target->port, at->target->alpn);
    leaf = md_own_x509(at->p, SSL_get_peer_certificate(ssl));
    if (!leaf)
        return failed(at, "see the certificate of", "none was sent");
    return md_cert_facts_of(leaf, at->p, facts);
}

md_err *md_probe(const md_probe_target *target, apr_pool_t *p, md_cert_facts *facts)
{
    attempt at = { target, apr_time_now() + target->timeout, -1, p };
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = context ? SSL_new(context) : NULL;
    md_err *err = handshake(&at, ssl, facts);

    SSL_free(ssl);
    SSL_CTX_free(context);
    if (at.fd >= 0)
        close(at.fd);
    ERR_clear_error();
    return err;
}
