/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests as responders see them, and what comes of their answers.
 */
#include "ocsp/ask.h"

#include <apr_strings.h>
#include <openssl/ocsp.h>
#include <string.h>

#include "kit/fake_responder.h"
#include "kit/kit.h"

static fake_responder *to;
static md_ocsp_way way;
static md_ocsp_reply reply;
static md_http_options options;
static apr_time_t now;

static void set_up(void)
{
    to = fake_responder_make("a.test", NULL, kit_pool);
    options = (md_http_options){ .send = fake_responder_send, .self = to };
    way = (md_ocsp_way){ .http = md_http_open(&options), .url = "http://ocsp.test/ca" };
    now = apr_time_now();
}

static void tear_down(void)
{
    md_http_close(way.http);
}

static md_err *ask(void)
{
    return md_ocsp_ask(&way, to->chain, now, kit_pool, &reply);
}

START_TEST(a_question_is_posted_with_a_nonce)
{
    const unsigned char *at;
    OCSP_REQUEST *asked;

    CHECK_OK(ask());
    ck_assert_str_eq(to->method, "POST");
    ck_assert_str_eq(to->url, "http://ocsp.test/ca");
    at = (const unsigned char *)to->request.data;
    asked = d2i_OCSP_REQUEST(NULL, &at, (long)to->request.size);
    ck_assert_int_ge(OCSP_REQUEST_get_ext_by_NID(asked, NID_id_pkix_OCSP_Nonce, -1), 0);
    OCSP_REQUEST_free(asked);
    ck_assert_int_eq(reply.staple.status, MD_OCSP_GOOD);
    ck_assert_uint_gt(reply.staple.response.size, 0);
    ck_assert_int_eq(reply.no_sooner, 0);
}
END_TEST

START_TEST(by_get_the_question_is_in_the_url)
{
    md_bytes der;

    way.get = 1;
    CHECK_OK(ask());
    CHECK_OK(md_ocsp_request(to->chain, (md_ocsp_form){ .nonce = 0 }, kit_pool, &der));
    ck_assert_str_eq(to->method, "GET");
    ck_assert_int_eq(strncmp(to->url, "http://ocsp.test/ca/M", 21), 0);
    ck_assert_ptr_null(strpbrk(to->url + 20, "+=-_/"));
    ck_assert_uint_ge(strlen(to->url), 20 + der.size * 4 / 3);
}
END_TEST

/* HTTP status; is GET worth a try, type. */
static const struct {
    int status, get;
    const char *type;
} refusals[] = { { 405, 1, "md:ocsp-refused" }, { 404, 1, "md:ocsp-refused" }, { 501, 1, "md:ocsp-busy" },
                 { 500, 0, "md:ocsp-busy" },    { 503, 0, "md:ocsp-busy" },    { 429, 0, "md:ocsp-busy" },
                 { 302, 0, "md:ocsp-refused" } };

START_TEST(refusals_by_http_name_responder_and_status)
{
    md_err *err;

    to->status = refusals[_i].status;
    err = ask();
    CHECK_FAILS(err, MD_FAULT_REMOTE, "the OCSP responder http://ocsp.test/ca: it answers with HTTP status");
    ck_assert_str_eq(err->type, refusals[_i].type);
    ck_assert_int_eq(reply.refuses_post, refusals[_i].get);
    ck_assert(reply.reached);
    way.get = 1;
    ck_assert(ask() && !reply.refuses_post);
}
END_TEST

START_TEST(a_busy_responder_says_until_when)
{
    to->status = 503;
    to->header = "Retry-After";
    to->value = "120";
    ck_assert_int_eq(ask()->not_before, now + apr_time_from_sec(120));
}
END_TEST

START_TEST(failures_of_the_way_are_told_apart)
{
    md_err *err;

    to->unreachable = 1;
    err = ask();
    ck_assert_str_eq(err->type, "md:ocsp-unreachable");
    ck_assert(!reply.reached && !reply.refuses_post);
    ck_assert_ptr_nonnull(strstr(md_err_advice(err), "OCSP responder"));
}
END_TEST

START_TEST(nonsense_is_no_reason_for_get)
{
    to->body = "<html>";
    CHECK_FAILS(ask(), MD_FAULT_REMOTE, "no OCSP response");
    ck_assert(!reply.refuses_post);
}
END_TEST

static const struct {
    const char *header, *value;
    int seconds; /* 0: says nothing */
} hints[] = {
    { "Cache-Control", "max-age=3600", 3600 },
    { "Cache-Control", "public, no-transform, Max-Age=60, must-revalidate", 60 },
    { "Cache-Control", "no-cache", 0 },
    { "Cache-Control", "s-max-age=60", 0 },
    { "Cache-Control", "max-age=soon", 0 },
    { "Cache-Control", "max-age=99999999999999999999", 30 * 86400 },
    { "Retry-After", "90", 90 },
    { "Expires", "0", 0 },
};

START_TEST(hints_of_the_responder_are_read)
{
    to->header = hints[_i].header;
    to->value = hints[_i].value;
    CHECK_OK(ask());
    ck_assert_int_eq(reply.no_sooner, hints[_i].seconds ? now + apr_time_from_sec(hints[_i].seconds) : 0);
}
END_TEST

Suite *suite_ocsp_ask(void)
{
    Suite *suite = suite_create("ocsp/ask");
    TCase *tcase = kit_case(suite, "questions");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_question_is_posted_with_a_nonce);
    tcase_add_test(tcase, by_get_the_question_is_in_the_url);
    KIT_ADD_ROWS(tcase, refusals_by_http_name_responder_and_status, refusals);
    tcase_add_test(tcase, a_busy_responder_says_until_when);
    tcase_add_test(tcase, failures_of_the_way_are_told_apart);
    tcase_add_test(tcase, nonsense_is_no_reason_for_get);
    KIT_ADD_ROWS(tcase, hints_of_the_responder_are_read, hints);
    return suite;
}
