/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to a name server of our own, which answers each with the same octets behind the question.
 */
#include "net/dns.h"

#include <apr_strings.h>
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kit/kit.h"

enum { HEADER = 12, PACKET_MAX = 512 };

static struct server {
    int socket, port, questions;
    int pipe[2]; /* closed at the end */
    pthread_t thread;
    const char *answer; /* one record behind the question; NULL: none */
    size_t size;
    int code;         /* of the answer; -1: not DNS at all */
    const char *only; /* the first label that has the answer, or NULL */
} server;

/** Octets of a reply, made in place from the question; its size. */
static size_t reply_to(unsigned char *packet, size_t size)
{
    const int has =
        server.answer && (!server.only || !memcmp(packet + HEADER + 1, server.only, strlen(server.only)));

    if (server.code < 0) {
        memset(packet, 'x', size);
        return size;
    }
    packet[2] |= 0x80;                                       /* QR */
    packet[3] = (unsigned char)(0x80 | server.code);         /* RA, RCODE */
    packet[7] = (unsigned char)has;                          /* ANCOUNT */
    packet[10] = packet[11] = 0;                             /* ARCOUNT */
    size = HEADER + strlen((char *)packet + HEADER) + 1 + 4; /* without EDNS */
    if (has)
        memcpy(packet + size, server.answer, server.size);
    return size + (has ? server.size : 0);
}

static void *serve(void *data)
{
    (void)data;
    for (;;) {
        struct pollfd both[] = { { .fd = server.socket, .events = POLLIN },
                                 { .fd = server.pipe[0], .events = POLLIN } };
        unsigned char packet[2 * PACKET_MAX] = { 0 };
        struct sockaddr_in from;
        socklen_t length = sizeof(from);
        ssize_t size;

        poll(both, 2, -1);
        if (both[1].revents)
            return NULL;
        size = recvfrom(server.socket, packet, PACKET_MAX, 0, (struct sockaddr *)&from, &length);
        ++server.questions;
        if (size > HEADER)
            (void)!sendto(server.socket, packet, reply_to(packet, (size_t)size), 0, (struct sockaddr *)&from,
                          length);
    }
}

static void begin(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof(at);

    memset(&server, 0, sizeof(server));
    server.socket = socket(AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_eq(bind(server.socket, (struct sockaddr *)&at, sizeof(at)), 0);
    ck_assert_int_eq(getsockname(server.socket, (struct sockaddr *)&at, &length), 0);
    server.port = ntohs(at.sin_port);
    ck_assert_int_eq(pipe(server.pipe), 0);
    ck_assert_int_eq(pthread_create(&server.thread, NULL, serve, NULL), 0);
}

static void end(void)
{
    close(server.pipe[1]);
    pthread_join(server.thread, NULL);
    close(server.pipe[0]);
    close(server.socket);
}

static md_dns *open_dns(void)
{
    md_dns *dns;

    CHECK_OK(md_dns_open(apr_psprintf(kit_pool, "127.0.0.1:%d", server.port), kit_pool, &dns));
    return dns;
}

/* A name (that of the question), type, class, time to live, and behind the length the data. */
#define RECORD(type, data) "\xc0\x0c\x00" type "\x00\x01\x00\x00\x00\x3c\x00" data
#define SET_ANSWER(octets)                \
    do {                                  \
        server.answer = octets;           \
        server.size = sizeof(octets) - 1; \
    } while (0)

START_TEST(addresses_are_told)
{
    md_names *names;

    SET_ANSWER(RECORD("\x01", "\x04\xc0\x00\x02\x07"));
    CHECK_OK(md_dns_addresses(open_dns(), "www.example.org", kit_pool, &names));
    ck_assert_str_eq(md_names_join(names, " ", kit_pool), "192.0.2.7");
    ck_assert_int_eq(server.questions, 2);
}
END_TEST

START_TEST(no_such_name_has_no_addresses)
{
    md_names *names;

    server.code = 3; /* NXDOMAIN */
    CHECK_OK(md_dns_addresses(open_dns(), "www.example.org", kit_pool, &names));
    ck_assert_int_eq(names->nelts, 0);
}
END_TEST

#define CAA_RECORD "\xc0\x0c\x01\x01\x00\x01\x00\x00\x00\x3c\x00\x0e\x80\x05issueca.test"

START_TEST(caa_records_are_found_at_the_nearest_parent)
{
    apr_array_header_t *records;
    const char *at;

    SET_ANSWER(CAA_RECORD);
    server.only = "example";
    CHECK_OK(md_dns_caa(open_dns(), "*.a.example.org", kit_pool, &records, &at));
    ck_assert_str_eq(at, "example.org");
    ck_assert_int_eq(server.questions, 2);
    ck_assert_int_eq(records->nelts, 1);
    ck_assert_str_eq(APR_ARRAY_IDX(records, 0, md_caa).tag, "issue");
    ck_assert_str_eq(APR_ARRAY_IDX(records, 0, md_caa).value, "ca.test");
    ck_assert(APR_ARRAY_IDX(records, 0, md_caa).critical);
}
END_TEST

START_TEST(without_caa_records_all_parents_were_asked)
{
    apr_array_header_t *records;
    const char *at;

    CHECK_OK(md_dns_caa(open_dns(), "a.example.org", kit_pool, &records, &at));
    ck_assert_ptr_null(at);
    ck_assert_int_eq(records->nelts, 0);
    ck_assert_int_eq(server.questions, 3);
}
END_TEST

START_TEST(strings_of_a_text_are_joined)
{
    md_names *texts;

    SET_ANSWER(RECORD("\x10", "\x09\x03one\x04 two"));
    CHECK_OK(md_dns_texts(open_dns(), "www.example.org", kit_pool, &texts));
    ck_assert_int_eq(texts->nelts, 1);
    ck_assert_str_eq(MD_NAME(texts, 0), "one two");
}
END_TEST

START_TEST(aliases_are_followed_but_not_for_ever)
{
    const char *at;

    SET_ANSWER(RECORD("\x05", "\x08\x01"
                              "b\x04test\x00"));
    server.only = "www";
    CHECK_OK(md_dns_follow(open_dns(), "www.example.org", kit_pool, &at));
    ck_assert_str_eq(at, "b.test");
    server.only = NULL;
    CHECK_FAILS(md_dns_follow(open_dns(), "www.example.org", kit_pool, &at), MD_FAULT_CONFIG,
                "CNAME records follow one another from www.example.org");
}
END_TEST

START_TEST(a_zone_is_where_its_soa_record_is)
{
    const char *zone;

    SET_ANSWER(RECORD("\x06", "\x16\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00"
                              "\x00\x00\x01\x00\x00\x00\x01"));
    server.only = "example";
    CHECK_OK(md_dns_zone(open_dns(), "_acme-challenge.www.example.org", kit_pool, &zone));
    ck_assert_str_eq(zone, "example.org");
    server.only = "nowhere";
    CHECK_FAILS(md_dns_zone(open_dns(), "www.example.org", kit_pool, &zone), MD_FAULT_CONFIG,
                "no zone was found");
}
END_TEST

START_TEST(a_server_in_trouble_is_a_failure)
{
    md_names *names;

    server.code = 2; /* SERVFAIL */
    CHECK_FAILS(md_dns_addresses(open_dns(), "www.example.org", kit_pool, &names), MD_FAULT_REMOTE,
                "SERVFAIL");
    server.code = 5; /* REFUSED */
    CHECK_FAILS(md_dns_addresses(open_dns(), "www.example.org", kit_pool, &names), MD_FAULT_REMOTE,
                "error code 5");
}
END_TEST

START_TEST(nonsense_is_a_failure)
{
    md_names *names;

    server.code = -1;
    CHECK_FAILS(md_dns_addresses(open_dns(), "www.example.org", kit_pool, &names), MD_FAULT_REMOTE,
                "no answer to a DNS question about www.example.org");
}
END_TEST

START_TEST(what_is_no_address_cannot_be_asked)
{
    static const char *const servers[] = { "ns.example.org", "", "1.2.3", "[::1" };
    md_dns *dns;

    CHECK_FAILS(md_dns_open(servers[_i], kit_pool, &dns), MD_FAULT_CONFIG, "cannot be used as name server");
}
END_TEST

START_TEST(an_address_of_either_kind_can_be_asked)
{
    static const char *const servers[] = { "192.0.2.53", "192.0.2.53:5353", "[::1]:5353", "::1" };
    md_dns *dns;

    CHECK_OK(md_dns_open(servers[_i], kit_pool, &dns));
}
END_TEST

Suite *suite_net_dns(void)
{
    Suite *suite = suite_create("net/dns");
    TCase *tests = kit_case(suite, "questions"), *servers = kit_case(suite, "servers");

    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, addresses_are_told);
    tcase_add_test(tests, no_such_name_has_no_addresses);
    tcase_add_test(tests, caa_records_are_found_at_the_nearest_parent);
    tcase_add_test(tests, without_caa_records_all_parents_were_asked);
    tcase_add_test(tests, strings_of_a_text_are_joined);
    tcase_add_test(tests, aliases_are_followed_but_not_for_ever);
    tcase_add_test(tests, a_zone_is_where_its_soa_record_is);
    tcase_add_test(tests, a_server_in_trouble_is_a_failure);
    tcase_add_test(tests, nonsense_is_a_failure);
    tcase_add_loop_test(servers, what_is_no_address_cannot_be_asked, 0, 4);
    tcase_add_loop_test(servers, an_address_of_either_kind_can_be_asked, 0, 4);
    return suite;
}
