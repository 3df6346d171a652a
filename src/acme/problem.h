/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a CA's refusal means: RFC 7807 problem documents and bare HTTP errors become failures whose fault
 * decides the schedule. One table from problem type to fault.
 */
#ifndef MD_ACME_PROBLEM_H
#define MD_ACME_PROBLEM_H

#include "net/http.h"

#define MD_ACME_ERROR "urn:ietf:params:acme:error:"

/**
 * The failure for an answer that is not the expected one: a problem document of RFC 8555 6.7, another JSON,
 * HTML, nothing. `doing` is what was tried ("placing the order"). not_before comes from Retry-After or the
 * "retry after <date> UTC" in the text of rate limits. A rate limit that lasts until somebody opens a page of
 * the CA is "md:paused", MD_FAULT_CONFIG, with the whole URL. `status` is APR_ENOENT for 404 and 410,
 * APR_EACCES for 401 and 403. Text names host, status, problem type and detail, shortened.
 */
md_err *md_problem_of(const md_http_response *response, const char *doing, const char *url, apr_time_t now,
                      apr_pool_t *p);
/** The failure for a problem object inside a resource ("error" of a challenge, authorization or order). */
md_err *md_problem_read(const json_t *problem, const char *doing, apr_time_t now, apr_pool_t *p);
/** Is it a rate limit on all that an account, or this machine, may ask for? Others concern the names of one
 * order. CAs tell it in their texts alone. */
int md_problem_is_of_account(const md_err *err);
/** Is `err` (or a cause) the ACME problem with this short name ("badNonce")? */
int md_problem_is(const md_err *err, const char *short_name);

#endif
