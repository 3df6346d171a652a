/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtual host is reached through a listener with its port; where both have no address of their own,
 * through loopback.
 */
#include "httpd/prove.h"

#include <ap_listen.h>
#include <apr_strings.h>
#include <string.h>

#include "base/log.h"
#include "httpd/directives.h"
#include "httpd/watch.h"
#include "tls/probe.h"

#define HANDSHAKE_MAX apr_time_from_sec(3)

enum { TARGETS_MAX = 3 };

static int is_any(const apr_sockaddr_t *address)
{
    static const char zeros[16];

    return !memcmp(address->ipaddr_ptr, zeros, (size_t)address->ipaddr_len);
}

/** Where to connect to reach `host` through this listener, or NULL when it is not reached that way. */
static const char *way_through(const ap_listen_rec *listener, const server_addr_rec *host, apr_pool_t *p)
{
    const apr_sockaddr_t *at = listener->bind_addr;
    char *numeric = NULL;

    if (at->port != host->host_port && host->host_port)
        return NULL;
    if (!is_any(host->host_addr)) {
        if (!is_any(at) && !apr_sockaddr_equal(at, host->host_addr))
            return NULL;
        at = host->host_addr;
    }
    if (is_any(at))
        return at->family == APR_INET ? "127.0.0.1" : "::1";
    return apr_sockaddr_ip_get(&numeric, (apr_sockaddr_t *)at) ? NULL : apr_pstrdup(p, numeric);
}

/** A name of the domain that leads to this virtual host. */
static const char *name_for(server_rec *s, const md_domain *domain)
{
    if (md_domain_covers(domain, s->server_hostname))
        return s->server_hostname;
    for (int i = 0; s->names && i < s->names->nelts; ++i)
        if (md_domain_covers(domain, APR_ARRAY_IDX(s->names, i, const char *)))
            return APR_ARRAY_IDX(s->names, i, const char *);
    return NULL;
}

/** One handshake. `tried` counts those that came to an end. */
static md_err *shake_hands(const md_probe_target *target, const char *sha256, int *tried, apr_pool_t *p)
{
    md_cert_facts served;

    MD_TRY(md_probe(target, p, &served));
    ++*tried;
    if (!strcmp(served.sha256, sha256))
        return NULL;
    return md_fail(p, MD_FAULT_LOCAL, "md:not-served",
                   "%s port %d serves another certificate for %s (sha256 %s, issued by %s) than the newest "
                   "one (sha256 %s)",
                   target->host, (int)target->port, target->sni, served.sha256, served.issuer, sha256);
}

static md_err *prove_host(server_rec *s, const md_probe_target *what, const char *sha256, int *tried,
                          apr_pool_t *p)
{
    for (const server_addr_rec *host = s->addrs; host; host = host->next)
        for (const ap_listen_rec *listener = ap_listeners; listener && *tried < TARGETS_MAX;
             listener = listener->next) {
            md_probe_target target = *what;

            target.host = way_through(listener, host, p);
            target.port = listener->bind_addr->port;
            if (target.host)
                MD_TRY(shake_hands(&target, sha256, tried, p));
        }
    return NULL;
}

md_err *md_prove(void *self, const md_domain *domain, const md_key_spec *spec, const char *sha256,
                 apr_pool_t *p)
{
    const md_run *run = self;
    md_probe_target what = { .spec = spec, .timeout = HANDSHAKE_MAX };
    md_board_row *row = &run->board->rows[domain->index];
    md_err *err = NULL;
    int tried = 0;

    if (!domain->policy.live)
        return NULL; /* with the next restart */
    if (run->watch)
        what.cancelled = md_watch_ending(run->watch);
    for (server_rec *s = run->base; s && !err && tried < TARGETS_MAX; s = s->next) {
        if (md_conf_domain(s) != domain || !md_conf_of(s)->is_tls || md_conf_of(s)->keeps_files)
            continue;
        what.sni = name_for(s, domain);
        if (what.sni)
            err = prove_host(s, &what, sha256, &tried, p);
    }
    if (err && !strcmp(err->type, "md:cancelled"))
        return err;
    if (err || tried)
        md_board_proved(row, err ? MD_PROOF_BAD : MD_PROOF_GOOD, md_now(run->core.clock));
    return err;
}
