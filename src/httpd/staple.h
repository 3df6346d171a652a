/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stapling, as mod_ssl sees it: certificates are registered while it starts, and each handshake that wants a
 * staple is answered from shared memory.
 */
#ifndef MD_HTTPD_STAPLE_H
#define MD_HTTPD_STAPLE_H

#include <httpd.h>
#include <http_ssl.h>
#include "jobs/staples.h"

struct md_run;
typedef struct md_staples md_staples;

/** Do we staple for this server: for its domain if it has one, else for certificates of other sources? */
int md_staple_is_on(const server_rec *server);
/** For any server of the configuration? */
int md_staple_is_on_anywhere(const server_rec *base);

/** Ready to register. Before mod_ssl starts. */
md_staples *md_staples_make(const struct md_run *run);
/** All is registered: shares memory, restores what is kept in the store, removes what is old there. Before
 * children are forked. The certificates to look after are then in *stapling; NULL: there are none. */
MD_MUST md_err *md_staples_settle(md_staples *staples, apr_pool_t *ptemp, const md_stapling **stapling);
/** A set of the domain waits in STAGING and goes live next: what is kept for it is given to handshakes first.
 */
void md_staples_before_live(const md_staples *staples, const md_domain *domain);

/** The staple for a certificate (20 octets of SHA-1) that a server shows: returns its size. 0: there is none
 * now; -1: we do not staple this one. `into` has room for MD_OCSP_SIZE_MAX bytes. */
apr_ssize_t md_staple_find(const server_rec *server, const void *id, void *into);

/** Hooks of httpd's TLS interface. */
int md_staple_prime(server_rec *server, apr_pool_t *p, const char *id, apr_size_t id_size, const char *pem);
int md_staple_get(server_rec *server, conn_rec *c, const char *id, apr_size_t id_size,
                  ap_ssl_ocsp_copy_resp *give, void *data);

#endif
