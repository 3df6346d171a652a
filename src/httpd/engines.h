/* SPDX-License-Identifier: Apache-2.0 */
/*
 * On which servers mod_ssl will serve TLS. Its own configuration is private, and it asks for certificates too
 * late for the plan, so this is read from the tree of directives as httpd has parsed it (files included,
 * conditions decided, macros expanded): SSLEngine in the virtual host, else in the base server. Only 'on'
 * counts; a listener's protocol or certificate files alone do not start an engine (tried), and 'optional' is
 * gone from httpd.
 */
#ifndef MD_HTTPD_ENGINES_H
#define MD_HTTPD_ENGINES_H

#include <httpd.h>
#include <util_cfgtree.h>

typedef struct md_engines md_engines;

/** Reads the tree once; `servers` has the base server first and virtual hosts in the order of the
 * configuration. Linear. */
md_engines *md_engines_read(const ap_directive_t *tree, const apr_array_header_t *servers, apr_pool_t *p);

int md_engines_on(const md_engines *engines, const server_rec *server);

#endif
