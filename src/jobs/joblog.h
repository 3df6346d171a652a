/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subscriber that writes a job's own log: what began, ended and failed, and which events there were.
 */
#ifndef MD_JOBS_JOBLOG_H
#define MD_JOBS_JOBLOG_H

#include "jobs/events.h"

/** Notes events that come with a job; others are none of its business. Agrees to everything. It comes last in
 * a list of subscribers: what others refuse did not happen. */
extern const md_subscriber md_joblog;

/** The same with nobody else, for adapters that want no more. */
extern const md_events md_joblog_only;

#endif
