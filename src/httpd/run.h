/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What belongs to one configuration of a running server: made in post_config, read by every hook, gone with
 * the configuration's pool. Children inherit it by fork and change nothing but what their own slots of `live`
 * hold.
 */
#ifndef MD_HTTPD_RUN_H
#define MD_HTTPD_RUN_H

#include <httpd.h>
#include "httpd/board.h"
#include "httpd/facts.h"
#include "httpd/installed.h"
#include "httpd/live.h"
#include "httpd/promote.h"
#include "httpd/staple.h"
#include "jobs/core.h"
#include "jobs/count.h"
#include "status/cache.h"

typedef struct md_run {
    server_rec *base;
    apr_pool_t *p; /* configuration pool: not for use after the start */
    md_store *store;
    md_plan *plan;
    md_core core;    /* its `self` is this run */
    md_facts *facts; /* as mod_ssl loaded them */
    md_board *board;
    md_live_slot *slots;
    md_staples *staples; /* NULL: nothing is stapled */
    md_cache *cache;     /* of the status */
    md_promoter *promoter;
    md_installed *installed;
    md_exec_turns turns;
    md_exec_limits exec;
    md_notify notify;
    md_counts *counts;            /* of this process */
    md_subscriber subscribers[3]; /* in this order */
    md_events events;
    struct md_watch *watch;   /* NULL: nothing to look after */
    int settled;              /* this start brought the store in line */
    int watched;              /* number of domains that the engine looks after */
    const md_err **obstacles; /* by md_domain.index: what a renewal would stumble over, or NULL */
} md_run;

/** The run of the configuration in force; NULL when no domain is managed and nothing stapled, or before
 * post_config. */
md_run *md_run_now(void);

/** Does this TLS host have nothing but its domain's placeholder to show? */
int md_run_waits(const md_run *run, const server_rec *server);

#endif
