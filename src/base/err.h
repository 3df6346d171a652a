/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A failure is a value: what went wrong in one sentence, what lies underneath, and who must move before
 * trying again can help. NULL is success. Failures are made in the pool of the failing call and copied
 * to JSON when they must outlive it.
 */
#ifndef MD_BASE_ERR_H
#define MD_BASE_ERR_H

#include <apr_pools.h>
#include <apr_time.h>
#include <jansson.h>

#define MD_MUST              __attribute__((warn_unused_result))
#define MD_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/** Who must move before trying again can help. It alone decides the retry schedule (plan/due). */
typedef enum md_fault {
    MD_FAULT_CONFIG,     /* the operator: nothing changes until the configuration does */
    MD_FAULT_REMOTE,     /* the other side or the wire: back off and retry */
    MD_FAULT_VALIDATION, /* the CA could not validate a name: retry slowly, CAs count these */
    MD_FAULT_LIMIT,      /* a rate limit: not before `not_before` */
    MD_FAULT_LOCAL       /* this machine: disk, permissions, a command */
} md_fault;

typedef struct md_err md_err;
struct md_err {
    md_fault fault;
    const char *type;          /* stable name for machines: an ACME problem URN or "md:..." */
    const char *detail;        /* one sentence for the operator, no trailing period */
    const md_err *cause;       /* what lies underneath, or NULL */
    apr_status_t status;       /* APR status for `last.status` of job.json, never APR_SUCCESS */
    apr_time_t not_before;     /* earliest useful retry, 0 if nobody said */
    const json_t *subproblems; /* RFC 8555 6.7.1, as the CA sent them (borrowed from the pool), or NULL */
};

/** Returns early with the failure of `expr`, an `md_err *`. */
#define MD_TRY(expr)           \
    do {                       \
        md_err *err_ = (expr); \
        if (err_)              \
            return err_;       \
    } while (0)

/** A new failure. `type` must be a literal or live in `p`. */
MD_MUST md_err *md_fail(apr_pool_t *p, md_fault fault, const char *type, const char *fmt, ...)
    MD_PRINTF(4, 5);

/** A failure of an APR or system call: appends the system's text. MD_FAULT_LOCAL, "md:system". */
MD_MUST md_err *md_fail_status(apr_pool_t *p, apr_status_t status, const char *fmt, ...) MD_PRINTF(3, 4);

/** Adds the purpose to `cause`: fault, type, status, not_before and subproblems are taken over from it. */
MD_MUST md_err *md_wrap(apr_pool_t *p, const md_err *cause, const char *fmt, ...) MD_PRINTF(3, 4);

/** The whole story in one line: details from the outermost to the innermost, joined by ": ". */
const char *md_err_text(const md_err *err, apr_pool_t *p);

/** "config", "remote", "validation", "limit", "local". */
const char *md_fault_name(md_fault fault);

/** One short sentence on who must act, for log and status; from a table by fault and type, never NULL. */
const char *md_err_advice(const md_err *err);

/** Sets `status`, `status-description`, `problem`, `detail`, `subproblems`, and `fault` and `advice`, which
 * are ours alone, in the object `last`. */
void md_err_to_json(const md_err *err, json_t *last, apr_pool_t *p);

/** Deep copy into another pool. */
md_err *md_err_copy(const md_err *err, apr_pool_t *p);

#endif
