/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One lock for all gates, held for a few instructions. There are few responders: a list will do.
 */
#include "ocsp/responder.h"

#include <apr_strings.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define TOLD_LIFE apr_time_from_sec(600)
#define REST_MAX  apr_time_from_sec(3600)
#define PAUSE     apr_time_from_msec(20) /* of who waits, per place in the queue */
#define PAUSE_MAX apr_time_from_sec(2)

struct md_responder {
    md_responder *next;
    md_responders *all;
    int in_flight, unreachable, get;
    apr_time_t rest_until, told_at;
    apr_time_t queue_end; /* when the last of those who wait comes back */
    char server[];        /* "http://ocsp.example.org:80" */
};

struct md_responders {
    pthread_mutex_t lock; /* of all gates */
    md_responder *first;
    int in_flight;
};

md_responders *md_responders_open(void)
{
    md_responders *all = calloc(1, sizeof(*all));

    if (!all)
        abort();
    pthread_mutex_init(&all->lock, NULL);
    return all;
}

void md_responders_close(md_responders *all)
{
    while (all->first) {
        md_responder *gate = all->first;

        all->first = gate->next;
        free(gate);
    }
    pthread_mutex_destroy(&all->lock);
    free(all);
}

/** What makes the server of a URL: scheme, host and port. */
static const char *server_of(const char *url, apr_pool_t *p)
{
    const char *host = strstr(url, "://");

    host = host ? host + 3 : url;
    return md_lower(apr_pstrmemdup(p, url, (apr_size_t)(host - url) + strcspn(host, "/?#")), p);
}

static md_responder *make_gate(md_responders *all, const char *server)
{
    const size_t size = strlen(server) + 1;
    md_responder *gate = calloc(1, sizeof(*gate) + size);

    if (!gate)
        abort();
    memcpy(gate->server, server, size);
    gate->all = all;
    gate->next = all->first;
    all->first = gate;
    return gate;
}

md_responder *md_responders_gate(md_responders *all, const char *url, apr_pool_t *p)
{
    const char *server = server_of(url, p);
    md_responder *gate;

    pthread_mutex_lock(&all->lock);
    for (gate = all->first; gate && strcmp(gate->server, server) != 0; gate = gate->next)
        ;
    if (!gate)
        gate = make_gate(all, server);
    pthread_mutex_unlock(&all->lock);
    return gate;
}

/** When the next of those who wait may come back. */
static apr_time_t place_in_queue(md_responder *gate, apr_time_t now)
{
    const apr_time_t earliest = gate->rest_until > now ? gate->rest_until : now + PAUSE;

    if (gate->queue_end < earliest || gate->queue_end > earliest + PAUSE_MAX)
        gate->queue_end = earliest;
    else
        gate->queue_end += PAUSE;
    return gate->queue_end;
}

int md_responder_enter(md_responder *gate, apr_time_t now, apr_time_t *again)
{
    md_responders *all = gate->all;
    int may;

    pthread_mutex_lock(&all->lock);
    may = gate->rest_until <= now && all->in_flight < MD_RESPONDERS_IN_FLIGHT &&
          gate->in_flight < (gate->unreachable ? 1 : MD_RESPONDER_IN_FLIGHT);
    gate->in_flight += may;
    all->in_flight += may;
    if (!may)
        *again = place_in_queue(gate, now);
    pthread_mutex_unlock(&all->lock);
    return may;
}

void md_responder_leave(md_responder *gate, int reached, apr_time_t now, apr_time_t rest_until)
{
    const apr_time_t latest = now + REST_MAX;

    pthread_mutex_lock(&gate->all->lock);
    --gate->in_flight;
    --gate->all->in_flight;
    gate->unreachable = !reached;
    if (rest_until > gate->rest_until)
        gate->rest_until = rest_until < latest ? rest_until : latest;
    pthread_mutex_unlock(&gate->all->lock);
}

int md_responder_is_news(md_responder *gate, apr_time_t now)
{
    int news;

    pthread_mutex_lock(&gate->all->lock);
    news = !gate->told_at || now < gate->told_at || now - gate->told_at >= TOLD_LIFE;
    if (news)
        gate->told_at = now;
    pthread_mutex_unlock(&gate->all->lock);
    return news;
}

int md_responder_wants_get(md_responder *gate)
{
    int get;

    pthread_mutex_lock(&gate->all->lock);
    get = gate->get;
    pthread_mutex_unlock(&gate->all->lock);
    return get;
}

void md_responder_set_get(md_responder *gate)
{
    pthread_mutex_lock(&gate->all->lock);
    gate->get = 1;
    pthread_mutex_unlock(&gate->all->lock);
}
