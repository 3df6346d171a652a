/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is made of answers to the CA's questions. Names are addresses, which nobody has to be asked for.
 */
#include "acme/preflight.h"

#include <apr_strings.h>
#include <string.h>

#include "kit/kit.h"

#define FIRST "http://192.0.2.1/.well-known/acme-challenge/token"

/* One line a request: URL, where it went, and whether the certificate matters. */
static md_names *asked;

/** What is answered to the n-th request; the last one to all that follow. */
static struct scripted {
    int status;
    const char *location, *body;
    md_err *err;
} script[4];

static md_err *answer(void *self, md_http *http, const md_http_request *request, const md_http_route *route,
                      apr_pool_t *p, md_http_response *response)
{
    const struct scripted *now = &script[asked->nelts];

    (void)self;
    (void)http;
    while (now > script && (now >= script + 4 || (!now->status && !now->err)))
        --now;
    md_names_add(asked,
                 apr_psprintf(kit_pool, "%s %s %d", request->url, route->connect_to, route->unverified));
    response->status = now->status;
    response->headers = apr_table_make(p, 1);
    response->body = md_bytes_of(now->body ? now->body : "");
    if (now->location)
        apr_table_set(response->headers, "Location", now->location);
    return now->err;
}

static void begin(void)
{
    memset(script, 0, sizeof(script));
    asked = md_names_make(kit_pool);
}

static md_err *look(const char *name)
{
    const md_http_options options = { .send = answer };
    md_preflight with = { .ours = md_words("192.0.2.9", kit_pool), .http_port = 8080, .https_port = 8443 };
    md_err *err;

    CHECK_OK(md_dns_open("127.0.0.1:9", kit_pool, &with.dns));
    with.http = md_http_open(&options);
    err = md_preflight_http(&with, name, "token", "token.print", kit_pool);
    md_http_close(with.http);
    return err;
}

START_TEST(the_right_answer_is_fine)
{
    script[0] = (struct scripted){ 200, NULL, "token.print\r\n ", NULL };
    CHECK_OK(look("192.0.2.1"));
    ck_assert_str_eq(MD_NAME(asked, 0), FIRST " 192.0.2.1:80 1");
}
END_TEST

START_TEST(this_machine_is_asked_at_its_local_port)
{
    script[0] = (struct scripted){ 308, "https://192.0.2.9/.well-known/acme-challenge/token", NULL, NULL };
    script[1] = (struct scripted){ 200, NULL, "token.print", NULL };
    CHECK_OK(look("192.0.2.9"));
    ck_assert_ptr_nonnull(strstr(MD_NAME(asked, 0), " 192.0.2.9:8080 "));
    ck_assert_str_eq(MD_NAME(asked, 1),
                     "https://192.0.2.9/.well-known/acme-challenge/token 192.0.2.9:8443 1");
}
END_TEST

START_TEST(an_address_of_six_is_written_in_brackets)
{
    script[0] = (struct scripted){ 200, NULL, "token.print", NULL };
    CHECK_OK(look("2001:db8::1"));
    ck_assert_str_eq(MD_NAME(asked, 0),
                     "http://[2001:db8::1]/.well-known/acme-challenge/token [2001:db8::1]:80 1");
}
END_TEST

START_TEST(a_redirect_to_another_host_is_followed_there)
{
    script[0] = (struct scripted){ 302, "http://192.0.2.2:80/x", NULL, NULL };
    script[1] = (struct scripted){ 200, NULL, "else", NULL };
    CHECK_FAILS(
        look("192.0.2.1"), MD_FAULT_VALIDATION,
        "192.0.2.1 is redirected to 192.0.2.2, which leads to 192.0.2.2 (no address of this machine), and");
    ck_assert_str_eq(MD_NAME(asked, 1), "http://192.0.2.2:80/x 192.0.2.2:80 1");
}
END_TEST

START_TEST(what_is_wrong_is_told)
{
    static const struct {
        struct scripted said;
        const char *why;
    } cases[] = {
        { { 404, NULL, "<html>gone", NULL },
          "HTTP status 404 from a server without a name, which begins with <html>" },
        { { 200, NULL, "", NULL }, "HTTP status 200 from a server without a name, empty" },
        { { 200, NULL, "token.print.more", NULL }, "which begins with token.print.more" },
        { { 301, NULL, NULL, NULL }, "HTTP status 301" },
        { { 301, FIRST, NULL, NULL }, "redirected in a circle" },
        { { 301, "ftp://192.0.2.1/", NULL, NULL },
          "redirected to ftp://192.0.2.1/, where CAs do not follow" },
        { { 301, "https://192.0.2.1:8443/", NULL, NULL }, "where CAs do not follow" },
    };

    script[0] = cases[_i].said;
    CHECK_FAILS(look("192.0.2.1"), MD_FAULT_VALIDATION, cases[_i].why);
}
END_TEST

START_TEST(who_cannot_be_reached_is_told_and_who_stops_us_is_not_blamed)
{
    script[0].err = md_fail(kit_pool, MD_FAULT_REMOTE, "md:unreachable", "cannot connect");
    CHECK_FAILS(look("192.0.2.1"), MD_FAULT_VALIDATION,
                "port 80 cannot be reached there from here: cannot connect");
    script[0].err = md_fail(kit_pool, MD_FAULT_LOCAL, "md:cancelled", "the server was stopped");
    asked = md_names_make(kit_pool);
    CHECK_FAILS(look("192.0.2.1"), MD_FAULT_LOCAL, "stopped");
}
END_TEST

START_TEST(nobody_answers_a_handshake)
{
    md_preflight with = { .ours = md_words("127.0.0.1", kit_pool), .https_port = 9 };

    CHECK_OK(md_dns_open("127.0.0.1:9", kit_pool, &with.dns));
    CHECK_FAILS(md_preflight_tls(&with, "127.0.0.1", "1.0.0.127.in-addr.arpa", "00", kit_pool),
                MD_FAULT_VALIDATION, "127.0.0.1 leads to 127.0.0.1, and port 443 cannot be reached there");
}
END_TEST

Suite *suite_acme_preflight(void)
{
    Suite *suite = suite_create("acme/preflight");
    TCase *tests = kit_case(suite, "answers");

    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, the_right_answer_is_fine);
    tcase_add_test(tests, this_machine_is_asked_at_its_local_port);
    tcase_add_test(tests, an_address_of_six_is_written_in_brackets);
    tcase_add_test(tests, a_redirect_to_another_host_is_followed_there);
    tcase_add_loop_test(tests, what_is_wrong_is_told, 0, 7);
    tcase_add_test(tests, who_cannot_be_reached_is_told_and_who_stops_us_is_not_blamed);
    tcase_add_test(tests, nobody_answers_a_handshake);
    return suite;
}
