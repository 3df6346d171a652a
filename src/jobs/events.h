/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: what happened, told to a fixed list of subscribers in a visible order. Publishers know no
 * subscriber.
 */
#ifndef MD_JOBS_EVENTS_H
#define MD_JOBS_EVENTS_H

#include "jobs/job.h"

typedef struct md_event {
    const char *name; /* "renewing", "challenge-setup:http-01:example.org", "renewed", "installed",
                         "activated", "expiring", "errored", "ocsp-renewed", "ocsp-errored" */
    const char *domain;
    md_job *job;       /* record that notes it, or NULL */
    const md_err *err; /* for "errored" and "ocsp-errored" */
    const char *ca;    /* directory URL of the CA at work, or NULL */
    const char *text;  /* one sentence */
    apr_time_t when;
} md_event;

typedef md_err *md_subscriber_fn(void *self, const md_event *event, apr_pool_t *p);
typedef struct md_subscriber {
    const char *name;
    md_subscriber_fn *on_event; /* a failure refuses when asked, else is logged */
    void *self;
} md_subscriber;

typedef struct md_events {
    const md_subscriber *each;
    int count;
} md_events;

/** Any subscriber may refuse: the first failure is returned. */
MD_MUST md_err *md_ask(const md_events *to, const md_event *event, apr_pool_t *p);
/** Did it fail only because a subscriber has no time now, or ends? Ask again soon. */
int md_event_waits(const md_err *refusal);
/** Best effort: failures are logged. */
void md_tell(const md_events *to, const md_event *event, apr_pool_t *p);

#endif
