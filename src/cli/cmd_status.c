/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How things stand: the server's status document, as a table or as it is.
 */
#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/a2md.h"
#include "status/status.h"

/** What is said of a domain, and how urgent it is. */
typedef struct line {
    const char *name, *state, *expires, *next, *problem;
    const char *colour;
} line;

#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define RED    "\033[31m"
#define PLAIN  "\033[0m"

md_err *md_cli_facts(void *self, const md_domain *domain, apr_pool_t *p, apr_array_header_t **facts)
{
    return md_core_facts(self, domain, p, facts);
}

int md_cli_colours(void)
{
    const char *terminal = getenv("TERM"); /* NOLINT(concurrency-mt-unsafe) one thread */

    return isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && /* NOLINT(concurrency-mt-unsafe) one thread */
           terminal && strcmp(terminal, "dumb") != 0;
}

static const char *in_words(apr_time_t at, apr_time_t now, apr_pool_t *p)
{
    if (!at)
        return "-";
    return at > now ? apr_pstrcat(p, "in ", md_duration_words(at - now, p), NULL) : "now";
}

/** In one word, by the worst of its conditions. */
static void judge(const md_entry *entry, line *out)
{
    static const struct {
        const char *state, *colour;
    } rows[MD_CONDITIONS] = {
        [MD_IS_EXPIRED] = { "expired", RED },
        [MD_IS_ERRORED] = { "failing", RED },
        [MD_IS_EXPIRING] = { "expiring", YELLOW },
        [MD_IS_INCOMPLETE] = { "incomplete", YELLOW },
        [MD_IS_RENEWING] = { "renewing", YELLOW },
        [MD_IS_READY] = { "ok", GREEN },
        [MD_IS_OK] = { "ok", GREEN },
    };
    const md_condition worst = md_condition_worst(entry->conditions);
    const char *reason = md_json_text(entry->doc, "attention.reason");

    out->state = rows[worst].state;
    out->colour = rows[worst].colour;
    if (worst == MD_IS_ERRORED && !entry->failed)
        out->state = "damaged";
    if (worst < MD_IS_READY)
        out->problem = reason ? reason : md_json_text(entry->doc, "state-descr");
}

static line line_of(const md_entry *entry, apr_time_t now, apr_pool_t *p)
{
    const json_t *doc = entry->doc;
    const apr_time_t until = entry->expires, next_try = md_json_date(doc, "renewal.next-run");
    const size_t names = json_array_size(json_object_get(doc, "domains"));
    line out = { .name = md_json_text(doc, "name") };

    judge(entry, &out);
    if (names > 1)
        out.name = apr_psprintf(p, "%s (+%d)", out.name, (int)names - 1);
    out.expires = !until        ? "-"
                  : until > now ? apr_pstrcat(p, "in ", md_duration_words(until - now, p), NULL)
                                : apr_pstrcat(p, md_duration_words(now - until, p), " ago", NULL);
    if (md_json_int(doc, "renewal.errors", 0))
        out.next = apr_pstrcat(p, "try again ", in_words(next_try, now, p), NULL);
    else if (md_json_date(doc, "renew-at"))
        out.next = apr_pstrcat(p, "renew ", in_words(md_json_date(doc, "renew-at"), now, p), NULL);
    else
        out.next = "not renewed by itself";
    return out;
}

static int wider(int width, const char *text)
{
    return (int)strlen(text) > width ? (int)strlen(text) : width;
}

static void print_lines(const apr_array_header_t *lines)
{
    int name = 4, state = 5, expires = 7;
    const int colours = md_cli_colours();

    for (int i = 0; i < lines->nelts; ++i) {
        const line *each = &APR_ARRAY_IDX(lines, i, line);

        name = wider(name, each->name);
        state = wider(state, each->state);
        expires = wider(expires, each->expires);
    }
    printf("%-*s  %-*s  %-*s  %s\n", name, "NAME", state, "STATE", expires, "EXPIRES", "NEXT");
    for (int i = 0; i < lines->nelts; ++i) {
        const line *each = &APR_ARRAY_IDX(lines, i, line);

        printf("%-*s  %s%-*s%s  %-*s  %s\n", name, each->name, colours ? each->colour : "", state,
               each->state, colours ? PLAIN : "", expires, each->expires, each->next);
        if (each->problem)
            printf("  %s\n", each->problem);
    }
}

md_err *md_cmd_status(md_cli *cli, int argc, char **argv)
{
    md_core core = {
        .store = cli->store, .plan = cli->plan, .clock = &md_clock_system, .facts = md_cli_facts
    };
    apr_array_header_t *domains, *lines = apr_array_make(cli->p, 16, sizeof(line));

    core.self = &core;
    md_cli_learn_hosts(cli);
    MD_TRY(md_cli_domains(cli, argc - 1, argv + 1, &domains));
    for (int i = 0; i < domains->nelts; ++i) {
        const md_domain *domain = APR_ARRAY_IDX(domains, i, const md_domain *);
        md_entry entry;

        MD_TRY(md_status_one(&core, domain, argc > 1, cli->p, &entry));
        if (cli->json)
            json_array_append(cli->output, entry.doc);
        else
            APR_ARRAY_PUSH(lines, line) = line_of(&entry, md_now(core.clock), cli->p);
    }
    if (!cli->json)
        print_lines(lines);
    return NULL;
}
