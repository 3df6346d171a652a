/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a domain's entry of the status document looks to a person: one of five groups, a label, a sentence on
 * what to do and who must do it. Pure reads; the document is of any shape.
 */
#ifndef MD_STATUS_VIEW_H
#define MD_STATUS_VIEW_H

#include "base/json.h"

/** Most urgent first. */
typedef enum md_view_group {
    MD_VIEW_ATTENTION, /* a person must act */
    MD_VIEW_EXPIRING,  /* ends soon, and nothing is done about it now */
    MD_VIEW_RENEWING,  /* being worked on, tried again by itself, or about to go live */
    MD_VIEW_OK,
    MD_VIEW_IDLE, /* nobody uses it, so nothing is done */
    MD_VIEW_GROUPS
} md_view_group;

typedef struct md_view {
    const json_t *entry; /* everything else is borrowed from it, or of the pool */
    const char *name;    /* never NULL */
    const char *others;  /* its other names, at most three of them; "" if there are none */
    int more;            /* names beyond these */
    md_view_group group;
    const char *label; /* "Valid", "Failing", ...; never NULL */
    md_period valid;
    apr_time_t renew_at, next_run;
    int errors;          /* in a row */
    const char *problem; /* type for machines, or NULL */
    const char *detail;  /* what is wrong, or NULL: nothing is */
    const char *advice;  /* what to do, or NULL */
    const char *who;     /* must act, or NULL */
    const char *doing;   /* what is done now, or NULL */
    int stage;           /* at work: index in md_kind_renew.stages; -1: none */
    const char *ca;      /* its name, or its host; NULL if not known */
} md_view;

/** Looks at an entry. */
md_view md_view_of(const json_t *entry, apr_pool_t *p);
/** Of a document: array of md_view, in its order. */
apr_array_header_t *md_view_all(const json_t *doc, apr_pool_t *p);
/** "attention", "expiring", ...: word for a group in URLs and class names. */
const char *md_view_group_word(md_view_group group);
/** Number of stages of a renewal. */
int md_view_stages(void);
#endif
