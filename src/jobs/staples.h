/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificates that are to be stapled, and what is known of each: for the jobs that fetch responses, for
 * handshakes, and for status pages.
 */
#ifndef MD_JOBS_STAPLES_H
#define MD_JOBS_STAPLES_H

#include "jobs/core.h"
#include "ocsp/staple.h"

/** One certificate to be stapled: one that was loaded at the start, or the one of a key spec that goes live
 * later. */
typedef struct md_stapled {
    const md_domain *domain;   /* whose settings count; one named "other" for what belongs to none */
    const md_key_spec *spec;   /* the certificate that went live last for it; NULL: this very certificate: */
    const char *sha1;          /* as md_cert_facts has it */
    const char *responder;     /* URL */
    apr_time_t expires;        /* the certificate's end */
    const char *leaf, *issuer; /* PEM */
    const char *shown;         /* a name in it, for messages */
    int managed;               /* of the store: replaced by what goes live for the domain */
} md_stapled;

/** All of them, made by the adapter before any thread begins. */
typedef struct md_stapling {
    md_stapled *each; /* by domain, those of "other" last */
    int count;
    const int *first; /* by md_domain.index: its first one; one more entry marks where "other" begins */
    /** The chain that went live last for a key spec since the start; *chain NULL: none did. */
    md_err *(*live)(void *self, const md_stapled *which, apr_pool_t *p, md_chain **chain);
    /** Here is a staple that handshakes may give out. NULL: nobody wants it. */
    void (*put)(void *self, const md_stapled *which, const char *sha1, const md_staple *staple);
    void *self;
} md_stapling;

/** What is known of the stapling of one certificate. Strings live in the pool. */
typedef struct md_staple_state {
    const char *domain;       /* name of the managed domain, or "other" */
    const char *sha1;         /* 40 lowercase hex digits: id of the certificate */
    const char *responder;    /* URL, or NULL: the certificate names none and is not stapled */
    md_ocsp_status status;    /* unknown: there is no response that is valid now; md_ocsp_status_name() */
    md_period valid;          /* of the response that is stapled; {0,0} when there is none */
    apr_time_t refresh_at;    /* when the next one is fetched; 0: not known */
    const struct md_job *job; /* the record of the job; NULL: it has none yet */
} md_staple_state;

/** About a certificate of a domain's (md_cert_facts of what is served). `domain` NULL: of none. Reads two
 * small files of the store. */
MD_MUST md_err *md_staple_state_of(const md_core *core, const md_domain *domain, const md_cert_facts *cert,
                                   apr_pool_t *p, md_staple_state *out);
/** About one of core->stapling->each. out->sha1 NULL: nothing is stapled there now. */
MD_MUST md_err *md_staple_state_at(const md_core *core, int index, apr_pool_t *p, md_staple_state *out);

/** A certificate that is served now. */
typedef struct md_stapled_now {
    const char *sha1; /* NULL: there is none: it has not come yet, is not served any more, or has expired */
    const char *responder, *shown;
    apr_time_t expires;
    md_chain *chain; /* NULL: md_stapled_chain() has it */
} md_stapled_now;

MD_MUST md_err *md_stapled_find(const md_core *core, const md_stapled *which, apr_time_t now, apr_pool_t *p,
                                md_stapled_now *out);
/** Leaf and issuer. */
MD_MUST md_err *md_stapled_chain(const md_stapled *which, md_stapled_now *now, apr_pool_t *p);

#endif
