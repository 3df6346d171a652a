/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module record and the list of hooks, nothing else: what hangs where and in which order.
 */
#include <httpd.h>

#include <http_config.h>
#include <http_connection.h>
#include <http_protocol.h>
#include <http_request.h>
#include <http_ssl.h>
#include <mod_status.h>
#include <mpm_common.h>

#include "httpd/answer.h"
#include "httpd/directives.h"
#include "httpd/export_vars.h"
#include "httpd/hosts.h"
#include "httpd/pages.h"
#include "httpd/ssl.h"
#include "httpd/staple.h"
#include "httpd/startup.h"

static void register_hooks(apr_pool_t *p)
{
    static const char *const tls_modules[] = { "mod_ssl.c", "mod_tls.c", NULL };
    static const char *const watchdog_module[] = { "mod_watchdog.c", NULL };
    static const char *const caches[] = { "mod_cache.c", NULL };

    (void)p;
    ap_hook_check_config(md_hosts_test, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(md_startup_before_ssl, NULL, tls_modules, APR_HOOK_FIRST);
    ap_hook_post_config(md_startup_after_ssl, tls_modules, watchdog_module, APR_HOOK_LAST);
    ap_hook_child_init(md_startup_child, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_monitor(md_startup_round, NULL, NULL, APR_HOOK_MIDDLE);

    ap_hook_ssl_add_cert_files(md_ssl_add_files, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_ssl_answer_challenge(md_ssl_answer_challenge, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_protocol_propose(md_ssl_propose, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_protocol_switch(md_ssl_switch, NULL, NULL, APR_HOOK_MIDDLE);
    md_ssl_optional_hooks();
    ap_hook_ssl_ocsp_prime_hook(md_staple_prime, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_ssl_ocsp_get_resp_hook(md_staple_get, NULL, NULL, APR_HOOK_MIDDLE);

    ap_hook_quick_handler(md_answer_quick, NULL, caches, APR_HOOK_REALLY_FIRST);
    md_answer_filters();
    ap_hook_post_read_request(md_export_vars, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_fixups(md_export_vars, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(md_page_status, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(md_page_metrics, NULL, NULL, APR_HOOK_MIDDLE);
    APR_OPTIONAL_HOOK(ap, status_hook, md_page_server_status, NULL, NULL, APR_HOOK_MIDDLE);
}

__attribute__((visibility("default"))) module AP_MODULE_DECLARE_DATA md_module = {
    STANDARD20_MODULE_STUFF, NULL,        NULL,           md_conf_create_server,
    md_conf_merge_server,    md_commands, register_hooks, 0
};
