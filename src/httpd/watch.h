/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts the engine in the one child that mod_watchdog picks. When that child ends, another one takes over.
 */
#ifndef MD_HTTPD_WATCH_H
#define MD_HTTPD_WATCH_H

#include "httpd/run.h"

typedef struct md_watch md_watch;

/** Registers the engine with mod_watchdog, before that module's own post_config. */
MD_MUST md_err *md_watch_register(const md_run *run, md_watch **out);
/** In a new child: its engine, should it get it, ends with its pool. */
void md_watch_child(md_watch *watch, apr_pool_t *child);
/** Non-zero while the engine of this process is to end; what its jobs wait for ends then, too. */
const atomic_int *md_watch_ending(const md_watch *watch);

#endif
