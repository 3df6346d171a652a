/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A little HTTP server on a loopback port, in a thread of the test. What it answers depends on the path.
 */
#ifndef MD_TESTS_LOOPBACK_H
#define MD_TESTS_LOOPBACK_H

#include "base/err.h"

typedef struct loopback loopback;

/** What a path is answered with; NULL reply: the connection is closed without one. */
typedef struct loopback_reply {
    const char *path;
    const char *reply; /* the whole answer, or "hold": nothing until the client goes away */
    int close;         /* afterwards */
} loopback_reply;

/** Starts it; with `cert_file` and `key_file` it speaks TLS. `replies` end with a NULL path; a path that is
 * not there gets the request itself back. It stops with the pool. */
loopback *loopback_start(const loopback_reply *replies, const char *cert_file, const char *key_file,
                         apr_pool_t *p);
unsigned short loopback_port(const loopback *server);
/** Connections that were accepted so far. */
int loopback_accepted(const loopback *server);
/** Waits until a request for "hold" is there. */
void loopback_await_hold(loopback *server);
/** A port that does not take connections: to connect to it lasts for ever. Free again with the pool. */
unsigned short loopback_deaf_port(apr_pool_t *p);
/** A port where nobody listens. */
unsigned short loopback_closed_port(void);

#endif
