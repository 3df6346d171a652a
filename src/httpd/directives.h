/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the operator writes: the commands httpd calls for our directives, and where they leave what they read.
 * Nothing here looks at the store, the network or another virtual host; what it all means together is found
 * out by hosts.
 */
#ifndef MD_HTTPD_DIRECTIVES_H
#define MD_HTTPD_DIRECTIVES_H

#include <httpd.h>
#include <http_config.h>
#include "plan/plan.h"

extern module AP_MODULE_DECLARE_DATA md_module;

/** Our configuration of one server. A virtual host without a directive of ours shares the base server's until
 * md_hosts_plan gives it one of its own. Read-only after start. */
typedef struct md_server_conf {
    md_policy *policy; /* settings of this server: its own, else the base server's; never NULL. md_hosts_plan
                          fills the defaults in */
    apr_array_header_t *domains; /* of md_domain *: those this server is for; NULL when it has none. At most
                                    one if `is_tls`. Set by md_hosts_plan */
    int is_tls; /* mod_ssl will serve TLS here. Set by md_hosts_plan, only true for servers with domains */
    int has_placeholder; /* mod_ssl was given its domain's placeholder */
    int keeps_files;     /* certificate files of its own stay, whatever is renewed (MDPreferFiles) */
    /* base server: of md_domain *, as written, not completed; NULL for others */
    apr_array_header_t *declared;
    md_names
        *remarks; /* base server: what is odd about what was written, each with its place; NULL for others */
} md_server_conf;

/** For the module record. Without AP_MODULE_FLAG_ALWAYS_MERGE: sharing saves the memory of a policy for each
 * virtual host. */
extern const command_rec md_commands[];
void *md_conf_create_server(apr_pool_t *p, server_rec *server);
void *md_conf_merge_server(apr_pool_t *p, void *base, void *over);

/** Never NULL once the configuration is read. */
md_server_conf *md_conf_of(const server_rec *server);
/** The domain of a server: the first one where a plain http server has several; NULL if none. */
md_domain *md_conf_domain(const server_rec *server);

#endif
