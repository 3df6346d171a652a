/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world's view of a domain: the questions that a certificate authority will ask, asked before it does.
 */
#include <apr_file_info.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <string.h>

#include "acme/caa.h"
#include "acme/solver.h"
#include "cli/check.h"
#include "net/address.h"
#include "store/creds.h"
#include "tls/probe.h"

#define ANSWER_MAX     apr_time_from_sec(10)
#define CONNECT_MAX    apr_time_from_sec(5)
#define CLOCK_MAX      apr_time_from_sec(300)
#define CLOCK_ADVICE   "set the clock, and let NTP keep it"
#define CHALLENGE_FILE "acme-http-01.txt"

enum { ADDRESSES_MAX = 4, TOKEN_BYTES = 16 };

/** What is asked for one domain. */
typedef struct asking {
    md_cli *cli;
    const md_online *how;
    const md_domain *domain;
    md_dns *dns;
    const md_names *ours; /* addresses of this machine */
    apr_array_header_t *checks;
} asking;

/** Judges what came back for a token that is in the store. */
static void judge_answer(const asking *ask, const char *at, const md_http_response *response,
                         const char *text)
{
    const char *location = md_http_header(response, "Location");
    const int same = response->body.size == strlen(text) && !memcmp(response->body.data, text, strlen(text));

    if (response->status == 200 && same)
        md_check_add(ask->checks, MD_CHECK_OK, "http", NULL, "%s answers challenges", at);
    else if (response->status / 100 == 3 && location)
        md_check_add(ask->checks, MD_CHECK_WARN, "http",
                     "leave /.well-known/acme-challenge/ out of redirects", "%s redirects challenges to %s",
                     at, md_excerpt(md_bytes_of(location), 120, ask->cli->p));
    else
        md_check_add(ask->checks, MD_CHECK_BAD, "http",
                     "let requests for this name reach this server; no proxy or other server may answer them",
                     "%s does not give the challenge that is in the store (HTTP status %d)", at,
                     response->status);
}

static void ask_http(const asking *ask, const char *name, const char *address)
{
    static const md_http_options options = { .user_agent = MD_CLI_AGENT,
                                             .connect_timeout = CONNECT_MAX,
                                             .total_timeout = ANSWER_MAX };
    apr_pool_t *p = ask->cli->p;
    unsigned char bytes[TOKEN_BYTES];
    md_place place = MD_PLACE(MD_GROUP_CHALLENGES, name, CHALLENGE_FILE);
    md_http_request request = { .method = "GET" };
    md_http_route route = { .connect_to = md_address_with_port(address, ask->how->http_port, p) };
    const char *token, *text, *at = apr_psprintf(p, "%s at %s", name, route.connect_to);
    md_http_response response;
    md_http *http;
    md_err *err;

    if (md_store_changed(ask->cli->store, place, p)) {
        md_check_add(ask->checks, MD_CHECK_OK, "http", NULL, "%s is being proved right now; not tried", name);
        return;
    }
    apr_generate_random_bytes(bytes, sizeof(bytes));
    token = md_b64url((md_bytes){ (const char *)bytes, sizeof(bytes) }, p);
    text = apr_pstrcat(p, token, ".check", NULL);
    request.url = apr_psprintf(p, "http://%s/.well-known/acme-challenge/%s", name, token);
    http = md_http_open(&options);
    err = md_store_save_text(ask->cli->store, place, text, p);
    if (!err)
        err = md_http_send(http, &request, &route, p, &response);
    md_http_close(http);
    if (err)
        md_check_add(ask->checks, MD_CHECK_BAD, "http",
                     "see that a server runs, listens there, and no firewall is in between", "%s: %s", at,
                     md_err_text(err, p));
    else
        judge_answer(ask, at, &response, text);
    err = md_store_drop(ask->cli->store, MD_PLACE(MD_GROUP_CHALLENGES, name, NULL), p);
    if (err)
        md_log_err(MD_LOG_WARN, 0, ask->domain->name, "removing the challenge of the check", err,
                   "It does no harm:");
}

/** The certificates of the domain that are stored, or NULL for one that is not. */
static int is_stored(const asking *ask, const md_cert_facts *served)
{
    const md_key_specs *specs = ask->domain->policy.keys;

    for (int i = 0; i < specs->nelts; ++i)
        for (int group = 0; group < 2; ++group) {
            md_cert_facts *facts;

            if (!md_creds_load_facts(ask->cli->store, group ? MD_GROUP_STAGING : MD_GROUP_DOMAINS,
                                     ask->domain->name, MD_SPEC(specs, i), ask->cli->p, &facts) &&
                facts && !strcmp(facts->sha256, served->sha256))
                return 1;
        }
    return 0;
}

static void ask_https(const asking *ask, const char *name, const char *address)
{
    const md_probe_target target = {
        .host = address, .port = (unsigned short)ask->how->https_port, .sni = name, .timeout = CONNECT_MAX
    };
    apr_pool_t *p = ask->cli->p;
    const char *at = apr_psprintf(p, "%s at %s", name, md_address_with_port(address, target.port, p));
    md_cert_facts served;
    md_err *err = md_probe(&target, p, &served);

    if (err)
        md_check_add(ask->checks, MD_CHECK_WARN, "https",
                     "see that a server runs, listens there, and no firewall is in between", "%s: %s", at,
                     md_err_text(err, p));
    else if (is_stored(ask, &served))
        md_check_add(ask->checks, MD_CHECK_OK, "https", NULL, "%s serves the managed certificate", at);
    else
        md_check_add(ask->checks, MD_CHECK_WARN, "https",
                     served.self_signed ? "nothing, while the first certificate is on its way"
                                        : "see which server answers there, and with which SSLCertificateFile",
                     "%s serves a %s that is not the managed one (issued by %s)", at,
                     served.self_signed ? "self-signed certificate" : "certificate", served.issuer);
}

static void ask_address(const asking *ask, const char *name, const char *address, int proves_by_http)
{
    if (!md_names_has(ask->ours, address))
        md_check_add(ask->checks, MD_CHECK_WARN, "dns",
                     "nothing, if a router or proxy hands requests on to this machine",
                     "%s has the address %s, which is not of this machine", name, address);
    else
        md_check_add(ask->checks, MD_CHECK_OK, "dns", NULL, "%s has the address %s of this machine", name,
                     address);
    if (proves_by_http)
        ask_http(ask, name, address);
    ask_https(ask, name, address);
}

static void ask_addresses(const asking *ask, const char *name, const md_names *types)
{
    const int by_http = md_names_has(types, "http-01");
    const int by_port = by_http || md_names_has(types, "tls-alpn-01");
    md_names *addresses;
    md_err *err = md_dns_addresses(ask->dns, name, ask->cli->p, &addresses);

    if (err)
        md_check_add(ask->checks, MD_CHECK_BAD, "dns", "mend the zone or its name servers", "%s",
                     md_err_text(err, ask->cli->p));
    else if (!addresses->nelts)
        md_check_add(ask->checks, by_port ? MD_CHECK_BAD : MD_CHECK_WARN, "dns",
                     "add A or AAAA records for it, or remove the name", "%s has no address", name);
    for (int i = 0; !err && i < addresses->nelts && i < ADDRESSES_MAX; ++i)
        ask_address(ask, name, MD_NAME(addresses, i), by_http);
}

static void ask_caa(const asking *ask, const char *name, const md_caa_asker *asker)
{
    apr_pool_t *p = ask->cli->p;
    apr_array_header_t *records;
    const char *at, *why;
    md_err *err = md_dns_caa(ask->dns, name, p, &records, &at);

    if (err) {
        md_check_add(ask->checks, MD_CHECK_BAD, "caa",
                     "mend the zone or its name servers: without an answer no CA issues", "%s",
                     md_err_text(err, p));
        return;
    }
    if (!records->nelts) {
        md_check_add(ask->checks, MD_CHECK_OK, "caa", NULL, "%s has no CAA records: every CA may issue",
                     name);
        return;
    }
    if (!asker->identities) {
        md_check_add(ask->checks, MD_CHECK_WARN, "caa", "see in the CA's documentation which name it goes by",
                     "%s has CAA records, and the CA does not tell its name in them", at);
        return;
    }
    why = md_caa_reason(records, name, asker, p);
    if (why)
        md_check_add(ask->checks, MD_CHECK_BAD, "caa",
                     apr_psprintf(p, "add the record: %s. CAA 0 %s \"%s\"", at,
                                  md_is_wildcard(name) ? "issuewild" : "issue", asker->identities[0]),
                     "the CAA records of %s do not let the CA issue for %s: %s", at, name, why);
    else
        md_check_add(ask->checks, MD_CHECK_OK, "caa", NULL, "the CAA records of %s let the CA issue for %s",
                     at, name);
}

/** Compares the clock with the CA's. */
static void ask_clock(const asking *ask, const md_call *call, const char *url)
{
    const md_http_request request = { .method = "GET", .url = url };
    md_http_response response;
    apr_time_t theirs;

    if (md_http_send(call->http, &request, call->route, ask->cli->p, &response))
        return; /* it answered a moment ago */
    theirs = md_date_read(md_http_header(&response, "Date") ? md_http_header(&response, "Date") : "");
    if (!theirs)
        return;
    if (theirs - apr_time_now() > CLOCK_MAX || apr_time_now() - theirs > CLOCK_MAX)
        md_check_add(
            ask->checks, MD_CHECK_BAD, "clock", CLOCK_ADVICE, "the clock of this machine is %s %s",
            md_duration_words(theirs > apr_time_now() ? theirs - apr_time_now() : apr_time_now() - theirs,
                              ask->cli->p),
            theirs > apr_time_now() ? "slow" : "fast");
    else
        md_check_add(ask->checks, MD_CHECK_OK, "clock", NULL, "the clock agrees with that of %s",
                     md_ca_shown(url, ask->cli->p));
}

/** The way to the domain's CA, or NULL when it cannot be reached; each is asked once. */
static const md_call *ask_ca(const asking *ask)
{
    apr_pool_t *p = ask->cli->p;
    const char *url = ask->cli->ca_url ? ask->cli->ca_url : md_domain_ca_url(ask->domain);
    md_call *call = apr_hash_get(ask->how->cas, url, APR_HASH_KEY_STRING);
    md_err *err;

    if (call)
        return call->ca ? call : NULL;
    call = apr_pcalloc(p, sizeof(*call));
    apr_hash_set(ask->how->cas, url, APR_HASH_KEY_STRING, call);
    err = md_cli_call(ask->cli, url, NULL, call);
    if (err) {
        md_check_add(ask->checks, MD_CHECK_BAD, "ca", md_err_advice(err), "%s", md_err_text(err, p));
        call->ca = NULL;
        return NULL;
    }
    md_check_add(ask->checks, MD_CHECK_OK, "ca", NULL, "%s can be reached", md_ca_shown(url, p));
    ask_clock(ask, call, url);
    return call;
}

md_err *md_check_online(md_cli *cli, const md_online *how, const md_domain *domain,
                        apr_array_header_t *checks)
{
    asking ask = {
        .cli = cli, .how = how, .domain = domain, .ours = md_addresses_of_machine(cli->p), .checks = checks
    };
    const md_call *call = ask_ca(&ask);
    const md_directory *directory = call ? md_ca_directory(call->ca, md_now(call->clock)) : NULL;
    md_caa_asker asker = { .identities = directory ? directory->caa : NULL };

    MD_TRY(md_dns_open(how->resolver, cli->p, &ask.dns));
    for (int i = 0; i < domain->names->nelts; ++i) {
        const char *name = MD_NAME(domain->names, i), *why;
        const md_names *types = md_solver_types(cli->plan, domain, name, cli->p, &why);

        asker.methods = types->nelts ? types : NULL;
        if (!md_is_wildcard(name))
            ask_addresses(&ask, name, types);
        ask_caa(&ask, name, &asker);
    }
    return NULL;
}
