/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What certificate authorities are known to refuse, so that it is said when a configuration is read and not
 * by an HTTP error at night. Knowledge of others' rules grows old: it is for warnings, never for decisions.
 */
#ifndef MD_PLAN_LIMITS_H
#define MD_PLAN_LIMITS_H

#include "plan/domain.h"

/**
 * What the domain's first CA will refuse about it, or no client will ever see, one clause each, to go behind
 * "the domain example.org": "has 120 names, but ...". Empty if nothing, or if its certificates are never
 * ordered by themselves.
 */
md_names *md_limits_of(const md_domain *domain, apr_pool_t *p);

#endif
