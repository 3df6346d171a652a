/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of more than one value: what the ODD rows of fields.h have in common is only that nothing else is
 * like them.
 */
#ifndef MD_PLAN_ODD_H
#define MD_PLAN_ODD_H

#include "plan/policy.h"

/**
 * Reads the words of an ODD row into `value`, which has its earlier value if `was_set` (some are lists that
 * grow). NULL if fine, else a clause that goes after the directive's name. MDCertificateAuthority takes URLs
 * here, MDExternalAccountBinding the key id and the HMAC themselves, MDDnsUpdate the secret, MDAccountKeyFile
 * the key as PEM: known names and files are their directives' business.
 */
const char *md_odd_read(md_field_id id, const md_names *words, int was_set, md_odd *value, apr_pool_t *p);

#endif
