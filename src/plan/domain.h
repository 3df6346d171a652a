/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A managed domain: its name, the DNS names it covers and its resolved policy. It never changes after start,
 * so any thread reads it without a lock. What is true about it now (certificates, progress) is elsewhere:
 * md_facts, md_job.
 */
#ifndef MD_PLAN_DOMAIN_H
#define MD_PLAN_DOMAIN_H

#include "plan/policy.h"

typedef struct md_domain {
    const char *name;   /* the first name; folder name in the store */
    md_names *names;    /* all, lowercase, no duplicates; name first unless renamed */
    md_policy policy;   /* resolved: section > server > default */
    apr_uint64_t own;   /* the rows that its section has set, as bits like policy.set */
    md_names *contacts; /* URIs ("mailto:..."), may be empty */
    int index;          /* position in the plan; -1: it stands for certificates that no domain has */
    const char *file;   /* where it was defined, or NULL */
    unsigned line;
    int used;                 /* some virtual host uses it */
    int used_tls;             /* some TLS virtual host uses it */
    md_names *acme_tls_names; /* names whose TLS virtual host allows acme-tls/1 */
    const char *ca_url;       /* CA used last, from the store, or NULL */
    const char *ca_account;   /* account used last, from the store, or NULL */
    int stored_state;         /* its state when md.json was written, per md_state of plan/due.h */
    const char *thumbprint;   /* of the account's key, with MDStatelessChallenge; or NULL */
} md_domain;

/** A domain with these names, of which there is one at least, and defaults; names are lowercased, duplicates
 * dropped. */
md_domain *md_domain_make(const md_names *names, apr_pool_t *p);
/** The same without any setting: for those who fill the policy themselves. */
md_domain *md_domain_declare(const md_names *names, apr_pool_t *p);
/** Why this cannot be a domain's name: it would be no folder name, or a wildcard elsewhere than in front. A
 * clause, or NULL. Names that no certificate authority takes, like host_a or localhost, are fine: their
 * certificates may come as files. */
const char *md_domain_name_reason(const char *name);
/** Where it was defined, for messages: "/etc/httpd/md.conf, line 3", or "the store". */
const char *md_domain_place(const md_domain *domain, apr_pool_t *p);
/** An address as accounts have it: "mailto:" in front unless there is a scheme already. */
const char *md_contact_uri(const char *contact, apr_pool_t *p);
/** Covered by one of its names, wildcards included. */
int md_domain_covers(const md_domain *domain, const char *name);
/** The names to order: all but those that a wildcard of the domain covers. */
md_names *md_domain_order_names(const md_domain *domain, apr_pool_t *p);
/** Renewed by itself? (manual; auto with static files or without a host: no) */
int md_domain_renews(const md_domain *domain);
/** Static files configured? */
int md_domain_is_static(const md_domain *domain);
/** CA URL to use first, never NULL: that of ca_urls or the built-in default. */
const char *md_domain_ca_url(const md_domain *domain);

/** md.json, in the order of keys of the store's format; `state` per md_state of plan/due.h. Owned by `p`. */
json_t *md_domain_to_json(const md_domain *domain, int state, apr_pool_t *p);
/** The state in md.json, per md_state of plan/due.h; what that does not know is not known. */
int md_domain_state_in(const json_t *doc);
/** Reads md.json (any version's form); NULL if it has no name. */
md_domain *md_domain_from_json(const json_t *doc, apr_pool_t *p);

#endif
