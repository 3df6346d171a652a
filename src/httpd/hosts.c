/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass: settings, domains, the index of names; then each host looks up its own names; then what follows
 * from who found whom.
 */
#include "httpd/hosts.h"

#include <ap_listen.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_main.h>
#include <http_protocol.h>
#include <mpm_common.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "httpd/engines.h"
#include "httpd/match.h"
#include "httpd/sink.h"
#include "plan/limits.h"

#define ACME_TLS "acme-tls/1"

enum { REMARKS_SHOWN = 20 };

/** A pass over one configuration. */
typedef struct hosts {
    server_rec *base;
    md_plan *plan;
    apr_pool_t *p;               /* what stays */
    apr_pool_t *scratch;         /* what does not */
    apr_array_header_t *servers; /* base server first, then as configured */
    md_engines *engines;
    md_match *match;
    apr_hash_t *acme_tls; /* names for which tls-alpn-01 can be answered, see acme_tls_key() */
    int errors;
} hosts;

int md_hosts_is_dry_run(void)
{
    return ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG;
}

static int is_test(void)
{
    return ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST;
}

/** Warnings and details are for the pass that counts. */
static md_level level_of(md_level level)
{
    return md_hosts_is_dry_run() && !is_test() ? MD_LOG_TRACE1 : level;
}

static const char *domain_text(const md_domain *domain, apr_pool_t *p)
{
    return apr_psprintf(p, "%s (%s)", domain->name, md_domain_place(domain, p));
}

const char *md_host_shown(const server_rec *server, apr_pool_t *p)
{
    const char *name = server->server_hostname ? server->server_hostname : "without a name";

    if (!server->is_virtual)
        return apr_psprintf(p, "base server %s", name);
    return apr_psprintf(p, "virtual host %s (%s, line %u)", name, server->defn_name,
                        server->defn_line_number);
}

/* Settings. */

static apr_array_header_t *servers_of(server_rec *base, apr_pool_t *p)
{
    apr_array_header_t *servers = apr_array_make(p, 16, sizeof(server_rec *));

    for (server_rec *s = base; s; s = s->next)
        APR_ARRAY_PUSH(servers, server_rec *) = s;
    /* httpd has them last one first */
    for (int i = 1, k = servers->nelts - 1; i < k; ++i, --k) {
        server_rec *swap = APR_ARRAY_IDX(servers, i, server_rec *);

        APR_ARRAY_IDX(servers, i, server_rec *) = APR_ARRAY_IDX(servers, k, server_rec *);
        APR_ARRAY_IDX(servers, k, server_rec *) = swap;
    }
    return servers;
}

static const char *store_folder(const md_policy *policy, apr_pool_t *p)
{
#if AP_MODULE_MAGIC_AT_LEAST(20180906, 2) /* httpd has a folder for what modules keep */
    if (!md_is_set(policy, MD_FIELD_store_dir))
        return ap_state_dir_relative(p, policy->store_dir);
#endif
    return ap_server_root_relative(p, policy->store_dir);
}

/** Fills the defaults in: once, in the base server; others take them from there. */
static void complete_settings(hosts *pass)
{
    md_server_conf *base = md_conf_of(pass->base);

    md_policy_defaults(base->policy, pass->p);
    for (int i = 1; i < pass->servers->nelts; ++i) {
        md_policy *policy = md_conf_of(APR_ARRAY_IDX(pass->servers, i, server_rec *))->policy;

        if (policy != base->policy)
            md_policy_merge(policy, base->policy, policy);
    }
    base->policy->store_dir = store_folder(base->policy, pass->p);
    pass->plan->policy = *base->policy;
}

/* Contacts. */

static md_names *contacts_of(const char *contact, apr_pool_t *p)
{
    md_names *contacts = apr_array_make(p, 1, sizeof(const char *));

    md_names_add(contacts, md_contact_uri(contact, p));
    return contacts;
}

/** What ServerAdmin says, unless nobody said anything. */
static const char *admin_of(const server_rec *server)
{
    const char *admin = server->server_admin;

    return admin && *admin && strcmp(admin, DEFAULT_ADMIN) ? admin : NULL;
}

/** For domains that neither they nor the base server have a contact for. */
static void take_contact(const hosts *pass, const server_rec *server, md_domain *domain)
{
    const char *contact = md_conf_of(server)->policy->contact;

    if (domain->contacts->nelts)
        return;
    if (contact)
        md_log(level_of(MD_LOG_DEBUG), 10044, "%s: contact from MDContactEmail of the %s", domain->name,
               md_host_shown(server, pass->scratch));
    else if ((contact = admin_of(server)))
        md_log(level_of(MD_LOG_DEBUG), 10237, "%s: contact from ServerAdmin of the %s", domain->name,
               md_host_shown(server, pass->scratch));
    if (contact)
        domain->contacts = contacts_of(contact, pass->p);
}

/* Domains. */

static void complain(hosts *pass, int id, const char *text)
{
    md_log(MD_LOG_ERROR, id, "%s", text);
    ++pass->errors;
}

static void check_files(hosts *pass, const md_domain *domain)
{
    const md_names *certs = domain->policy.cert_files.list, *keys = domain->policy.key_files.list;
    int cert_count = certs ? certs->nelts : 0, key_count = keys ? keys->nelts : 0;

    if (cert_count && cert_count != key_count)
        complain(pass, 10170,
                 apr_psprintf(
                     pass->scratch,
                     "the domain %s has %d MDCertificateFile but %d MDCertificateKeyFile; each certificate "
                     "needs its key, in the same order",
                     domain_text(domain, pass->scratch), cert_count, key_count));
    if (!cert_count && key_count)
        complain(pass, 10171,
                 apr_psprintf(pass->scratch,
                              "the domain %s has an MDCertificateKeyFile but no MDCertificateFile",
                              domain_text(domain, pass->scratch)));
}

static void check_protocol(hosts *pass, const md_domain *domain)
{
    if (strcmp(domain->policy.ca_proto, "ACME"))
        complain(pass, 10172,
                 apr_psprintf(pass->scratch,
                              "the domain %s has MDCertificateProtocol '%s', but only 'ACME' exists",
                              domain_text(domain, pass->scratch), domain->policy.ca_proto));
}

/** Section, else base server, else default. */
static void complete_domain(const hosts *pass, md_domain *domain, md_names *contacts)
{
    md_policy *policy = &domain->policy;

    domain->own = policy->set;
    md_policy_merge(policy, &pass->plan->policy, policy);
    if (md_domain_is_static(domain) && policy->renew_mode == MD_RENEW_AUTO)
        policy->renew_mode = MD_RENEW_MANUAL;
    if (domain->own & MD_SET_BIT(MD_FIELD_contact))
        contacts = contacts_of(policy->contact, pass->p);
    if (contacts)
        domain->contacts = contacts;
    md_log(level_of(MD_LOG_DEBUG), 10039,
           "%s: CA %s, protocol %s, agreement %s, renew mode %s, window %s, warning %s", domain->name,
           md_domain_ca_url(domain), policy->ca_proto, policy->agreement ? policy->agreement : "none",
           md_field_word(&md_field_rows[MD_FIELD_renew_mode], policy->renew_mode, pass->scratch),
           md_slice_text(policy->renew_window, pass->scratch),
           md_slice_text(policy->warn_window, pass->scratch));
}

static void add_domains(hosts *pass)
{
    const apr_array_header_t *declared = md_conf_of(pass->base)->declared;
    const md_policy *policy = &pass->plan->policy;
    const char *contact = policy->contact ? policy->contact : admin_of(pass->base);
    md_names *contacts = contact ? contacts_of(contact, pass->p) : NULL;

    for (int i = 0; i < declared->nelts; ++i) {
        md_domain *domain = APR_ARRAY_IDX(declared, i, md_domain *);
        md_err *err;

        complete_domain(pass, domain, contacts);
        check_files(pass, domain);
        check_protocol(pass, domain);
        err = md_plan_add(pass->plan, domain, policy->match_names == MD_MATCH_SERVERNAMES, pass->p);
        if (err)
            complain(pass, 10038, md_err_text(err, pass->scratch));
    }
}

/* Hosts find domains. */

/** A configuration of its own for a server with domains: others may share the one it has now. */
static void assign(const hosts *pass, server_rec *server, apr_array_header_t *domains)
{
    md_server_conf *conf = apr_pmemdup(pass->p, md_conf_of(server), sizeof(*conf));

    conf->domains = apr_array_copy(pass->p, domains);
    conf->is_tls = md_engines_on(pass->engines, server);
    ap_set_module_config(server->module_config, &md_module, conf);
    for (int i = 0; i < domains->nelts; ++i) {
        md_domain *domain = APR_ARRAY_IDX(domains, i, md_domain *);

        domain->used = 1;
        domain->used_tls |= conf->is_tls;
        take_contact(pass, server, domain);
        md_log(level_of(MD_LOG_DEBUG), 10041, "%s: used by the %s%s", domain->name,
               md_host_shown(server, pass->scratch), conf->is_tls ? ", with TLS" : "");
    }
}

static void check_one_domain(hosts *pass, const server_rec *server, const apr_array_header_t *domains)
{
    if (domains->nelts < 2 || !md_conf_of(server)->is_tls)
        return;
    complain(pass, 10238,
             apr_psprintf(pass->scratch,
                          "the %s serves TLS and has names of two domains, %s and %s; it can have the "
                          "certificate of one only: put "
                          "all its names into one domain, or split the virtual host",
                          md_host_shown(server, pass->scratch),
                          domain_text(APR_ARRAY_IDX(domains, 0, md_domain *), pass->scratch),
                          domain_text(APR_ARRAY_IDX(domains, 1, md_domain *), pass->scratch)));
}

static void match_server(hosts *pass, server_rec *server)
{
    apr_array_header_t *domains;

    if (md_conf_of(server)->policy->exclude) {
        md_log(level_of(MD_LOG_DEBUG), 0, "the %s is left out of management by MDExclude",
               md_host_shown(server, pass->scratch));
        return;
    }
    domains = md_match_server(pass->match, server, pass->scratch);
    if (!domains->nelts)
        return;
    assign(pass, server, domains);
    check_one_domain(pass, server, domains);
}

/* What follows. */

/** A name of a TLS host: the certificate is for it, too, or somebody should know that it is not. */
static void add_name(hosts *pass, const server_rec *server, md_domain *domain, const char *name)
{
    const char *why = md_domain_name_reason(name);
    const md_domain *owner;

    name = md_is_address(name) ? md_name_text(name, pass->p) : name;
    owner = md_plan_find(pass->plan, name);
    if (!*name || owner == domain || (owner && md_domain_covers(domain, name)))
        return;
    if (!domain->policy.members)
        md_log(level_of(MD_LOG_WARN), 10040,
               "the %s uses the domain %s, but its name %s is not one of the domain's: clients will refuse "
               "the certificate. "
               "Add the name to the domain, or let it be added with 'MDMembers auto'",
               md_host_shown(server, pass->scratch), domain_text(domain, pass->scratch), name);
    else if (why)
        md_log(level_of(MD_LOG_WARN), 0, "the name '%s' of the %s is not added to the domain %s: %s", name,
               md_host_shown(server, pass->scratch), domain_text(domain, pass->scratch), why);
    else
        md_plan_add_name(pass->plan, domain, name, pass->p);
}

static void add_names(hosts *pass, server_rec *server)
{
    const md_server_conf *conf = md_conf_of(server);
    md_domain *domain = md_conf_domain(server);

    if (!domain || !conf->is_tls || conf->domains->nelts > 1)
        return;
    if (server->server_hostname)
        add_name(pass, server, domain, server->server_hostname);
    for (int i = 0; server->names && i < server->names->nelts; ++i)
        add_name(pass, server, domain, MD_NAME(server->names, i));
}

/** Does every address of the host have the port on which https: requests from outside arrive? */
static int is_on_https_port(const hosts *pass, const server_rec *server)
{
    int port = pass->plan->policy.port_map.https_port, found = 0;

    if (!server->is_virtual)
        return pass->plan->can_https;
    for (const server_addr_rec *at = server->addrs; at; at = at->next, ++found)
        if (!port || at->host_port != port)
            return 0;
    return found > 0;
}

/** Can a CA's tls-alpn-01 request to this host be answered? Naming the challenge is taken as knowledge about
 * ports. */
static int answers_acme_tls(const hosts *pass, server_rec *server, const md_domain *domain)
{
    if (!is_on_https_port(pass, server) && !md_names_has(domain->policy.challenges, "tls-alpn-01"))
        return 0;
    if (ap_is_allowed_protocol(NULL, NULL, server, ACME_TLS))
        return 1;
    md_log(level_of(MD_LOG_DEBUG), 10169, "%s: the %s does not allow the protocol " ACME_TLS, domain->name,
           md_host_shown(server, pass->scratch));
    return 0;
}

static const char *acme_tls_key(const md_domain *domain, const char *name, apr_pool_t *p)
{
    return apr_psprintf(p, "%d %s", domain->index, md_lower(name, p));
}

static void mark_acme_tls(hosts *pass, const md_domain *domain, const char *name)
{
    apr_hash_set(pass->acme_tls, acme_tls_key(domain, name, pass->scratch), APR_HASH_KEY_STRING, domain);
}

/** Does the host answer for the name without having it as such? The base server does for names that no host
 * has. */
static int answers_besides(const server_rec *server, const char *name)
{
    for (int i = 0; server->wild_names && i < server->wild_names->nelts; ++i)
        if (!ap_strcasecmp_match(name, MD_NAME(server->wild_names, i)))
            return 1;
    return !server->is_virtual;
}

/** Marks the names for which this host could answer tls-alpn-01. */
static void mark_server(hosts *pass, server_rec *server)
{
    md_domain *domain = md_conf_domain(server);
    int also_others = !server->is_virtual || (server->wild_names && server->wild_names->nelts);

    if (!domain || !md_conf_of(server)->is_tls || !answers_acme_tls(pass, server, domain))
        return;
    if (server->server_hostname)
        mark_acme_tls(pass, domain, server->server_hostname);
    for (int i = 0; server->names && i < server->names->nelts; ++i)
        mark_acme_tls(pass, domain, MD_NAME(server->names, i));
    for (int i = 0; also_others && i < domain->names->nelts; ++i)
        if (answers_besides(server, MD_NAME(domain->names, i)))
            mark_acme_tls(pass, domain, MD_NAME(domain->names, i));
}

/** Wildcards are left out: tls-alpn-01 cannot validate them (RFC 8737 3). */
static void take_marks(hosts *pass, md_domain *domain)
{
    for (int i = 0; i < domain->names->nelts; ++i) {
        const char *name = MD_NAME(domain->names, i);

        if (md_is_wildcard(name))
            continue;
        if (apr_hash_get(pass->acme_tls, acme_tls_key(domain, name, pass->scratch), APR_HASH_KEY_STRING))
            md_names_add(domain->acme_tls_names, name);
        else
            md_log(level_of(MD_LOG_DEBUG), 10168, "%s: no virtual host could answer tls-alpn-01 for %s",
                   domain->name, name);
    }
}

static void warn_of(const hosts *pass, const md_domain *domain)
{
    const md_names *limits = md_limits_of(domain, pass->scratch);

    for (int i = 0; i < limits->nelts; ++i)
        md_log(level_of(MD_LOG_WARN), 0, "the domain %s %s", domain_text(domain, pass->scratch),
               MD_NAME(limits, i));
    if (domain->policy.require_https && !domain->used_tls)
        md_log(level_of(MD_LOG_WARN), 10105,
               "the domain %s has MDRequireHttps, but no virtual host with 'SSLEngine on' uses it: "
               "redirected clients will find nothing",
               domain_text(domain, pass->scratch));
    if (!domain->used && domain->policy.renew_mode != MD_RENEW_ALWAYS)
        md_log(level_of(MD_LOG_WARN), 10045,
               "no virtual host uses the domain %s: it is not renewed. If it is meant for something else "
               "than a virtual host, set "
               "'MDRenewMode always'",
               domain_text(domain, pass->scratch));
}

/** What is odd about single directives; more than these are the work of a program, and alike. */
static void show_remarks(const hosts *pass)
{
    const md_names *remarks = md_conf_of(pass->base)->remarks;

    for (int i = 0; i < remarks->nelts && i < REMARKS_SHOWN; ++i)
        md_log(level_of(MD_LOG_WARN), 0, "%s", MD_NAME(remarks, i));
    if (remarks->nelts > REMARKS_SHOWN)
        md_log(level_of(MD_LOG_WARN), 0, "there are %d more remarks of this kind",
               remarks->nelts - REMARKS_SHOWN);
}

/** Listeners and MDPortMap say whether a CA can reach us. */
static void find_reachable(md_plan *plan)
{
    for (const ap_listen_rec *at = ap_listeners; at; at = at->next) {
        int port = at->bind_addr->port;

        if (at->protocol && strncasecmp(at->protocol, "http", 4))
            continue;
        plan->can_http |= port == plan->policy.port_map.http_port;
        plan->can_https |= port == plan->policy.port_map.https_port;
    }
    md_log(level_of(MD_LOG_DEBUG), 10037,
           "by listeners and MDPortMap, clients %s reach us by http: and %s by https:",
           plan->can_http ? "can" : "cannot", plan->can_https ? "can" : "cannot");
}

static void for_each_server(hosts *pass, void (*visit)(hosts *pass, server_rec *server))
{
    for (int i = pass->plan->policy.base_server ? 0 : 1; i < pass->servers->nelts; ++i)
        visit(pass, APR_ARRAY_IDX(pass->servers, i, server_rec *));
}

/** Domains and hosts find each other. */
static void match_all(hosts *pass)
{
    pass->engines = md_engines_read(ap_conftree, pass->servers, pass->scratch);
    pass->match = md_match_make(pass->plan, pass->scratch);
    pass->acme_tls = apr_hash_make(pass->scratch);
    for_each_server(pass, match_server);
    for_each_server(pass, add_names);
    for_each_server(pass, mark_server);
    for (int i = 0; i < pass->plan->domains->nelts; ++i) {
        if (apr_hash_count(pass->acme_tls))
            take_marks(pass, MD_DOMAIN(pass->plan, i));
        warn_of(pass, MD_DOMAIN(pass->plan, i));
    }
}

md_err *md_hosts_plan(server_rec *base, apr_pool_t *p, md_plan **out)
{
    hosts pass = { .base = base, .p = p, .plan = md_plan_make(p) };

    apr_pool_create(&pass.scratch, p);
    pass.servers = servers_of(base, pass.scratch);
    complete_settings(&pass);
    show_remarks(&pass);
    find_reachable(pass.plan);
    add_domains(&pass);
    if (pass.plan->domains->nelts)
        match_all(&pass);
    apr_pool_destroy(pass.scratch);
    *out = pass.plan;
    if (!pass.errors)
        return NULL;
    return md_fail(p, MD_FAULT_CONFIG, "md:configuration",
                   "the configuration of managed domains has %d error%s, see above", pass.errors,
                   pass.errors == 1 ? "" : "s");
}

int md_hosts_test(apr_pool_t *p, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *base)
{
    md_plan *plan;

    (void)plog;
    (void)ptemp;
    if (!is_test())
        return OK;
    md_sink_open(base);
    return md_hosts_plan(base, p, &plan) ? HTTP_INTERNAL_SERVER_ERROR : OK;
}
