/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP request at a time, bounded in size and time, over libcurl. The function behind it is replaceable,
 * so that everything above runs against a scripted server in tests.
 */
#ifndef MD_NET_HTTP_H
#define MD_NET_HTTP_H

#include <stdatomic.h>
#include "base/when.h"

typedef struct md_http_request {
    const char *method; /* "GET", "HEAD", "POST" */
    const char *url;
    const char *content_type;    /* of the body, or NULL */
    const char *accept;          /* or NULL */
    md_bytes body;               /* data NULL: none */
    apr_size_t limit;            /* of the answer's body; 0: the requester's */
    apr_interval_time_t timeout; /* of it all; 0: the requester's */
} md_http_request;

typedef struct md_http_response {
    int status;
    apr_table_t *headers; /* case-insensitive; repeated headers are kept apart */
    md_bytes body;
} md_http_response;

/** How to reach the other side; all members may be NULL / 0. Lives as long as the requests that use it. */
typedef struct md_http_route {
    const char *proxy_url;
    const char *ca_file; /* PEM roots instead of the system's */
    const char *proxy_ca_file;
    const char *connect_to; /* "192.0.2.1:80": where to go, whatever the URL says */
    int unverified;         /* any certificate will do: what is fetched is known and no secret */
} md_http_route;

/** A requester: owns connections that stay open between requests; used by one thread at a time. */
typedef struct md_http md_http;

typedef md_err *md_http_send_fn(void *self, md_http *http, const md_http_request *request,
                                const md_http_route *route, apr_pool_t *p, md_http_response *response);

/** What a requester is made with. */
typedef struct md_http_options {
    const char *user_agent;
    apr_interval_time_t connect_timeout; /* 0: 30 s */
    apr_interval_time_t total_timeout;   /* 0: 2 min */
    apr_size_t response_limit;           /* 0: 1 MiB; headers are limited to 64 KiB always */
    const atomic_int *cancelled;         /* non-zero aborts a running request within a second; may be NULL */
    md_http_send_fn *send;               /* NULL: libcurl */
    void *self;                          /* for `send` */
} md_http_options;

/** Once per process, before threads; safe to call again. */
void md_http_global_init(void);

/** Heap object; closed by md_http_close. Never fails. */
md_http *md_http_open(const md_http_options *options);
void md_http_close(md_http *http);

/**
 * Sends and reads the whole answer; redirects are not followed. Any HTTP status is success here. Failures:
 * MD_FAULT_REMOTE "md:unreachable" (cannot connect), "md:tls" (certificate of the server), "md:timeout",
 * "md:too-large", "md:cancelled", "md:bad-url"; MD_FAULT_LOCAL "md:tls" when the file of CA certificates
 * cannot be read. Texts name host and what happened; credentials in URLs never appear.
 */
MD_MUST md_err *md_http_send(md_http *http, const md_http_request *request, const md_http_route *route,
                             apr_pool_t *p, md_http_response *response);

const char *md_http_header(const md_http_response *response, const char *name);
/** Target of the first Link header (RFC 8288) with this relation, resolved against `base` if relative; `nth`
 * counts from 0. */
const char *md_http_link(const md_http_response *response, const char *rel, int nth, const char *base,
                         apr_pool_t *p);
/** True for application/json and types that end in "/json" or "+json"; parameters are ignored. */
int md_http_is_json(const md_http_response *response);
/** "http" or "https", a host and a sane port: NULL if fine, else the reason as a clause. */
const char *md_url_reason(const char *url);
/** Host of a URL, lowercase, without brackets and port. */
const char *md_url_host(const char *url, apr_pool_t *p);
/** `target` seen from `base` (NULL: only absolute ones): NULL if that gives no usable URL. */
const char *md_url_resolve(const char *target, const char *base, apr_pool_t *p);
/** The URL without user information, for messages. */
const char *md_url_shown(const char *url, apr_pool_t *p);

#endif
