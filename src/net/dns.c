/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thin layer over ldns: its objects end with the call that made them.
 */
#include <apr_network_io.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "net/dns_inside.h"

enum {
    SECONDS_EACH = 3,
    TRIES = 2,
    RECORDS_MAX = 256,
    CRITICAL = 0x80,
    LINKS_MAX = 8,
    SERVERS_MAX = 16,
    TEXT_MAX = 4096
};

static apr_status_t close_dns(void *data)
{
    ldns_resolver_deep_free(((md_dns *)data)->resolver);
    return APR_SUCCESS;
}

static md_err *bad_server(const char *server, const char *why, apr_pool_t *p)
{
    return md_fail(p, MD_FAULT_CONFIG, "md:dns", "%s cannot be used as name server: %s", server, why);
}

static int split_server(const char *server, apr_pool_t *p, char **host, apr_port_t *port)
{
    char *scope = NULL;

    *host = NULL;
    *port = 0;
    if (*server != '[' && strchr(server, ':') != strrchr(server, ':')) /* IPv6 alone */
        server = apr_pstrcat(p, "[", server, "]", NULL);
    return !apr_parse_addr_port(host, &scope, port, server, p) && *host;
}

const char *md_dns_server_host(const char *server, apr_pool_t *p)
{
    apr_port_t port;
    char *host;

    return split_server(server, p, &host, &port) ? host : server;
}

/** A resolver for one server. */
static md_err *one_server(const char *server, apr_pool_t *p, ldns_resolver **out)
{
    char *host;
    apr_port_t port;
    ldns_rdf *address;

    *out = NULL;
    if (!split_server(server, p, &host, &port))
        return bad_server(server, "it is no address", p);
    address = ldns_rdf_new_frm_str(strchr(host, ':') ? LDNS_RDF_TYPE_AAAA : LDNS_RDF_TYPE_A, host);
    if (!address)
        return bad_server(server, "it is no address", p);
    *out = ldns_resolver_new();
    if (*out && ldns_resolver_push_nameserver(*out, address) != LDNS_STATUS_OK) {
        ldns_resolver_deep_free(*out);
        *out = NULL;
    }
    ldns_rdf_deep_free(address);
    if (!*out)
        abort();
    if (port)
        ldns_resolver_set_port(*out, port);
    return NULL;
}

const char *md_dns_server_reason(const char *server, apr_pool_t *p)
{
    ldns_resolver *resolver = NULL;
    md_err *err = one_server(server, p, &resolver);

    ldns_resolver_deep_free(resolver);
    return err ? md_err_text(err, p) : NULL;
}

md_err *md_dns_open(const char *server, apr_pool_t *p, md_dns **out)
{
    const struct timeval each = { .tv_sec = SECONDS_EACH };
    ldns_resolver *resolver = NULL;
    ldns_status status;

    if (server) {
        MD_TRY(one_server(server, p, &resolver));
    } else {
        status = ldns_resolver_new_frm_file(&resolver, NULL);
        if (status != LDNS_STATUS_OK)
            return md_fail(p, MD_FAULT_LOCAL, "md:dns", "the system's name servers cannot be told: %s",
                           ldns_get_errorstr_by_id(status));
    }
    ldns_resolver_set_timeout(resolver, each);
    ldns_resolver_set_retry(resolver, TRIES);
    *out = apr_palloc(p, sizeof(**out));
    (*out)->resolver = resolver;
    apr_pool_cleanup_register(p, *out, close_dns, apr_pool_cleanup_null);
    return NULL;
}

/** What a name server says; *packet is the caller's to free, also NULL. */
static md_err *ask(md_dns *dns, const char *name, ldns_rr_type type, apr_pool_t *p, ldns_pkt **packet)
{
    ldns_rdf *question = ldns_dname_new_frm_str(name);
    ldns_status status = LDNS_STATUS_INVALID_STR;
    ldns_pkt_rcode code;

    *packet = NULL;
    if (question)
        status = ldns_resolver_query_status(packet, dns->resolver, question, type, LDNS_RR_CLASS_IN, LDNS_RD);
    ldns_rdf_deep_free(question);
    if (status != LDNS_STATUS_OK || !*packet)
        return md_fail(p, MD_FAULT_REMOTE, "md:dns", "no answer to a DNS question about %s: %s", name,
                       ldns_get_errorstr_by_id(status));
    code = ldns_pkt_get_rcode(*packet);
    if (code == LDNS_RCODE_NOERROR || code == LDNS_RCODE_NXDOMAIN)
        return NULL;
    return md_fail(
        p, MD_FAULT_REMOTE, "md:dns", "the name server cannot answer a question about %s: %s", name,
        code == LDNS_RCODE_SERVFAIL ? "SERVFAIL (its own servers may be out of order, or DNSSEC broken)"
                                    : apr_psprintf(p, "error code %d", (int)code));
}

typedef void take_record(const ldns_rr *record, void *into);

/** Asks and hands out every answer of the type. */
static md_err *ask_each(md_dns *dns, const char *name, ldns_rr_type type, take_record *take, void *into,
                        apr_pool_t *p)
{
    ldns_pkt *packet;
    md_err *err = ask(dns, name, type, p, &packet);
    const ldns_rr_list *answers = err ? NULL : ldns_pkt_answer(packet);

    for (size_t i = 0; answers && i < ldns_rr_list_rr_count(answers) && i < RECORDS_MAX; ++i)
        if (ldns_rr_get_type(ldns_rr_list_rr(answers, i)) == type)
            take(ldns_rr_list_rr(answers, i), into);
    ldns_pkt_free(packet);
    return err;
}

static void take_address(const ldns_rr *record, void *into)
{
    md_names *names = into;
    char *text = ldns_rdf2str(ldns_rr_rdf(record, 0));

    if (text)
        md_names_add_new(names, apr_pstrdup(names->pool, text));
    LDNS_FREE(text);
}

md_err *md_dns_addresses(md_dns *dns, const char *name, apr_pool_t *p, md_names **out)
{
    *out = md_names_make(p);
    if (md_is_address(name)) {
        md_names_add(*out, name);
        return NULL;
    }
    MD_TRY(ask_each(dns, name, LDNS_RR_TYPE_A, take_address, *out, p));
    return ask_each(dns, name, LDNS_RR_TYPE_AAAA, take_address, *out, p);
}

static const char *text_of(const ldns_rdf *rdf, size_t from, apr_pool_t *p)
{
    const size_t size = ldns_rdf_size(rdf);

    return size < from ? "" : apr_pstrmemdup(p, (const char *)ldns_rdf_data(rdf) + from, size - from);
}

/** Flags, tag (with an octet for its length), value. */
static void take_caa(const ldns_rr *record, void *into)
{
    apr_array_header_t *records = into;
    const ldns_rdf *flags = ldns_rr_rdf(record, 0), *tag = ldns_rr_rdf(record, 1),
                   *value = ldns_rr_rdf(record, 2);

    if (flags && tag && value)
        APR_ARRAY_PUSH(records, md_caa) = (md_caa){ .critical = ldns_rdf2native_int8(flags) & CRITICAL,
                                                    .tag = text_of(tag, 1, records->pool),
                                                    .value = text_of(value, 0, records->pool) };
}

md_err *md_dns_caa(md_dns *dns, const char *name, apr_pool_t *p, apr_array_header_t **out, const char **at)
{
    *out = apr_array_make(p, 4, sizeof(md_caa));
    *at = NULL;
    if (md_is_wildcard(name))
        name += 2;
    for (; name && *name; name = strchr(name, '.') ? strchr(name, '.') + 1 : NULL) {
        MD_TRY(ask_each(dns, name, LDNS_RR_TYPE_CAA, take_caa, *out, p));
        if ((*out)->nelts) {
            *at = name;
            return NULL;
        }
    }
    return NULL;
}

/** The strings of a record, each with an octet for its length. */
static void take_text(const ldns_rr *record, void *into)
{
    md_names *texts = into;
    const char *text = "";

    for (size_t i = 0; i < ldns_rr_rd_count(record) && strlen(text) < TEXT_MAX; ++i)
        text = apr_pstrcat(texts->pool, text, text_of(ldns_rr_rdf(record, i), 1, texts->pool), NULL);
    md_names_add(texts, text);
}

md_err *md_dns_texts(md_dns *dns, const char *name, apr_pool_t *p, md_names **out)
{
    *out = md_names_make(p);
    return ask_each(dns, name, LDNS_RR_TYPE_TXT, take_text, *out, p);
}

const char *md_dns_name_text(const ldns_rdf *name, apr_pool_t *p)
{
    char *text = name ? ldns_rdf2str(name) : NULL;
    const char *out = md_lower(text ? text : "", p);
    const size_t length = strlen(out);

    LDNS_FREE(text);
    return length > 1 && out[length - 1] == '.' ? apr_pstrmemdup(p, out, length - 1) : out;
}

static void take_name(const ldns_rr *record, void *into)
{
    md_names *names = into;

    md_names_add(names, md_dns_name_text(ldns_rr_rdf(record, 0), names->pool));
}

md_err *md_dns_follow(md_dns *dns, const char *name, apr_pool_t *p, const char **out)
{
    *out = name;
    for (int i = 0; i <= LINKS_MAX; ++i) {
        md_names *targets = md_names_make(p);

        MD_TRY(ask_each(dns, *out, LDNS_RR_TYPE_CNAME, take_name, targets, p));
        if (!targets->nelts)
            return NULL;
        *out = MD_NAME(targets, 0);
    }
    return md_fail(p, MD_FAULT_CONFIG, "md:dns", "more than %d CNAME records follow one another from %s",
                   LINKS_MAX, name);
}

/** A record of the answer belongs to the name that was asked for, or to where its CNAME led. */
static void take_owner(const ldns_rr *record, void *into)
{
    md_names *names = into;

    md_names_add(names, md_dns_name_text(ldns_rr_owner(record), names->pool));
}

md_err *md_dns_zone(md_dns *dns, const char *name, apr_pool_t *p, const char **zone)
{
    for (const char *at = name; at && *at; at = strchr(at, '.') ? strchr(at, '.') + 1 : NULL) {
        md_names *owners = md_names_make(p);

        MD_TRY(ask_each(dns, at, LDNS_RR_TYPE_SOA, take_owner, owners, p));
        if (md_names_has(owners, at)) {
            *zone = at;
            return NULL;
        }
    }
    return md_fail(p, MD_FAULT_CONFIG, "md:dns", "no zone was found that %s is in", name);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

md_err *md_dns_servers(md_dns *dns, const char *zone, apr_pool_t *p, md_names **out)
{
    md_names *hosts = md_names_make(p), *addresses;

    *out = md_names_make(p);
    MD_TRY(ask_each(dns, zone, LDNS_RR_TYPE_NS, take_name, hosts, p));
    for (int i = 0; i < hosts->nelts && (*out)->nelts < SERVERS_MAX; ++i) {
        MD_TRY(md_dns_addresses(dns, MD_NAME(hosts, i), p, &addresses));
        for (int k = 0; k < addresses->nelts && (*out)->nelts < SERVERS_MAX; ++k)
            md_names_add_new(*out, MD_NAME(addresses, k));
    }
    qsort((*out)->elts, (size_t)(*out)->nelts, (size_t)(*out)->elt_size, by_text);
    if ((*out)->nelts)
        return NULL;
    return md_fail(p, MD_FAULT_REMOTE, "md:dns", "no name server of the zone %s has an address", zone);
}
