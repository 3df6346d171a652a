/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gates to responders, one for each server that is asked: how many requests run side by side, when it wants
 * rest, whether it only speaks GET. They live on the heap for the life of an engine and hold nothing that a
 * crash would lose.
 */
#ifndef MD_OCSP_RESPONDER_H
#define MD_OCSP_RESPONDER_H

#include "base/when.h"

/** Requests side by side: to one responder, and to all together, so that slow ones leave threads of the
 * engine to renewals. A responder that was last found unreachable is tried by one. */
#define MD_RESPONDER_IN_FLIGHT  5
#define MD_RESPONDERS_IN_FLIGHT 6

typedef struct md_responder md_responder;
typedef struct md_responders md_responders;

md_responders *md_responders_open(void);
void md_responders_close(md_responders *all);
/** The gate to the server of a URL; made on first use. */
md_responder *md_responders_gate(md_responders *all, const char *url, apr_pool_t *p);

/** True and counted, or false: come back at *again. Those who wait are spread, so that they do not all come
 * at once. */
int md_responder_enter(md_responder *gate, apr_time_t now, apr_time_t *again);
/** Ends a request. `reached`: an HTTP answer came; `rest_until`: the responder asks to be left alone, or 0.
 */
void md_responder_leave(md_responder *gate, int reached, apr_time_t now, apr_time_t rest_until);
/** Is a failure of it news? Not when one was told of in the last ten minutes and it has not worked since. */
int md_responder_is_news(md_responder *gate, apr_time_t now);

/** Does it refuse POST? */
int md_responder_wants_get(md_responder *gate);
void md_responder_set_get(md_responder *gate);

#endif
