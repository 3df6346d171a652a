/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subscriber that runs the operator's commands: MDNotifyCmd and MDMessageCmd. Commands have little time,
 * and few of them run at once, so that none keeps the engine from its work.
 */
#ifndef MD_JOBS_NOTIFY_H
#define MD_JOBS_NOTIFY_H

#include "base/exec.h"
#include "jobs/events.h"
#include "plan/policy.h"

typedef struct md_notify {
    const char *notify_cmd, *message_cmd; /* command lines, or NULL */
    const md_exec_limits *limits;
} md_notify;

void md_notify_init(md_notify *notify, const md_policy *policy, const md_exec_limits *limits);

/** For md_subscriber, `self` is the md_notify. A command that says no is a failure; so is one that has to
 * wait for others, "md:busy": ask again soon. What was told a short while ago counts as told. */
md_err *md_notify_on_event(void *self, const md_event *event, apr_pool_t *p);

/** Is an event of this name to be told, or was it, just now? By the record of the job, which may be NULL. */
int md_notify_is_due(const md_job *job, const char *event, apr_time_t now);
/** Notes in the record that it was told. */
void md_notify_told(md_job *job, const char *event, apr_time_t now);
/** MDMessageCmd's argument vector for an event; *argv NULL: there is no such command. */
MD_MUST md_err *md_notify_message(const md_notify *notify, const char *event, const char *domain,
                                  apr_pool_t *p, md_names **argv);

#endif
