/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking and telling: a loop over the subscribers, in their order.
 */
#include "jobs/events.h"

#include <string.h>

#include "base/log.h"

md_err *md_ask(const md_events *to, const md_event *event, apr_pool_t *p)
{
    for (int i = 0; i < to->count; ++i) {
        md_err *err = to->each[i].on_event(to->each[i].self, event, p);

        if (err)
            return md_wrap(p, err, "%s does not agree to \"%s\"", to->each[i].name, event->name);
    }
    return NULL;
}

int md_event_waits(const md_err *refusal)
{
    for (; refusal; refusal = refusal->cause)
        if (!strcmp(refusal->type, "md:busy") || !strcmp(refusal->type, "md:cancelled"))
            return 1;
    return 0;
}

void md_tell(const md_events *to, const md_event *event, apr_pool_t *p)
{
    for (int i = 0; i < to->count; ++i) {
        md_err *err = to->each[i].on_event(to->each[i].self, event, p);

        if (err)
            md_log_err(MD_LOG_WARN, 0, event->domain, "telling about an event", err,
                       "%s failed to note \"%s\":", to->each[i].name, event->name);
    }
}
