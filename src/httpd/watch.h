/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts the engine in the one child that mod_watchdog picks. When that child ends, another one takes over.
 */
#ifndef MD_HTTPD_WATCH_H
#define MD_HTTPD_WATCH_H

#include "httpd/run.h"

/** Registers the engine with mod_watchdog, before that module's own post_config. Nothing to do: no failure.
 */
MD_MUST md_err *md_watch_register(md_run *run);

#endif
