/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP request at a time over libcurl. A multi handle drives the single transfer, so that the wait for
 * name, connection and answer is ours: it ends within a fraction of a second when the request is cancelled.
 * Connections stay open for the next request. Also here: reading URLs and the headers that say more than
 * text.
 */
#include "net/http.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define CONNECT_TIMEOUT apr_time_from_sec(30)
#define TOTAL_TIMEOUT   apr_time_from_sec(120)
#define RESPONSE_LIMIT  (1024UL * 1024)
#define HEADERS_LIMIT   (64UL * 1024)
#define SLOW_BYTES      10L /* per second, for SLOW_SECONDS: given up */
#define SLOW_SECONDS    30L
#define TICK_MS         200 /* how often a cancelled request is noticed */
#define OPEN_MAX        8L  /* connections kept */

struct md_http {
    md_http_options options;
    char *user_agent;
    CURLM *multi;
    CURL *easy;
};

/** A request on its way. */
typedef struct transfer {
    const md_http_request *request;
    const md_http_route *route;
    md_http_response *response;
    apr_pool_t *p;
    char *body;
    apr_size_t room, limit; /* of the body */
    apr_size_t header_bytes;
    int too_large;
    struct curl_slist *headers, *connect_to;
    char reason[CURL_ERROR_SIZE];
} transfer;

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

void md_http_global_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, init_curl);
}

md_http *md_http_open(const md_http_options *options)
{
    md_http *http = calloc(1, sizeof *http);

    if (!http)
        abort();
    http->options = *options;
    if (options->send)
        return http;
    md_http_global_init();
    http->user_agent = strdup(options->user_agent ? options->user_agent : "mod_md/" MD_VERSION);
    http->multi = curl_multi_init();
    http->easy = curl_easy_init();
    if (!http->user_agent || !http->multi || !http->easy)
        abort();
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, OPEN_MAX);
    return http;
}

void md_http_close(md_http *http)
{
    if (!http)
        return;
    curl_easy_cleanup(http->easy);
    curl_multi_cleanup(http->multi);
    free(http->user_agent);
    free(http);
}

static void add_header(transfer *run, const char *line, apr_size_t size)
{
    const char *colon = memchr(line, ':', size);
    const char *value;
    const char *end = line + size;

    if (!colon || colon == line)
        return;
    for (value = colon + 1; value < end && apr_isspace(*value); ++value)
        ;
    while (end > value && apr_isspace(end[-1]))
        --end;
    apr_table_addn(run->response->headers, apr_pstrmemdup(run->p, line, (apr_size_t)(colon - line)),
                   apr_pstrmemdup(run->p, value, (apr_size_t)(end - value)));
}

static size_t take_header(char *line, size_t one, size_t size, void *data)
{
    transfer *run = data;

    (void)one;
    run->header_bytes += size;
    if (run->header_bytes > HEADERS_LIMIT) {
        run->too_large = 1;
        return 0;
    }
    if (size > 5 && !strncmp(line, "HTTP/", 5))
        apr_table_clear(run->response->headers); /* what came before was an interim answer */
    else
        add_header(run, line, size);
    return size;
}

static void make_room(transfer *run, apr_size_t size)
{
    apr_size_t room = run->room ? run->room : 4096;
    char *body;

    while (room < size)
        room *= 2;
    body = apr_palloc(run->p, room);
    if (run->body)
        memcpy(body, run->body, run->response->body.size);
    run->body = body;
    run->room = room;
}

static size_t take_body(char *bytes, size_t one, size_t size, void *data)
{
    transfer *run = data;
    md_bytes *body = &run->response->body;

    (void)one;
    if (size > run->limit - body->size) {
        run->too_large = 1;
        return 0;
    }
    if (body->size + size + 1 > run->room)
        make_room(run, body->size + size + 1);
    memcpy(run->body + body->size, bytes, size);
    body->size += size;
    return size;
}

static long milliseconds(apr_interval_time_t wanted, apr_interval_time_t otherwise)
{
    return (long)apr_time_as_msec(wanted > 0 ? wanted : otherwise);
}

static void set_limits(md_http *http, const transfer *run)
{
    CURL *easy = http->easy;

    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a cancelled request does not wait for the resolver */
#endif
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     milliseconds(http->options.connect_timeout, CONNECT_TIMEOUT));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                     run->request->timeout ? (long)apr_time_as_msec(run->request->timeout)
                                           : milliseconds(http->options.total_timeout, TOTAL_TIMEOUT));
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, SLOW_SECONDS);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, http->user_agent);
}

static void set_route(CURL *easy, transfer *run)
{
    const md_http_route *route = run->route;

    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (route->ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, route->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* these roots instead of the system's, not besides */
    }
    if (route->proxy_ca_file) {
        curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, route->proxy_ca_file);
        curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
    }
    if (route->proxy_url)
        curl_easy_setopt(easy, CURLOPT_PROXY, route->proxy_url);
    if (route->unverified) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (route->connect_to) {
        run->connect_to = curl_slist_append(NULL, apr_pstrcat(run->p, "::", route->connect_to, NULL));
        curl_easy_setopt(easy, CURLOPT_CONNECT_TO, run->connect_to);
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L); /* not one that leads elsewhere */
        curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    }
}

static void add_line(transfer *run, const char *name, const char *value)
{
    struct curl_slist *more =
        curl_slist_append(run->headers, apr_pstrcat(run->p, name, value ? ": " : ":", value, NULL));

    if (!more)
        abort();
    run->headers = more;
}

static void set_request(CURL *easy, transfer *run)
{
    const md_http_request *request = run->request;

    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    if (!strcmp(request->method, "HEAD")) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (!strcmp(request->method, "POST")) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.data ? request->body.data : "");
    } else if (strcmp(request->method, "GET") != 0) {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
    add_line(run, "Expect", NULL); /* else curl may wait a second for "100 Continue" */
    if (request->content_type)
        add_line(run, "Content-Type", request->content_type);
    if (request->accept)
        add_line(run, "Accept", request->accept);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, run->headers);
}

static void prepare(md_http *http, transfer *run)
{
    CURL *easy = http->easy;

    curl_easy_reset(easy); /* keeps connections and TLS sessions */
    set_limits(http, run);
    set_route(easy, run);
    set_request(easy, run);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, run);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, run);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, run->reason);
}

static int is_cancelled(const md_http *http)
{
    return http->options.cancelled && atomic_load(http->options.cancelled);
}

/* "ca.example.org" or "127.0.0.1:14000": the URL's authority without user information. */
static const char *authority(const char *url, apr_pool_t *p)
{
    const char *shown = md_url_shown(url, p);
    const char *start = strstr(shown, "://");

    start = start ? start + 3 : shown;
    return apr_pstrmemdup(p, start, strcspn(start, "/?#"));
}

/* What curl says in more words than its code; some of its texts show a proxy with its credentials. */
static const char *reason_of(const transfer *run, CURLcode code)
{
    return *run->reason && !strchr(run->reason, '@') ? run->reason : curl_easy_strerror(code);
}

static const char *connect_reason(const md_http *http, const transfer *run, CURLcode code)
{
    char text[120];
    long error = 0;

    curl_easy_getinfo(http->easy, CURLINFO_OS_ERRNO, &error);
    if (!error)
        return reason_of(run, code);
    return apr_pstrdup(run->p, apr_strerror((apr_status_t)error, text, sizeof text));
}

static const char *through_proxy(const transfer *run)
{
    if (!run->route->proxy_url)
        return "";
    return apr_pstrcat(run->p, " through the proxy ", authority(run->route->proxy_url, run->p), NULL);
}

static md_err *explain_timeout(const md_http *http, const transfer *run, const char *host)
{
    curl_off_t connected = 0;

    curl_easy_getinfo(http->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
    return md_fail(run->p, MD_FAULT_REMOTE, "md:timeout", "%s%s %s in time (%s)", host, through_proxy(run),
                   connected ? "did not answer" : "could not be connected to",
                   reason_of(run, CURLE_OPERATION_TIMEDOUT));
}

static int is_tls(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
           code == CURLE_SSL_CONNECT_ERROR || code == CURLE_SSL_CIPHER || code == CURLE_SSL_ISSUER_ERROR;
}

static md_err *explain_tls(const transfer *run, const char *host, CURLcode code)
{
    const char *roots = run->route->ca_file ? run->route->ca_file : "the system";

    if (code == CURLE_SSL_CACERT_BADFILE)
        return md_fail(run->p, MD_FAULT_LOCAL, "md:tls", "cannot read the CA certificates of %s: %s", roots,
                       reason_of(run, code));
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return md_fail(run->p, MD_FAULT_REMOTE, "md:tls",
                       "the certificate of %s is not accepted with the CA certificates of %s: %s", host,
                       roots, reason_of(run, code));
    return md_fail(run->p, MD_FAULT_REMOTE, "md:tls", "the TLS handshake with %s failed: %s", host,
                   reason_of(run, code));
}

static md_err *explain_size(const transfer *run, const char *host)
{
    const int headers = run->header_bytes > HEADERS_LIMIT;

    return md_fail(run->p, MD_FAULT_REMOTE, "md:too-large", "the %s of %s is larger than %lu KiB",
                   headers ? "header of the answer" : "answer", host,
                   (unsigned long)(headers ? HEADERS_LIMIT : run->limit) / 1024);
}

static md_err *explain(const md_http *http, const transfer *run, CURLcode code)
{
    const char *host = authority(run->request->url, run->p);

    if (run->too_large)
        return explain_size(run, host);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return explain_timeout(http, run, host);
    if (is_tls(code))
        return explain_tls(run, host, code);
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return md_fail(run->p, MD_FAULT_REMOTE, "md:unreachable", "cannot find the address of %s: %s", host,
                       reason_of(run, code));
    case CURLE_COULDNT_RESOLVE_PROXY:
        return md_fail(
            run->p, MD_FAULT_REMOTE, "md:unreachable", "cannot find the address of the proxy %s",
            authority(run->route->proxy_url ? run->route->proxy_url : "of the environment", run->p));
    case CURLE_COULDNT_CONNECT:
        return md_fail(run->p, MD_FAULT_REMOTE, "md:unreachable", "cannot connect to %s%s: %s", host,
                       through_proxy(run), connect_reason(http, run, code));
    case CURLE_GOT_NOTHING:
        return md_fail(run->p, MD_FAULT_REMOTE, "md:unreachable",
                       "%s closed the connection without an answer", host);
    case CURLE_PARTIAL_FILE:
        return md_fail(run->p, MD_FAULT_REMOTE, "md:unreachable",
                       "%s closed the connection in the middle of its answer", host);
    default:
        return md_fail(run->p, MD_FAULT_REMOTE, "md:unreachable", "the request to %s%s failed: %s", host,
                       through_proxy(run), reason_of(run, code));
    }
}

static void wait_a_tick(CURLM *multi)
{
#if LIBCURL_VERSION_NUM >= 0x074200
    curl_multi_poll(multi, NULL, 0, TICK_MS, NULL);
#else
    int sockets = 0;

    curl_multi_wait(multi, NULL, 0, TICK_MS, &sockets);
    if (!sockets)
        apr_sleep(apr_time_from_msec(5)); /* it does not wait while a name is being resolved */
#endif
}

/* CURLE_ABORTED_BY_CALLBACK when cancelled. */
static CURLcode drive(const md_http *http)
{
    const CURLMsg *message;
    int running = 1;
    int left;

    while (running && !is_cancelled(http)) {
        if (curl_multi_perform(http->multi, &running) != CURLM_OK)
            return CURLE_FAILED_INIT;
        if (running)
            wait_a_tick(http->multi);
    }
    message = running ? NULL : curl_multi_info_read(http->multi, &left);
    return message ? message->data.result : CURLE_ABORTED_BY_CALLBACK;
}

static md_err *finish(const md_http *http, transfer *run, CURLcode code)
{
    long status = 0;

    if (code == CURLE_ABORTED_BY_CALLBACK)
        return md_fail(run->p, MD_FAULT_REMOTE, "md:cancelled", "the request to %s was stopped",
                       authority(run->request->url, run->p));
    if (code != CURLE_OK)
        return explain(http, run, code);
    curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
    run->response->status = (int)status;
    if (!run->body)
        make_room(run, 1);
    run->body[run->response->body.size] = '\0';
    run->response->body.data = run->body;
    md_log(MD_LOG_TRACE1, 0, "%s %s: status %ld, %lu bytes", run->request->method,
           md_url_shown(run->request->url, run->p), status, (unsigned long)run->response->body.size);
    return NULL;
}

static md_err *send_by_curl(md_http *http, transfer *run)
{
    CURLcode code = CURLE_FAILED_INIT;
    md_err *err;

    prepare(http, run);
    if (curl_multi_add_handle(http->multi, http->easy) == CURLM_OK) {
        code = drive(http);
        curl_multi_remove_handle(http->multi, http->easy);
    }
    err = finish(http, run, code);
    curl_easy_reset(http->easy); /* forgets what lives in the pool */
    curl_slist_free_all(run->headers);
    curl_slist_free_all(run->connect_to);
    return err;
}

md_err *md_http_send(md_http *http, const md_http_request *request, const md_http_route *route, apr_pool_t *p,
                     md_http_response *response)
{
    static const md_http_route direct = { .proxy_url = NULL };
    transfer run = { .request = request, .route = route ? route : &direct, .response = response, .p = p };
    const char *reason;

    if (http->options.send)
        return http->options.send(http->options.self, http, request, route, p, response);
    *response = (md_http_response){ .headers = apr_table_make(p, 16) };
    run.limit = request->limit                 ? request->limit
                : http->options.response_limit ? http->options.response_limit
                                               : RESPONSE_LIMIT;
    reason = md_url_reason(request->url);
    if (reason)
        return md_fail(p, MD_FAULT_REMOTE, "md:bad-url", "the URL '%s' cannot be used: %s",
                       md_excerpt(md_bytes_of(md_url_shown(request->url, p)), 200, p), reason);
    return send_by_curl(http, &run);
}

/* A part of a URL, to be freed with curl_free; NULL if there is none or the URL cannot be read. */
static char *url_part(const char *text, CURLUPart part)
{
    CURLU *url = curl_url();
    char *value = NULL;

    if (url && !curl_url_set(url, CURLUPART_URL, text, 0) && curl_url_get(url, part, &value, 0))
        value = NULL;
    curl_url_cleanup(url);
    return value;
}

static const char *scheme_end(const char *url)
{
    if (!strncasecmp(url, "https://", 8))
        return url + 8;
    return strncasecmp(url, "http://", 7) ? NULL : url + 7;
}

const char *md_url_reason(const char *url)
{
    char *host;
    char *port;
    int bad_port;

    for (const char *c = url; *c; ++c) {
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return "it has a blank or a control character";
    }
    if (!scheme_end(url))
        return "it does not begin with http:// or https://";
    if (strchr("/?#", *scheme_end(url)))
        return "it has no host";
    host = url_part(url, CURLUPART_HOST);
    port = url_part(url, CURLUPART_PORT);
    bad_port = port && (atoi(port) < 1 || atoi(port) > 65535);
    curl_free(port);
    curl_free(host);
    if (bad_port)
        return "its port is not a number from 1 to 65535";
    return host ? NULL : "its host or port cannot be read";
}

const char *md_url_host(const char *url, apr_pool_t *p)
{
    char *host = url_part(url, CURLUPART_HOST);
    const apr_size_t size = host ? strlen(host) : 0;
    const char *bare = "";

    if (size > 2 && host[0] == '[')
        bare = apr_pstrmemdup(p, host + 1, size - 2);
    else if (size)
        bare = host;
    bare = md_lower(bare, p);
    curl_free(host);
    return bare;
}

const char *md_url_shown(const char *url, apr_pool_t *p)
{
    const char *start = strstr(url, "://");
    char *host = url_part(url, CURLUPART_HOST);
    const int readable = host != NULL;
    const char *end;

    curl_free(host);
    start = start ? start + 3 : url;
    /* In a URL that nobody understands any '@' may end a password. */
    end = start + (readable ? strcspn(start, "/?#") : strlen(start));
    while (end > start && end[-1] != '@')
        --end;
    if (end == start)
        return apr_pstrdup(p, url);
    return apr_pstrcat(p, apr_pstrmemdup(p, url, (apr_size_t)(start - url)), end, NULL);
}

const char *md_url_resolve(const char *target, const char *base, apr_pool_t *p)
{
    CURLU *url = curl_url();
    char *text = NULL;
    const char *resolved = NULL;

    if (url && (!base || !curl_url_set(url, CURLUPART_URL, base, 0)) &&
        !curl_url_set(url, CURLUPART_URL, target, 0) && !curl_url_get(url, CURLUPART_URL, &text, 0))
        resolved = apr_pstrdup(p, text);
    curl_free(text);
    curl_url_cleanup(url);
    return resolved && !md_url_reason(resolved) ? resolved : NULL;
}
