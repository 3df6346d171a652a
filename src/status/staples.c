/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing is stapled by this version.
 */
#include "status/staples.h"

md_err *md_staple_of(const md_core *core, const md_domain *domain, const md_cert_facts *cert, apr_pool_t *p,
                     const md_staple_shown **out)
{
    (void)core, (void)domain, (void)cert, (void)p;
    *out = NULL;
    return NULL;
}
