/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtual host is found by file and line of its section. A file that is included several times defines
 * several hosts at the same place; they are told apart by their order, which may matter when their text
 * depends on a Define.
 */
#include "httpd/engines.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <http_config.h>
#include <strings.h>

enum engine { ENGINE_UNSET, ENGINE_OFF, ENGINE_ON };

struct md_engines {
    apr_hash_t *on; /* server_rec * -> itself */
};

/** The sections at one place of the configuration, in order. */
typedef struct place {
    apr_array_header_t *engines; /* of enum engine */
    int taken;
} place;

static enum engine engine_of(const char *args, apr_pool_t *p)
{
    return strcasecmp(ap_getword_conf(p, &args), "on") == 0 ? ENGINE_ON : ENGINE_OFF;
}

/** The last SSLEngine among siblings; sections do not count. */
static enum engine last_engine(const ap_directive_t *first, apr_pool_t *p)
{
    enum engine engine = ENGINE_UNSET;

    for (const ap_directive_t *at = first; at; at = at->next)
        if (strcasecmp(at->directive, "SSLEngine") == 0)
            engine = engine_of(at->args, p);
    return engine;
}

static const char *place_key(const char *file, unsigned line, apr_pool_t *p)
{
    return apr_psprintf(p, "%u %s", line, file ? file : "");
}

static apr_hash_t *places_of(const ap_directive_t *tree, apr_pool_t *p)
{
    apr_hash_t *places = apr_hash_make(p);

    for (const ap_directive_t *at = tree; at; at = at->next) {
        const char *key;
        place *here;

        if (strcasecmp(at->directive, "<VirtualHost"))
            continue;
        key = place_key(at->filename, (unsigned)at->line_num, p);
        here = apr_hash_get(places, key, APR_HASH_KEY_STRING);
        if (!here) {
            here = apr_pcalloc(p, sizeof(*here));
            here->engines = apr_array_make(p, 1, sizeof(enum engine));
            apr_hash_set(places, key, APR_HASH_KEY_STRING, here);
        }
        APR_ARRAY_PUSH(here->engines, enum engine) = last_engine(at->first_child, p);
    }
    return places;
}

static enum engine take_engine(apr_hash_t *places, const server_rec *server, apr_pool_t *p)
{
    const char *key = place_key(server->defn_name, server->defn_line_number, p);
    place *here = apr_hash_get(places, key, APR_HASH_KEY_STRING);

    if (!here || here->taken >= here->engines->nelts)
        return ENGINE_UNSET;
    return APR_ARRAY_IDX(here->engines, here->taken++, enum engine);
}

md_engines *md_engines_read(const ap_directive_t *tree, const apr_array_header_t *servers, apr_pool_t *p)
{
    md_engines *engines = apr_palloc(p, sizeof(*engines));
    apr_hash_t *places = places_of(tree, p);
    enum engine base = last_engine(tree, p);

    engines->on = apr_hash_make(p);
    for (int i = 0; i < servers->nelts; ++i) {
        server_rec *const *server = &APR_ARRAY_IDX(servers, i, server_rec *);
        enum engine engine = (*server)->is_virtual ? take_engine(places, *server, p) : base;

        if (engine == ENGINE_UNSET)
            engine = base;
        if (engine == ENGINE_ON)
            apr_hash_set(engines->on, server, sizeof(void *), *server);
    }
    return engines;
}

int md_engines_on(const md_engines *engines, const server_rec *server)
{
    return apr_hash_get(engines->on, &server, sizeof(void *)) != NULL;
}
