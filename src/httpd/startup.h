/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From configuration to a running server: plan, store, what waits in STAGING, files for mod_ssl, the engine.
 * Never talks to the network.
 */
#ifndef MD_HTTPD_STARTUP_H
#define MD_HTTPD_STARTUP_H

#include <httpd.h>

/** Hook post_config before mod_ssl's. */
int md_startup_before_ssl(apr_pool_t *p, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *base);
/** Hook post_config after mod_ssl's and before mod_watchdog's. */
int md_startup_after_ssl(apr_pool_t *p, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *base);
/** Hook child_init. */
void md_startup_child(apr_pool_t *p, server_rec *base);
/** Hook monitor: the parent's round every ten seconds. */
int md_startup_round(apr_pool_t *p, server_rec *base);

#endif
