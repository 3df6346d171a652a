/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges what the status document says of a domain. The order of questions in judge() is the order of
 * urgency.
 */
#include "status/view.h"

#include <apr_strings.h>
#include <string.h>

#include "jobs/kind_renew.h"

#define SHOWN_NAMES 3

const char *md_view_group_word(md_view_group group)
{
    static const char *const words[] = { "attention", "expiring", "renewing", "ok", "idle" };

    return words[group];
}

int md_view_stages(void)
{
    int count = 0;

    while (md_kind_renew.stages[count].name)
        ++count;
    return count;
}

static void read_names(md_view *view, apr_pool_t *p)
{
    const json_t *names = json_object_get(view->entry, "domains");
    int others = 0;

    for (size_t i = 0; i < json_array_size(names); ++i) {
        const char *name = json_string_value(json_array_get(names, i));

        if (!name || !strcmp(name, view->name))
            continue;
        if (others < SHOWN_NAMES)
            view->others = apr_pstrcat(p, view->others, others ? ", " : "", name, NULL);
        ++others;
    }
    view->more = others > SHOWN_NAMES ? others - SHOWN_NAMES : 0;
}

static int is_so(const md_view *view, const char *condition)
{
    const json_t *list = json_object_get(view->entry, "conditions");

    for (size_t i = 0; i < json_array_size(list); ++i)
        if (md_text_equal(json_string_value(json_array_get(list, i)), condition))
            return 1;
    return 0;
}

static void is(md_view *view, md_view_group group, const char *label)
{
    view->group = group;
    view->label = label;
}

/** Begins with a capital letter, unless the first word is a name. */
static const char *sentence(const char *text, apr_pool_t *p)
{
    const apr_size_t word = text ? strspn(text, "abcdefghijklmnopqrstuvwxyz") : 0;
    char *copy;

    if (!word || (text[word] && text[word] != ' '))
        return text;
    copy = apr_pstrdup(p, text);
    copy[0] = (char)(copy[0] - 'a' + 'A');
    return copy;
}

static void read_attention(md_view *view, apr_pool_t *p)
{
    static const struct {
        const char *who, *said;
    } rows[] = {
        { "operator", "You" },
        { "authority", "The CA or the network; it is tried again by itself" },
        { "nobody", "Nobody; it is tried again by itself" },
    };
    const char *who = md_json_text(view->entry, "attention.who");

    view->detail = sentence(md_json_text(view->entry, "attention.reason"), p);
    view->advice = md_json_text(view->entry, "attention.advice");
    if (is_so(view, "errored"))
        view->problem = md_json_text(view->entry, "renewal.last.problem");
    for (size_t i = 0; who && i < sizeof(rows) / sizeof(rows[0]); ++i)
        if (!strcmp(rows[i].who, who))
            view->who = rows[i].said;
}

static void read_progress(md_view *view)
{
    const int step = (int)md_json_int(view->entry, "progress.step", 0);

    if (step < 1 || step > md_view_stages())
        return;
    view->stage = step - 1;
    view->doing = md_json_text(view->entry, "progress.doing");
    if (!view->doing)
        view->doing = md_kind_renew.stages[view->stage].doing;
}

/** Something that somebody should know. A person must act when the document says so, or when clients already
 * suffer, or soon will. */
static void judge_attention(md_view *view)
{
    const int ours = md_text_equal(md_json_text(view->entry, "attention.who"), "operator");
    const int suffers = !view->valid.until || is_so(view, "expiring");

    if (is_so(view, "expired"))
        is(view, MD_VIEW_ATTENTION, "Expired");
    else if (is_so(view, "errored") && !ours && !suffers)
        is(view, MD_VIEW_RENEWING, "Retrying");
    else if (is_so(view, "errored"))
        is(view, MD_VIEW_ATTENTION, view->errors ? "Failing" : "Damaged");
    else if (is_so(view, "expiring") && ours)
        is(view, MD_VIEW_EXPIRING, "Expiring");
    else if (is_so(view, "expiring"))
        is(view, MD_VIEW_RENEWING, view->stage >= 0 ? "Renewing" : "Queued");
    else if (is_so(view, "ready"))
        is(view, MD_VIEW_ATTENTION, "Restart to use");
    else if (!md_json_flag(view->entry, "watched", 1))
        is(view, MD_VIEW_IDLE, "Not in use");
    else
        is(view, MD_VIEW_ATTENTION, "No certificate");
}

static void judge(md_view *view)
{
    const int is_ready = is_so(view, "ready");

    if (view->detail) {
        judge_attention(view);
    } else if (view->stage >= 0 && !is_ready) {
        is(view, MD_VIEW_RENEWING, view->valid.until ? "Renewing" : "Ordering");
    } else if (is_ready) {
        is(view, MD_VIEW_RENEWING, "Going live");
        view->doing = "The new certificate waits for MDActivationDelay, then goes live by itself";
    } else if (is_so(view, "renewing") || is_so(view, "incomplete")) {
        is(view, MD_VIEW_RENEWING, "Queued");
        view->doing = "Waiting for its turn";
    } else {
        is(view, MD_VIEW_OK, "Valid");
    }
    if (view->group != MD_VIEW_IDLE)
        return;
    view->detail = view->advice = view->who = NULL; /* nobody wants one */
}

md_view md_view_of(const json_t *entry, apr_pool_t *p)
{
    md_view view = { .entry = entry, .others = "", .stage = -1, .group = MD_VIEW_OK };
    const char *name = md_json_text(entry, "name");
    const json_int_t errors = md_json_int(entry, "renewal.errors", 0);

    view.name = name ? name : "?";
    view.valid =
        (md_period){ md_json_date(entry, "cert.valid.from"), md_json_date(entry, "cert.valid.until") };
    view.renew_at = md_json_date(entry, "renew-at");
    view.next_run = md_json_date(entry, "renewal.next-run");
    view.errors = errors > 0 && errors < 1000000 ? (int)errors : 0;
    view.ca =
        json_string_value(json_object_get(json_array_get(json_object_get(entry, "authorities"), 0), "name"));
    read_names(&view, p);
    read_attention(&view, p);
    read_progress(&view);
    judge(&view);
    return view;
}

apr_array_header_t *md_view_all(const json_t *doc, apr_pool_t *p)
{
    const json_t *list = json_object_get(doc, "managed-domains");
    apr_array_header_t *views = apr_array_make(p, (int)json_array_size(list) + 1, sizeof(md_view));

    for (size_t i = 0; i < json_array_size(list); ++i)
        APR_ARRAY_PUSH(views, md_view) = md_view_of(json_array_get(list, i), p);
    return views;
}
