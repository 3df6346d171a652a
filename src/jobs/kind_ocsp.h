/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Staples: one job for each certificate of core->stapling.
 */
#ifndef MD_JOBS_KIND_OCSP_H
#define MD_JOBS_KIND_OCSP_H

#include "jobs/staples.h"
#include "jobs/step.h"
#include "ocsp/ask.h"

extern const md_kind md_kind_ocsp;

/** A question that the gate of its responder lets through, or not. */
typedef struct md_ocsp_turn {
    const char *url;
    const md_chain *chain;
    apr_time_t again; /* the gate is closed: come back then; 0: it was asked */
    int otherwise;    /* a failure, but another way of asking has not been tried: ask again now */
    md_ocsp_reply reply;
} md_ocsp_turn;

/** One request at most. Needs desk, domain, now and pool of the step. */
MD_MUST md_err *md_ocsp_take_turn(const md_step *step, md_ocsp_turn *turn);

#endif
