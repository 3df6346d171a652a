/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's view of a server: one handshake within a time limit.
 */
#include "tls/probe.h"

#include <apr_strings.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SIGALGS_RSA                                                                                      \
    "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_" \
    "pkcs1_sha512"
#define SIGALGS_EC "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512"

typedef struct attempt {
    const md_probe_target *target;
    apr_time_t deadline;
    int fd;
    apr_pool_t *p;
} attempt;

static md_err *failed(const attempt *at, const char *what, const char *why)
{
    return md_fail(at->p, MD_FAULT_REMOTE, "md:unreachable", "cannot %s %s port %d: %s", what,
                   at->target->host, at->target->port, why);
}

/** Waits for the socket; NULL when it is ready. */
static md_err *await(const attempt *at, short events)
{
    struct pollfd ready = { .fd = at->fd, .events = events };
    apr_interval_time_t left = at->deadline - apr_time_now();

    if (left <= 0 || poll(&ready, 1, (int)apr_time_as_msec(left) + 1) <= 0)
        return failed(at, "shake hands with", "it takes too long");
    return NULL;
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
        return failed(at, "connect to", strerror(errno));
    if (connect(at->fd, (struct sockaddr *)&address, size) == 0)
        return NULL;
    if (errno != EINPROGRESS)
        return failed(at, "connect to", strerror(errno));
    MD_TRY(await(at, POLLOUT));
    if (getsockopt(at->fd, SOL_SOCKET, SO_ERROR, &error, &length) || error)
        return failed(at, "connect to", strerror(error));
    return NULL;
}

static int is_rsa(const md_key_spec *spec)
{
    return spec->type == MD_KEY_RSA || spec->type == MD_KEY_DEFAULT;
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
    return !sigalgs || SSL_set1_sigalgs_list(ssl, sigalgs);
}

/** Handshake over memory, so that sockets are written with MSG_NOSIGNAL and no signal can hit the process. */
static md_err *shake_hands(const attempt *at, SSL *ssl)
{
    char bytes[4096];

    for (;;) {
        int rc = SSL_connect(ssl), wants = SSL_get_error(ssl, rc), count;
        ssize_t got;

        while ((count = BIO_read(SSL_get_wbio(ssl), bytes, sizeof(bytes))) > 0)
            if (send(at->fd, bytes, (size_t)count, MSG_NOSIGNAL) != count)
                return failed(at, "shake hands with", strerror(errno));
        if (rc == 1)
            return NULL;
        if (wants != SSL_ERROR_WANT_READ && wants != SSL_ERROR_WANT_WRITE)
            return md_fail_tls(at->p, "md:tls", "the TLS handshake with %s port %d failed", at->target->host,
                               at->target->port);
        MD_TRY(await(at, POLLIN));
        got = recv(at->fd, bytes, sizeof(bytes), 0);
        if (got <= 0)
            return failed(at, "shake hands with", got ? strerror(errno) : "the connection was closed");
        BIO_write(SSL_get_rbio(ssl), bytes, (int)got);
    }
}

static md_err *handshake(attempt *at, SSL *ssl, md_cert_facts *facts)
{
    X509 *leaf;

    if (!ssl || !prepare(ssl, at->target))
        return md_fail_tls(at->p, "md:tls", "cannot prepare a TLS handshake");
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    MD_TRY(open_connection(at));
    MD_TRY(shake_hands(at, ssl));
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
