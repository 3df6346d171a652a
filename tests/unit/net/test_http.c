/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests over libcurl against a server on a loopback port.
 */
#include "net/http.h"

#include <apr_strings.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"
#include "kit/loopback.h"
#include "suites.h"
#include "tls/cert.h"
#include "tls/selfsign.h"

#define OK "HTTP/1.1 200 OK\r\n"

#define LARGE 150000UL /* bytes of a body */

static char many_headers[100000], sized[LARGE + 1000], endless[LARGE + 1000];

static const loopback_reply replies[] = {
    { "/hello", OK "Content-Length: 5\r\nReplay-Nonce: n1\r\nLink: <a>;rel=x\r\nLink: <b>;rel=y\r\n\r\nhello",
      0 },
    { "/chunked", OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 0 },
    { "/empty", OK "Content-Length: 0\r\n\r\n", 0 },
    { "/interim", "HTTP/1.1 103 Early Hints\r\nLink: <early>;rel=up\r\n\r\n" OK "Content-Length: 0\r\n\r\n",
      0 },
    { "/redirect", "HTTP/1.1 302 Found\r\nLocation: /hello\r\nContent-Length: 0\r\n\r\n", 0 },
    { "/error", "HTTP/1.1 500 Oh\r\nContent-Length: 4\r\n\r\nsick", 0 },
    { "/half", OK "Content-Length: 100\r\n\r\nnot all", 1 },
    { "/headers", many_headers, 1 },
    { "/sized", sized, 1 },
    { "/endless", endless, 1 },
    { "/mute", NULL, 1 },
    { "/hold", "hold", 1 },
    { NULL, NULL, 0 },
};

static loopback *server;
static md_http *http;
static md_http_response response;

static void open_http(const md_http_options *options)
{
    unsetenv("http_proxy");
    unsetenv("https_proxy");
    unsetenv("all_proxy");
    server = loopback_start(replies, NULL, NULL, kit_pool);
    http = md_http_open(options);
}

static void set_up(void)
{
    open_http(&(md_http_options){ .user_agent = "test/1" });
}

static void tear_down(void)
{
    md_http_close(http);
}

static const char *url_of(unsigned short port, const char *path)
{
    return apr_psprintf(kit_pool, "http://127.0.0.1:%d%s", port, path);
}

static md_err *get(const char *path)
{
    const md_http_request request = { .method = "GET", .url = url_of(loopback_port(server), path) };

    return md_http_send(http, &request, NULL, kit_pool, &response);
}

static md_err *get_url(const char *url, const md_http_route *route)
{
    return md_http_send(http, &(md_http_request){ .method = "GET", .url = url }, route, kit_pool, &response);
}

START_TEST(an_answer_has_status_headers_and_body)
{
    CHECK_OK(get("/hello"));
    ck_assert_int_eq(response.status, 200);
    ck_assert_str_eq(response.body.data, "hello");
    ck_assert_uint_eq(response.body.size, 5);
    ck_assert_str_eq(md_http_header(&response, "replay-nonce"), "n1");
    ck_assert_ptr_null(md_http_header(&response, "Location"));
}
END_TEST

START_TEST(an_empty_or_chunked_body_is_read)
{
    CHECK_OK(get("/empty"));
    ck_assert_ptr_nonnull(response.body.data);
    ck_assert_uint_eq(response.body.size, 0);
    CHECK_OK(get("/chunked"));
    ck_assert_str_eq(response.body.data, "hello");
}
END_TEST

START_TEST(repeated_headers_are_kept_apart)
{
    CHECK_OK(get("/hello"));
    ck_assert_str_eq(md_http_link(&response, "y", 0, url_of(1, "/x/"), kit_pool), url_of(1, "/x/b"));
}
END_TEST

START_TEST(an_interim_answer_leaves_no_headers)
{
    CHECK_OK(get("/interim"));
    ck_assert_int_eq(response.status, 200);
    ck_assert_ptr_null(md_http_header(&response, "Link"));
}
END_TEST

START_TEST(a_redirect_is_an_answer)
{
    CHECK_OK(get("/redirect"));
    ck_assert_int_eq(response.status, 302);
    ck_assert_str_eq(md_http_header(&response, "Location"), "/hello");
}
END_TEST

START_TEST(an_error_status_is_an_answer)
{
    CHECK_OK(get("/error"));
    ck_assert_int_eq(response.status, 500);
    ck_assert_str_eq(response.body.data, "sick");
}
END_TEST

START_TEST(a_request_carries_what_it_was_given)
{
    const md_http_request request = { .method = "POST",
                                      .url = url_of(loopback_port(server), "/any?q"),
                                      .content_type = "application/jose+json",
                                      .accept = "text/x",
                                      .body = md_bytes_of("{}") };

    CHECK_OK(md_http_send(http, &request, NULL, kit_pool, &response));
    ck_assert_ptr_nonnull(strstr(response.body.data, "POST /any?q HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(response.body.data, "\r\nContent-Type: application/jose+json\r\n"));
    ck_assert_ptr_nonnull(strstr(response.body.data, "\r\nAccept: text/x\r\n"));
    ck_assert_ptr_nonnull(strstr(response.body.data, "\r\nUser-Agent: test/1\r\n"));
    ck_assert_ptr_nonnull(strstr(response.body.data, "\r\n\r\n{}"));
    ck_assert_ptr_null(strstr(response.body.data, "Expect"));
}
END_TEST

START_TEST(a_large_request_does_not_wait_for_leave)
{
    char *body = apr_pcalloc(kit_pool, 40001);
    const md_http_request request = { .method = "POST",
                                      .url = url_of(loopback_port(server), "/any"),
                                      .body = { body, 40000 } };

    memset(body, 'x', 40000);
    CHECK_OK(md_http_send(http, &request, NULL, kit_pool, &response));
    ck_assert_ptr_null(strstr(response.body.data, "Expect"));
    ck_assert_uint_gt(response.body.size, 40000);
}
END_TEST

START_TEST(head_has_no_body)
{
    const md_http_request request = { .method = "HEAD", .url = url_of(loopback_port(server), "/hello") };

    CHECK_OK(md_http_send(http, &request, NULL, kit_pool, &response));
    ck_assert_int_eq(response.status, 200);
    ck_assert_uint_eq(response.body.size, 0);
}
END_TEST

START_TEST(the_connection_is_used_again)
{
    for (int i = 0; i < 5; ++i)
        CHECK_OK(get("/hello"));
    ck_assert_int_eq(loopback_accepted(server), 1);
}
END_TEST

START_TEST(a_closed_connection_is_replaced)
{
    CHECK_OK(get("/hello"));
    CHECK_FAILS(get("/half"), MD_FAULT_REMOTE, "in the middle of its answer");
    CHECK_OK(get("/hello"));
    ck_assert_int_eq(loopback_accepted(server), 2);
}
END_TEST

START_TEST(no_answer_is_a_failure)
{
    CHECK_FAILS(get("/mute"), MD_FAULT_REMOTE, "closed the connection without an answer");
    ck_assert_str_eq(get("/mute")->type, "md:unreachable");
}
END_TEST

START_TEST(nobody_there_is_a_failure)
{
    const unsigned short port = loopback_closed_port();
    const md_err *err = get_url(url_of(port, "/"), NULL);

    ck_assert_str_eq(err->type, "md:unreachable");
    ck_assert_int_eq(err->fault, MD_FAULT_REMOTE);
    ck_assert_str_eq(err->detail,
                     apr_psprintf(kit_pool, "cannot connect to 127.0.0.1:%d: Connection refused", port));
}
END_TEST

START_TEST(an_unknown_host_is_a_failure)
{
    const md_err *err = get_url("http://host.invalid/", NULL);

    ck_assert_str_eq(err->type, "md:unreachable");
    ck_assert_ptr_nonnull(strstr(err->detail, "cannot find the address of host.invalid"));
}
END_TEST

START_TEST(passwords_are_not_shown)
{
    const char *port = apr_psprintf(kit_pool, "%d", loopback_closed_port());
    const char *url = apr_pstrcat(kit_pool, "http://me:secret@127.0.0.1:", port, "/", NULL);
    const md_err *err = get_url(url, NULL);

    ck_assert_ptr_nonnull(strstr(err->detail, "cannot connect to 127.0.0.1"));
    ck_assert_ptr_null(strstr(err->detail, "secret"));
    err = get_url(url_of(loopback_port(server), "/hello"), &(md_http_route){ .proxy_url = url });
    ck_assert_ptr_nonnull(strstr(err->detail, "through the proxy 127.0.0.1"));
    ck_assert_ptr_null(strstr(err->detail, "secret"));
    err = get_url(url_of(loopback_port(server), "/hello"),
                  &(md_http_route){ .proxy_url = "http://me:secret@[:1" });
    ck_assert_ptr_null(strstr(err->detail, "secret"));
    err = get_url("http://me:secret@[:1/", NULL);
    ck_assert_str_eq(err->type, "md:bad-url");
    ck_assert_ptr_null(strstr(err->detail, "secret"));
}
END_TEST

START_TEST(a_proxy_is_asked_for_the_whole_url)
{
    const char *proxy = url_of(loopback_port(server), "");

    CHECK_OK(get_url("http://host.invalid/x", &(md_http_route){ .proxy_url = proxy }));
    ck_assert_ptr_nonnull(strstr(response.body.data, "GET http://host.invalid/x HTTP/1.1\r\n"));
}
END_TEST

START_TEST(headers_are_bounded)
{
    apr_size_t at = strlen(strcpy(many_headers, OK));

    while (at < 80000)
        at += (apr_size_t)sprintf(many_headers + at, "X-Long-%lu: 0123456789\r\n", (unsigned long)at);
    strcpy(many_headers + at, "Content-Length: 0\r\n\r\n");
    CHECK_FAILS(get("/headers"), MD_FAULT_REMOTE, "header of the answer of 127.0.0.1");
    ck_assert_str_eq(get("/headers")->type, "md:too-large");
}
END_TEST

static void fill(char *reply, const char *head)
{
    const apr_size_t at = strlen(strcpy(reply, head));

    memset(reply + at, 'x', LARGE);
    reply[at + LARGE] = '\0';
}

static void set_up_small(void)
{
    open_http(&(md_http_options){ .response_limit = 102400 });
}

START_TEST(a_body_is_bounded_with_and_without_a_length)
{
    fill(sized, OK "Content-Length: 150000\r\n\r\n");
    fill(endless, OK "\r\n");
    CHECK_FAILS(get("/sized"), MD_FAULT_REMOTE, "is larger than 100 KiB");
    CHECK_FAILS(get("/endless"), MD_FAULT_REMOTE, "is larger than 100 KiB");
    ck_assert_str_eq(get("/endless")->type, "md:too-large");
}
END_TEST

START_TEST(a_body_grows_to_its_size)
{
    fill(endless, OK "\r\n");
    CHECK_OK(get("/endless"));
    ck_assert_uint_eq(response.body.size, LARGE);
    ck_assert_uint_eq(strspn(response.body.data, "x"), LARGE);
}
END_TEST

static void set_up_hasty(void)
{
    open_http(&(md_http_options){ .connect_timeout = apr_time_from_msec(300),
                                  .total_timeout = apr_time_from_msec(600) });
}

START_TEST(a_silent_server_times_out)
{
    const apr_time_t start = apr_time_now();
    const md_err *err = get("/hold");

    ck_assert_str_eq(err->type, "md:timeout");
    ck_assert_ptr_nonnull(strstr(err->detail, "did not answer in time"));
    ck_assert_int_lt(apr_time_now() - start, apr_time_from_sec(5));
}
END_TEST

START_TEST(a_connection_times_out)
{
    const md_err *err = get_url(url_of(loopback_deaf_port(kit_pool), "/"), NULL);

    ck_assert_str_eq(err->type, "md:timeout");
    ck_assert_ptr_nonnull(strstr(err->detail, "could not be connected to in time"));
}
END_TEST

static atomic_int cancelled;
static apr_time_t cancelled_at;

static void set_up_cancelled(void)
{
    open_http(&(md_http_options){ .cancelled = &cancelled });
}

static void *cancel(void *held)
{
    if (held)
        loopback_await_hold(server);
    else
        apr_sleep(apr_time_from_msec(100)); /* while connecting there is nothing to wait for */
    cancelled_at = apr_time_now();
    atomic_store(&cancelled, 1);
    return NULL;
}

static md_err *get_until_cancelled(const char *url, void *held)
{
    pthread_t thread;
    md_err *err;

    ck_assert_int_eq(pthread_create(&thread, NULL, cancel, held), 0);
    err = get_url(url, NULL);
    pthread_join(thread, NULL);
    return err;
}

START_TEST(a_request_can_be_stopped_while_it_waits_for_an_answer)
{
    const md_err *err = get_until_cancelled(url_of(loopback_port(server), "/hold"), &cancelled);

    ck_assert_str_eq(err->type, "md:cancelled");
    ck_assert_int_lt(apr_time_now() - cancelled_at, apr_time_from_sec(1));
}
END_TEST

START_TEST(a_request_can_be_stopped_while_it_connects)
{
    const md_err *err = get_until_cancelled(url_of(loopback_deaf_port(kit_pool), "/"), NULL);

    ck_assert_str_eq(err->type, "md:cancelled");
    ck_assert_int_lt(apr_time_now() - cancelled_at, apr_time_from_sec(1));
}
END_TEST

START_TEST(a_stopped_requester_begins_nothing)
{
    atomic_store(&cancelled, 1);
    CHECK_FAILS(get("/hello"), MD_FAULT_REMOTE, "was stopped");
    ck_assert_int_eq(loopback_accepted(server), 0);
}
END_TEST

static const char *write_file(const char *folder, const char *name, md_bytes bytes)
{
    const char *path = apr_pstrcat(kit_pool, folder, "/", name, NULL);
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes.data, 1, bytes.size, file), bytes.size);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

static const char *cert_file;

/* A server for "localhost" whose certificate is its own root. */
static void set_up_tls(void)
{
    const md_key_spec spec = { .type = MD_KEY_EC, .curve = "P-256" };
    const md_period valid = { apr_time_now(), apr_time_now() + apr_time_from_sec(3600) };
    const char *folder = kit_folder();
    md_names *names = md_names_make(kit_pool);
    md_chain *chain;
    md_key *key;
    md_bytes pem;

    md_names_add(names, "localhost");
    CHECK_OK(md_key_make(&spec, kit_pool, &key));
    CHECK_OK(md_selfsign_placeholder(key, names, valid, kit_pool, &chain));
    CHECK_OK(md_chain_to_pem(chain, kit_pool, &pem));
    cert_file = write_file(folder, "cert.pem", pem);
    CHECK_OK(md_key_to_pem(key, (md_bytes){ NULL, 0 }, kit_pool, &pem));
    server = loopback_start(replies, cert_file, write_file(folder, "key.pem", pem), kit_pool);
    http = md_http_open(&(md_http_options){ .user_agent = "test/1" });
}

static md_err *get_tls(const char *host, const char *roots)
{
    const char *url = apr_psprintf(kit_pool, "https://%s:%d/hello", host, loopback_port(server));

    return get_url(url, &(md_http_route){ .ca_file = roots });
}

START_TEST(a_server_with_the_given_root_is_trusted)
{
    CHECK_OK(get_tls("localhost", cert_file));
    CHECK_OK(get_tls("localhost", cert_file));
    ck_assert_str_eq(response.body.data, "hello");
    ck_assert_int_eq(loopback_accepted(server), 1);
}
END_TEST

START_TEST(a_server_with_an_unknown_root_is_refused)
{
    const md_err *err = get_tls("localhost", NULL);

    ck_assert_str_eq(err->type, "md:tls");
    ck_assert_ptr_nonnull(strstr(err->detail, "the certificate of localhost:"));
    ck_assert_ptr_nonnull(strstr(err->detail, "self-signed certificate"));
}
END_TEST

START_TEST(a_server_with_another_name_is_refused)
{
    ck_assert_str_eq(get_tls("127.0.0.1", cert_file)->type, "md:tls");
}
END_TEST

START_TEST(missing_roots_are_our_own_fault)
{
    CHECK_FAILS(get_tls("localhost", "/nowhere/roots.pem"), MD_FAULT_LOCAL, "/nowhere/roots.pem");
}
END_TEST

START_TEST(a_server_without_tls_is_told_from_one_with)
{
    md_http_request request = { .method = "GET" };

    server = loopback_start(replies, NULL, NULL, kit_pool);
    request.url = apr_psprintf(kit_pool, "https://localhost:%d/mute", loopback_port(server));
    ck_assert_str_eq(md_http_send(http, &request, NULL, kit_pool, &response)->type, "md:tls");
}
END_TEST

static md_err *send_nowhere(void *self, md_http *by, const md_http_request *request,
                            const md_http_route *route, apr_pool_t *p, md_http_response *out)
{
    ck_assert_ptr_eq(self, &cancelled);
    ck_assert_ptr_eq(by, http);
    ck_assert_ptr_null(route);
    *out = (md_http_response){ .status = 299,
                               .headers = apr_table_make(p, 1),
                               .body = md_bytes_of(request->url) };
    return NULL;
}

START_TEST(the_way_to_send_can_be_replaced)
{
    http = md_http_open(&(md_http_options){ .send = send_nowhere, .self = &cancelled });
    CHECK_OK(get_url("scripted", NULL));
    ck_assert_int_eq(response.status, 299);
    ck_assert_str_eq(response.body.data, "scripted");
}
END_TEST

static void add_tests(TCase *tcase, const TTest *const *tests)
{
    for (; *tests; ++tests)
        tcase_add_test(tcase, *tests);
}

Suite *suite_net_http(void)
{
    const TTest *const plain[] = { an_answer_has_status_headers_and_body,
                                   an_empty_or_chunked_body_is_read,
                                   repeated_headers_are_kept_apart,
                                   an_interim_answer_leaves_no_headers,
                                   a_redirect_is_an_answer,
                                   an_error_status_is_an_answer,
                                   a_request_carries_what_it_was_given,
                                   a_large_request_does_not_wait_for_leave,
                                   head_has_no_body,
                                   the_connection_is_used_again,
                                   a_closed_connection_is_replaced,
                                   no_answer_is_a_failure,
                                   nobody_there_is_a_failure,
                                   an_unknown_host_is_a_failure,
                                   passwords_are_not_shown,
                                   a_proxy_is_asked_for_the_whole_url,
                                   headers_are_bounded,
                                   a_body_grows_to_its_size,
                                   NULL };
    const TTest *const stopped[] = { a_request_can_be_stopped_while_it_waits_for_an_answer,
                                     a_request_can_be_stopped_while_it_connects,
                                     a_stopped_requester_begins_nothing, NULL };
    const TTest *const tls[] = {
        a_server_with_the_given_root_is_trusted,    a_server_with_an_unknown_root_is_refused,
        a_server_with_another_name_is_refused,      missing_roots_are_our_own_fault,
        a_server_without_tls_is_told_from_one_with, NULL
    };
    Suite *suite = suite_create("net/http");
    TCase *tcase = kit_case(suite, "requests");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    add_tests(tcase, plain);
    tcase = kit_case(suite, "limits");
    tcase_add_checked_fixture(tcase, set_up_small, tear_down);
    tcase_add_test(tcase, a_body_is_bounded_with_and_without_a_length);
    tcase = kit_case(suite, "time");
    tcase_add_checked_fixture(tcase, set_up_hasty, tear_down);
    tcase_add_test(tcase, a_silent_server_times_out);
    tcase_add_test(tcase, a_connection_times_out);
    tcase = kit_case(suite, "stopping");
    tcase_add_checked_fixture(tcase, set_up_cancelled, tear_down);
    add_tests(tcase, stopped);
    tcase = kit_case(suite, "TLS");
    tcase_add_checked_fixture(tcase, set_up_tls, tear_down);
    add_tests(tcase, tls);
    tcase = kit_case(suite, "another way");
    tcase_add_test(tcase, the_way_to_send_can_be_replaced);
    return suite;
}
