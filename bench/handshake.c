/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client that does nothing but full TLS handshakes: handshake PORT NAME SECONDS PROCESSES [1.2] [status] [names=N]
 * prints how many all processes together completed. status: asks for a staple, and fails without one where it must come
 * (status=must). names=N: NAME has a %d, for which all numbers below N are put by turns.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct {
    int tls12, status, must, names;
} options;

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int connected(int port)
{
    struct linger hard = { 1, 0 }; /* no TIME_WAIT: ports would run out */
    struct sockaddr_in to;
    int s = socket(AF_INET, SOCK_STREAM, 0);

    memset(&to, 0, sizeof(to));
    to.sin_family = AF_INET;
    to.sin_port = htons((unsigned short)port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (s < 0 || setsockopt(s, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)) != 0
        || connect(s, (struct sockaddr *)&to, sizeof(to)) != 0) {
        perror("connect");
        exit(1);
    }
    return s;
}

static void shake(SSL_CTX *ctx, int port, const char *name)
{
    int s = connected(port);
    SSL *ssl = SSL_new(ctx);
    unsigned char *staple = NULL;

    SSL_set_fd(ssl, s);
    SSL_set_tlsext_host_name(ssl, name);
    if (options.status)
        SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
    if (SSL_connect(ssl) != 1) {
        fprintf(stderr, "handshake with %s failed\n", name);
        exit(1);
    }
    if (options.must && SSL_get_tlsext_status_ocsp_resp(ssl, &staple) <= 0) {
        fprintf(stderr, "%s sent no staple\n", name);
        exit(1);
    }
    SSL_free(ssl);
    close(s);
}

/* The name of the n-th handshake. */
static const char *name_of(const char *pattern, long n, char *into, size_t size)
{
    const char *at = strstr(pattern, "%d");

    if (!options.names || !at)
        return pattern;
    snprintf(into, size, "%.*s%ld%s", (int)(at - pattern), pattern, n % options.names, at + 2);
    return into;
}

static void read_option(const char *text)
{
    options.tls12 |= strcmp(text, "1.2") == 0;
    options.status |= strncmp(text, "status", 6) == 0;
    options.must |= strcmp(text, "status=must") == 0;
    if (strncmp(text, "names=", 6) == 0)
        options.names = atoi(text + 6);
}

static long count_handshakes(int port, const char *name, double seconds)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    double end = seconds_now() + seconds;
    long count = 0, first = getpid();
    char buffer[300];

    if (options.tls12)
        SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    for (; seconds_now() < end; count++)
        shake(ctx, port, name_of(name, first + count, buffer, sizeof(buffer)));
    SSL_CTX_free(ctx);
    return count;
}

int main(int argc, char **argv)
{
    int pipes[2], children, status, failed = 0;
    long total = 0, each;

    if (argc < 5 || pipe(pipes) != 0)
        return 2;
    children = atoi(argv[4]);
    for (int i = 5; i < argc; i++)
        read_option(argv[i]);
    for (int i = 0; i < children; i++)
        if (fork() == 0) {
            each = count_handshakes(atoi(argv[1]), argv[2], atof(argv[3]));
            _exit(write(pipes[1], &each, sizeof(each)) == sizeof(each) ? 0 : 1);
        }
    for (int i = 0; i < children; i++) {
        wait(&status);
        failed |= status;
    }
    close(pipes[1]);
    while (read(pipes[0], &each, sizeof(each)) == sizeof(each))
        total += each;
    printf("%ld\n", total);
    return failed ? 1 : 0;
}
