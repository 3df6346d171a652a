/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client that does nothing but full TLS handshakes: handshake PORT NAME SECONDS PROCESSES [1.2]
 * prints how many all processes together completed.
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

    SSL_set_fd(ssl, s);
    SSL_set_tlsext_host_name(ssl, name);
    if (SSL_connect(ssl) != 1) {
        fprintf(stderr, "handshake with %s failed\n", name);
        exit(1);
    }
    SSL_free(ssl);
    close(s);
}

static long count_handshakes(int port, const char *name, double seconds, int tls12)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    double end = seconds_now() + seconds;
    long count = 0;

    if (tls12)
        SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    for (; seconds_now() < end; count++)
        shake(ctx, port, name);
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
    for (int i = 0; i < children; i++)
        if (fork() == 0) {
            each = count_handshakes(atoi(argv[1]), argv[2], atof(argv[3]), argc > 5);
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
