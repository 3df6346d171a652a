/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A little HTTP server on a loopback port. One connection at a time; ended by closing a pipe.
 */
#include "kit/loopback.h"

#include <apr_strings.h>
#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 65536

struct loopback {
    const loopback_reply *replies;
    SSL_CTX *tls;
    int listener;
    int stop[2], held[2]; /* pipes */
    unsigned short port;
    atomic_int accepted;
    pthread_t thread;
};

/** An accepted connection. */
typedef struct peer {
    loopback *server;
    SSL *tls;
    int fd;
} peer;

static int open_listener(int backlog, unsigned short *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(fd, backlog), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

/* True when there is something on `fd`; false when the server is to stop. */
static int await(const loopback *server, int fd)
{
    struct pollfd both[2] = { { .fd = fd, .events = POLLIN }, { .fd = server->stop[0], .events = POLLIN } };

    return poll(both, 2, 20000) > 0 && !both[1].revents;
}

static ssize_t receive(const peer *from, char *into, size_t room)
{
    if (!(from->tls && SSL_pending(from->tls)) && !await(from->server, from->fd))
        return -1;
    return from->tls ? SSL_read(from->tls, into, (int)room) : read(from->fd, into, room);
}

static int transmit(const peer *to, const char *text, size_t size)
{
    if (to->tls)
        return SSL_write(to->tls, text, (int)size) > 0;
    while (size) {
        const ssize_t sent = send(to->fd, text, size, MSG_NOSIGNAL);

        if (sent <= 0)
            return 0;
        text += sent;
        size -= (size_t)sent;
    }
    return 1;
}

static size_t body_size(const char *request)
{
    const char *header = strstr(request, "Content-Length: ");

    return header ? strtoul(header + 16, NULL, 10) : 0;
}

/* Reads one request; false when there is no (whole) one. */
static int read_request(const peer *from, char *request)
{
    size_t size = 0;

    request[0] = '\0';
    for (;;) {
        const char *end = strstr(request, "\r\n\r\n");
        ssize_t got;

        if (end && size >= (size_t)(end - request) + 4 + body_size(request))
            return 1;
        got = size < REQUEST_MAX ? receive(from, request + size, REQUEST_MAX - size) : -1;
        if (got <= 0 || (!size && request[0] == 0x16)) /* a TLS handshake is no request */
            return 0;
        size += (size_t)got;
        request[size] = '\0';
    }
}

static const loopback_reply *reply_to(const loopback *server, const char *request)
{
    const char *path = strchr(request, ' ');
    const loopback_reply *reply = server->replies;

    for (; path && reply->path; ++reply) {
        const size_t size = strlen(reply->path);

        if (!strncmp(path + 1, reply->path, size) && path[1 + size] == ' ')
            return reply;
    }
    return NULL;
}

static int hold(const peer *to)
{
    char byte;

    ck_assert_int_eq(write(to->server->held[1], "", 1), 1);
    (void)receive(to, &byte, 1);
    return 0;
}

static int answer(const peer *to, const char *request)
{
    const loopback_reply *reply = reply_to(to->server, request);
    char head[100];
    const int size =
        snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", strlen(request));

    if (!reply)
        return transmit(to, head, (size_t)size) && transmit(to, request, strlen(request));
    if (!reply->reply)
        return 0;
    if (!strcmp(reply->reply, "hold"))
        return hold(to);
    return transmit(to, reply->reply, strlen(reply->reply)) && !reply->close;
}

static void serve(peer *to)
{
    char *request = malloc(REQUEST_MAX + 1);

    if (to->server->tls) {
        to->tls = SSL_new(to->server->tls);
        SSL_set_fd(to->tls, to->fd);
    }
    if (!to->tls || SSL_accept(to->tls) == 1) {
        while (request && read_request(to, request) && answer(to, request))
            ;
    }
    if (to->tls)
        SSL_shutdown(to->tls);
    SSL_free(to->tls);
    free(request);
    close(to->fd);
}

static void *run(void *data)
{
    loopback *server = data;
    sigset_t ignored;

    /* A client that is gone is no news to this thread; for the client's own thread such a signal would be. */
    sigemptyset(&ignored);
    sigaddset(&ignored, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &ignored, NULL);
    while (await(server, server->listener)) {
        peer to = { .server = server, .fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC) };

        if (to.fd < 0)
            continue;
        ++server->accepted;
        serve(&to);
    }
    return NULL;
}

static apr_status_t stop(void *data)
{
    loopback *server = data;

    close(server->stop[1]);
    pthread_join(server->thread, NULL);
    close(server->stop[0]);
    close(server->held[0]);
    close(server->held[1]);
    close(server->listener);
    SSL_CTX_free(server->tls);
    return APR_SUCCESS;
}

loopback *loopback_start(const loopback_reply *replies, const char *cert_file, const char *key_file,
                         apr_pool_t *p)
{
    loopback *server = apr_pcalloc(p, sizeof *server);

    server->replies = replies;
    server->listener = open_listener(16, &server->port);
    ck_assert_int_eq(pipe2(server->stop, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(server->held, O_CLOEXEC), 0);
    if (cert_file) {
        server->tls = SSL_CTX_new(TLS_server_method());
        ck_assert_int_eq(SSL_CTX_use_certificate_chain_file(server->tls, cert_file), 1);
        ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(server->tls, key_file, SSL_FILETYPE_PEM), 1);
    }
    ck_assert_int_eq(pthread_create(&server->thread, NULL, run, server), 0);
    apr_pool_cleanup_register(p, server, stop, apr_pool_cleanup_null);
    return server;
}

unsigned short loopback_port(const loopback *server)
{
    return server->port;
}

int loopback_accepted(const loopback *server)
{
    return server->accepted;
}

void loopback_await_hold(loopback *server)
{
    char byte;

    ck_assert_int_eq(read(server->held[0], &byte, 1), 1);
}

static apr_status_t close_fd(void *data)
{
    close(*(int *)data);
    return APR_SUCCESS;
}

static void close_with(apr_pool_t *p, int fd)
{
    int *kept = apr_pmemdup(p, &fd, sizeof fd);

    apr_pool_cleanup_register(p, kept, close_fd, apr_pool_cleanup_null);
}

/* The queue of a listener is filled with connections that nobody accepts: the kernel ignores further ones. */
unsigned short loopback_deaf_port(apr_pool_t *p)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    unsigned short port;

    close_with(p, open_listener(0, &port));
    address.sin_port = htons(port);
    for (int i = 0; i < 3; ++i) {
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        (void)connect(fd, (struct sockaddr *)&address, sizeof address);
        close_with(p, fd);
    }
    return port;
}

unsigned short loopback_closed_port(void)
{
    unsigned short port;

    close(open_listener(1, &port));
    return port;
}
