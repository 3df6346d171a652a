/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One update a call, over TCP: it is not lost, and its answer is not cut.
 */
#include "net/dns_update.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/dns_inside.h"

enum { TTL = 60, FUDGE = 300, TRIES = 1, STRING_MAX = 255 };

/** ldns wants the full domain name of the algorithm. */
static const char *algorithm_name(const md_dns_authority *to, apr_pool_t *p)
{
    return strcasecmp(to->algorithm, "hmac-md5") ? apr_pstrcat(p, md_lower(to->algorithm, p), ".", NULL)
                                                 : "hmac-md5.sig-alg.reg.int.";
}

static const char *key_name(const md_dns_authority *to, apr_pool_t *p)
{
    const size_t length = strlen(to->key);

    return length && to->key[length - 1] == '.' ? to->key : apr_pstrcat(p, to->key, ".", NULL);
}

/** Of the copy that ldns makes. */
static apr_status_t cleanse_secret(void *dns)
{
    const char *secret = ldns_resolver_tsig_keydata(((md_dns *)dns)->resolver);

    if (secret)
        explicit_bzero((void *)(apr_uintptr_t)secret, strlen(secret));
    return APR_SUCCESS;
}

/** A resolver that signs what it sends. */
static md_err *open_signed(const md_dns_authority *to, apr_pool_t *p, md_dns **dns)
{
    MD_TRY(md_dns_open(to->server, p, dns));
    ldns_resolver_set_tsig_keyname((*dns)->resolver, key_name(to, p));
    ldns_resolver_set_tsig_keydata((*dns)->resolver, to->secret);
    ldns_resolver_set_tsig_algorithm((*dns)->resolver, algorithm_name(to, p));
    apr_pool_cleanup_register(p, *dns, cleanse_secret, apr_pool_cleanup_null);
    ldns_resolver_set_usevc((*dns)->resolver, true);
    ldns_resolver_set_retry((*dns)->resolver, TRIES);
    return NULL;
}

/** The record; removing is written as another class (RFC 2136 2.5.4). NULL: it cannot be made. */
static ldns_rr *make_record(const char *name, const char *text, int add)
{
    ldns_rr *record = ldns_rr_new();
    ldns_rdf *owner = ldns_dname_new_frm_str(name);
    size_t left = strlen(text);

    if (!record || !owner) {
        ldns_rr_free(record);
        ldns_rdf_deep_free(owner);
        return NULL;
    }
    ldns_rr_set_owner(record, owner);
    ldns_rr_set_type(record, LDNS_RR_TYPE_TXT);
    ldns_rr_set_class(record, add ? LDNS_RR_CLASS_IN : LDNS_RR_CLASS_NONE);
    ldns_rr_set_ttl(record, add ? TTL : 0);
    do {
        uint8_t string[1 + STRING_MAX];
        const size_t size = left < STRING_MAX ? left : STRING_MAX;

        string[0] = (uint8_t)size;
        memcpy(string + 1, text, size);
        ldns_rr_push_rdf(record, ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR, size + 1, string));
        text += size;
        left -= size;
    } while (left);
    return record;
}

/** The update, not signed yet; NULL: it cannot be made. The caller frees it. */
static ldns_pkt *make_update(const char *zone, const char *name, const char *text, int add)
{
    ldns_rdf *of = ldns_dname_new_frm_str(zone);
    ldns_rr *record = make_record(name, text, add);
    ldns_rr_list *records = ldns_rr_list_new();
    ldns_pkt *update = NULL;

    if (of && record && records && ldns_rr_list_push_rr(records, record)) {
        record = NULL;
        update = ldns_update_pkt_new(of, LDNS_RR_CLASS_IN, NULL, records, NULL);
        if (update)
            of = NULL; /* which has it now */
    }
    ldns_rdf_deep_free(of);
    ldns_rr_free(record);
    ldns_rr_list_deep_free(records);
    return update;
}

static ldns_status sign(ldns_pkt *update, const md_dns_authority *to, apr_pool_t *p)
{
    ldns_pkt_set_random_id(update);
    return ldns_pkt_tsig_sign(update, key_name(to, p), to->secret, FUDGE, algorithm_name(to, p), NULL);
}

static int is_base64(const char *text)
{
    const size_t length = strlen(text);
    const size_t digits = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

    return digits && length % 4 == 0 && length - digits <= 2 && strspn(text + digits, "=") == length - digits;
}

/** Asked before ldns is, which leaks what it has made so far where something is wrong. */
static int can_sign(const md_dns_authority *to, apr_pool_t *p)
{
    static const char *const algorithms[] = { "hmac-md5", "hmac-sha1", "hmac-sha256", "hmac-sha384",
                                              "hmac-sha512" };
    ldns_rdf *name = ldns_dname_new_frm_str(key_name(to, p));
    int known = 0;

    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); ++i)
        known |= !strcasecmp(to->algorithm, algorithms[i]);
    known = known && name;
    ldns_rdf_deep_free(name);
    return known && is_base64(to->secret);
}

const char *md_dns_authority_reason(const md_dns_authority *to, apr_pool_t *p)
{
    static const char *const useless = "a request cannot be signed with it: the algorithm is one like "
                                       "hmac-sha256, and the secret base64 text";
    const char *why = md_dns_server_reason(to->server, p);
    ldns_pkt *update;
    ldns_status status;

    if (why || !*to->secret)
        return why ? why : "the secret is empty";
    if (!can_sign(to, p))
        return useless;
    update = make_update("example.org", "name.example.org", "text", 1);
    if (!update)
        abort();
    status = sign(update, to, p);
    ldns_pkt_free(update);
    return status == LDNS_STATUS_OK ? NULL : useless;
}

/** What a refusal means, for whoever configured the server and us. */
static md_err *refusal(const md_dns_authority *to, const char *zone, const char *name, ldns_pkt_rcode code,
                       apr_pool_t *p)
{
    const char *why = apr_psprintf(p, "it answers with the error code %d", (int)code);

    switch (code) {
    case LDNS_RCODE_REFUSED:
        why =
            apr_psprintf(p, "it refuses: allow the key %s to update this name in its configuration", to->key);
        break;
    case LDNS_RCODE_NOTAUTH:
        why = apr_psprintf(p,
                           "it does not have this zone, or does not know the key %s or its secret, or the "
                           "clocks differ by minutes",
                           to->key);
        break;
    case LDNS_RCODE_NOTZONE: why = "the name is not in this zone"; break;
    case LDNS_RCODE_SERVFAIL: why = "it failed; see its log. Is its zone file writable for it?"; break;
    case LDNS_RCODE_NOTIMPL: why = "it does not do dynamic updates"; break;
    default: break;
    }
    return md_fail(p, MD_FAULT_CONFIG, "md:dns-update",
                   "the name server %s did not change %s in the zone %s: %s", to->server, name, zone, why);
}

static md_err *send_update(md_dns *dns, const md_dns_authority *to, ldns_pkt *update, const char *zone,
                           const char *name, apr_pool_t *p)
{
    ldns_pkt *answer = NULL;
    ldns_status status = sign(update, to, p);
    md_err *err = NULL;

    if (status == LDNS_STATUS_OK)
        status = ldns_resolver_send_pkt(&answer, dns->resolver, update);
    if (status == LDNS_STATUS_CRYPTO_TSIG_BOGUS)
        err = md_fail(p, MD_FAULT_CONFIG, "md:dns-update",
                      "the name server %s does not accept the key %s for %s: is it allowed to update this "
                      "name there, are its name, algorithm and secret the same, and do the clocks agree?",
                      to->server, to->key, name);
    else if (status != LDNS_STATUS_OK || !answer)
        err = md_fail(p, MD_FAULT_REMOTE, "md:dns", "the name server %s does not answer to an update: %s",
                      to->server, ldns_get_errorstr_by_id(status));
    else if (ldns_pkt_get_rcode(answer) != LDNS_RCODE_NOERROR)
        err = refusal(to, zone, name, ldns_pkt_get_rcode(answer), p);
    ldns_pkt_free(answer);
    return err;
}

md_err *md_dns_set_text(const md_dns_authority *to, const char *name, const char *text, int add,
                        apr_pool_t *p)
{
    const char *zone = to->zone;
    ldns_pkt *update;
    md_dns *dns;
    md_err *err;

    if (!zone) { /* an ordinary question: the key may be for updates alone */
        MD_TRY(md_dns_open(to->server, p, &dns));
        err = md_dns_zone(dns, name, p, &zone);
        if (err)
            return md_wrap(p, err, "the name server %s cannot tell the zone that %s is in", to->server, name);
    }
    MD_TRY(open_signed(to, p, &dns));
    update = make_update(zone, name, text, add);
    if (!update)
        return md_fail(p, MD_FAULT_CONFIG, "md:dns-update", "%s is no name that a zone can have", name);
    err = send_update(dns, to, update, zone, name, p);
    ldns_pkt_free(update);
    return err;
}
