/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers to mod_ssl: which files a virtual host begins with, its SSL_CTX once it is configured, and
 * tls-alpn-01 connections (RFC 8737).
 */
#ifndef MD_HTTPD_SSL_H
#define MD_HTTPD_SSL_H

#include <httpd.h>

/** Hook ssl_add_cert_files: the domain's pairs, or its placeholder when there is none. */
int md_ssl_add_files(server_rec *s, apr_pool_t *p, apr_array_header_t *cert_files,
                     apr_array_header_t *key_files);
/** Hook protocol_propose: offers acme-tls/1 when the client does; the Protocols directive decides. */
int md_ssl_propose(conn_rec *c, request_rec *r, server_rec *s, const apr_array_header_t *offers,
                   apr_array_header_t *proposals);
/** Hook protocol_switch. */
int md_ssl_switch(conn_rec *c, request_rec *r, server_rec *s, const char *protocol);
/** Hook ssl_answer_challenge: the certificate that proves `name` to a CA. */
int md_ssl_answer_challenge(conn_rec *c, const char *name, const char **cert, const char **key);
/** Registers what mod_ssl offers as optional hooks, without needing its headers. */
void md_ssl_optional_hooks(void);

/** Is this the connection of a CA that validates a name? */
int md_ssl_is_challenge(const conn_rec *c);

#endif
