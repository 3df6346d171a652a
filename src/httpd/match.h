/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which domains a virtual host has names of. The host's names are looked up, one by one; no host is compared
 * with all domains.
 */
#ifndef MD_HTTPD_MATCH_H
#define MD_HTTPD_MATCH_H

#include <httpd.h>
#include "plan/plan.h"

typedef struct md_match md_match;

/** For a plan with all its domains. */
md_match *md_match_make(const md_plan *plan, apr_pool_t *p);

/**
 * The domains of a server (md_domain *), each once; empty if none.
 *  - MDMatchNames all: a domain that has the ServerName or a wildcard over it, or a ServerAlias or the host
 * name of an address as written, or a name that a ServerAlias with wildcards matches.
 *  - servernames: the domain that has the ServerName, else the one that has a wildcard over it.
 */
apr_array_header_t *md_match_server(md_match *match, const server_rec *server, apr_pool_t *p);

#endif
