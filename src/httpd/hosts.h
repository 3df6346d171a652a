/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual hosts and managed domains are brought together: settings are completed, names of hosts looked up
 * (one hash lookup a name, never hosts x domains), names added, reachability found out, and everything that
 * cannot work is said.
 */
#ifndef MD_HTTPD_HOSTS_H
#define MD_HTTPD_HOSTS_H

#include "httpd/directives.h"

/**
 * The plan for a configuration that was read completely (post_config). Also sets, in the md_server_conf of
 * each server that has domains, `domains` and `is_tls`.
 *
 * Complaints are written to the log with their ids, all of them, not only the first; warnings only in the
 * pass that counts. The failure "md:configuration" then says how many there were: the server must not start.
 * Reads nothing but memory and writes nothing, so it may run for a mere check of the configuration.
 */
MD_MUST md_err *md_hosts_plan(server_rec *base, apr_pool_t *p, md_plan **out);

/** Hook: with `httpd -t`, shows what md_hosts_plan complains and warns of, so that nobody finds out by a
 * server that does not come back from a restart. */
int md_hosts_test(apr_pool_t *p, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *base);

/** A server for messages: "virtual host www.example.org (/etc/httpd/md.conf, line 12)". */
const char *md_host_shown(const server_rec *server, apr_pool_t *p);

/** Is this the pass over the configuration that httpd makes before the one that counts? */
int md_hosts_is_dry_run(void);

#endif
