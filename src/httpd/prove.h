/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proof that clients get what was obtained: handshakes with ourselves, over the addresses the domain's
 * TLS hosts listen on.
 */
#ifndef MD_HTTPD_PROVE_H
#define MD_HTTPD_PROVE_H

#include "httpd/run.h"

/** `prove` of md_core; `self` is the run. At most three addresses, a few seconds each. */
md_err *md_prove(void *self, const md_domain *domain, const md_key_spec *spec, const char *sha256,
                 apr_pool_t *p);

#endif
