/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gates. One lock per gate, held for a few instructions.
 */
#include "acme/ca.h"

#include <apr_strings.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NONCES_MAX = 64, NONCE_LENGTH_MAX = 256, PROFILES_MAX = 64, IDENTITIES_MAX = 16 };
#define NONCE_LIFE     apr_time_from_sec(600)
#define DIRECTORY_LIFE apr_time_from_sec(3600)
/* Who waits for one request that decides whether the CA is there looks again after this time if it takes
 * longer, and shares what it found out for this time. */
#define SILENT_PAUSE  apr_time_from_sec(1)
#define SILENCE_KNOWN apr_time_from_sec(2)
#define TELL_EACH     apr_time_from_sec(3600)
#define REST_MAX      apr_time_from_sec(9 * 24 * 3600)

static const struct {
    const char *name, *url;
} known[] = {
    { "LetsEncrypt", "https://acme-v02.api.letsencrypt.org/directory" },
    { "LetsEncrypt-Test", "https://acme-staging-v02.api.letsencrypt.org/directory" },
    { "Buypass", "https://api.buypass.com/acme/directory" },
    { "Buypass-Test", "https://api.test4.buypass.no/acme/directory" },
};
enum { KNOWN = sizeof(known) / sizeof(known[0]) };

const char *md_ca_known_url(const char *name)
{
    for (int i = 0; i < KNOWN; ++i)
        if (strcasecmp(known[i].name, name) == 0)
            return known[i].url;
    return NULL;
}

const char *md_ca_shown(const char *url, apr_pool_t *p)
{
    for (int i = 0; i < KNOWN; ++i)
        if (strcmp(known[i].url, url) == 0)
            return known[i].name;
    return md_url_host(url, p);
}

int md_ca_is_bound(const char *url, apr_pool_t *p)
{
    static const char *const hosts[] = { "acme.zerossl.com", "dv.acme-v02.api.pki.goog", "acme.ssl.com",
                                         "acme.sectigo.com", "acme.digicert.com" };
    const char *host = md_url_host(url, p);

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); ++i)
        if (strcasecmp(hosts[i], host) == 0)
            return 1;
    return 0;
}

const char *md_ca_known_names(apr_pool_t *p)
{
    md_names *names = md_names_make(p);

    for (int i = 0; i < KNOWN; ++i)
        md_names_add(names, known[i].name);
    return md_names_join(names, ", ", p);
}

typedef struct nonce {
    char *text;
    apr_time_t since;
} nonce;

/** An account in use with the count of its holders. */
typedef struct held_account {
    md_account_use use;
    int holds; /* under the gate's lock */
    md_ca *ca;
} held_account;

struct md_ca {
    md_ca *next;
    md_cas *of;
    char *url, *kind;
    pthread_mutex_t lock;
    nonce nonces[NONCES_MAX];
    int nonce_count;
    int in_flight, answers;
    char *silence, *silence_type, *silence_way; /* why it did not answer last, and since when; NULL: it did */
    apr_time_t silent_at, entered_at;
    apr_time_t rest_until, orders_rest_until;
    apr_time_t orders_spent, budget_told;
    apr_pool_t *directories; /* every directory ever read: the pointers given out stay good */
    md_directory *directory;
    apr_time_t directory_since;
    held_account *account;
    int account_busy;
};

struct md_cas {
    pthread_mutex_t lock;
    md_ca *first;
    atomic_int count;
};

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

md_cas *md_cas_open(void)
{
    md_cas *cas = must(calloc(1, sizeof(*cas)));

    pthread_mutex_init(&cas->lock, NULL);
    return cas;
}

static void free_account(held_account *held)
{
    free((void *)(apr_uintptr_t)held->use.url);
    free((void *)(apr_uintptr_t)held->use.id);
    md_key_drop(held->use.key);
    free(held);
}

/** Lets go of one hold; under the gate's lock. */
static void let_go(held_account *held)
{
    if (held && --held->holds == 0)
        free_account(held);
}

static void forget_silence(md_ca *ca)
{
    free(ca->silence);
    free(ca->silence_type);
    free(ca->silence_way);
    ca->silence = ca->silence_type = ca->silence_way = NULL;
}

static void close_gate(md_ca *ca)
{
    let_go(ca->account);
    for (int i = 0; i < ca->nonce_count; ++i)
        free(ca->nonces[i].text);
    apr_pool_destroy(ca->directories);
    pthread_mutex_destroy(&ca->lock);
    free(ca->url);
    free(ca->kind);
    forget_silence(ca);
    free(ca);
}

void md_cas_close(md_cas *cas)
{
    for (md_ca *ca = cas->first, *next; ca; ca = next) {
        next = ca->next;
        close_gate(ca);
    }
    pthread_mutex_destroy(&cas->lock);
    free(cas);
}

static md_ca *make_gate(const char *url, const char *kind)
{
    md_ca *ca = must(calloc(1, sizeof(*ca)));

    ca->url = must(strdup(url));
    ca->kind = kind ? must(strdup(kind)) : NULL;
    pthread_mutex_init(&ca->lock, NULL);
    apr_pool_create_unmanaged_ex(&ca->directories, NULL, NULL);
    return ca;
}

md_ca *md_cas_gate(md_cas *cas, const char *directory_url, const char *kind)
{
    md_ca *ca;

    pthread_mutex_lock(&cas->lock);
    for (ca = cas->first; ca; ca = ca->next)
        if (!strcmp(ca->url, directory_url) && md_text_equal(ca->kind, kind))
            break;
    if (!ca) {
        ca = make_gate(directory_url, kind);
        ca->of = cas;
        ca->next = cas->first;
        cas->first = ca;
        ++cas->count;
    }
    pthread_mutex_unlock(&cas->lock);
    return ca;
}

const char *md_ca_url(const md_ca *ca)
{
    return ca->url;
}

const char *md_ca_kind(const md_ca *ca)
{
    return ca->kind;
}

/** Nobody is asked to rest for so long: the clock was set back. */
static apr_time_t believed(apr_time_t rest_until, apr_time_t now)
{
    return rest_until > now + REST_MAX ? 0 : rest_until;
}

/** How many requests may be in flight; under the lock. */
static int room(const md_ca *ca)
{
    if (!ca->answers)
        return 1;
    return ca->of->count > 1 ? MD_CA_IN_FLIGHT - MD_CA_LEAVE_ROOM : MD_CA_IN_FLIGHT;
}

int md_ca_enter(md_ca *ca, apr_time_t now, apr_time_t *again)
{
    int may;

    pthread_mutex_lock(&ca->lock);
    ca->rest_until = believed(ca->rest_until, now);
    may = ca->rest_until <= now && ca->in_flight < room(ca);
    ca->in_flight += may;
    if (may)
        ca->entered_at = now;
    if (ca->rest_until > now)
        *again = ca->rest_until;
    else
        *again = now + (!ca->answers && now - ca->entered_at > SILENT_PAUSE ? SILENT_PAUSE : MD_CA_PAUSE);
    pthread_mutex_unlock(&ca->lock);
    return may;
}

void md_ca_leave(md_ca *ca, apr_time_t now, const md_silence *found, apr_time_t rest_until, apr_pool_t *p)
{
    const char *text = found->why ? md_err_text(found->why, p) : NULL;

    pthread_mutex_lock(&ca->lock);
    --ca->in_flight;
    ca->answers = !found->why;
    forget_silence(ca);
    if (text) {
        ca->silence = must(strdup(text));
        ca->silence_type = must(strdup(found->why->type));
        ca->silence_way = must(strdup(found->way));
        ca->silent_at = now;
    }
    if (rest_until > ca->rest_until)
        ca->rest_until = rest_until;
    pthread_mutex_unlock(&ca->lock);
}

md_err *md_ca_silence(md_ca *ca, const char *way, apr_time_t since, apr_time_t now, apr_pool_t *p)
{
    md_err *err = NULL;

    pthread_mutex_lock(&ca->lock);
    if (ca->silence && !strcmp(ca->silence_way, way) && ca->silent_at > since &&
        now - ca->silent_at < SILENCE_KNOWN)
        err = md_fail(p, MD_FAULT_REMOTE, apr_pstrdup(p, ca->silence_type), "%s", ca->silence);
    pthread_mutex_unlock(&ca->lock);
    return err;
}

void md_ca_rest_orders(md_ca *ca, apr_time_t until)
{
    pthread_mutex_lock(&ca->lock);
    if (until > ca->orders_rest_until)
        ca->orders_rest_until = until;
    pthread_mutex_unlock(&ca->lock);
}

apr_time_t md_ca_orders_rest(md_ca *ca, apr_time_t now)
{
    apr_time_t until;

    pthread_mutex_lock(&ca->lock);
    until = believed(ca->orders_rest_until, now);
    pthread_mutex_unlock(&ca->lock);
    return until;
}

int md_ca_pay_order(md_ca *ca, const md_rate *rate, int anyway, apr_time_t now, apr_time_t *spent)
{
    apr_time_t before, opens;

    pthread_mutex_lock(&ca->lock);
    before = ca->orders_spent > *spent ? ca->orders_spent : *spent;
    opens = anyway ? now : md_budget_opens(rate, before, now);
    *spent = opens > now ? opens : md_budget_spend(rate, before, now);
    if (opens <= now)
        ca->orders_spent = *spent;
    pthread_mutex_unlock(&ca->lock);
    return opens <= now;
}

int md_ca_tell_budget(md_ca *ca, apr_time_t now)
{
    int tell;

    pthread_mutex_lock(&ca->lock);
    tell = !ca->budget_told || now - ca->budget_told >= TELL_EACH;
    if (tell)
        ca->budget_told = now;
    pthread_mutex_unlock(&ca->lock);
    return tell;
}

const char *md_ca_take_nonce(md_ca *ca, apr_time_t now, apr_pool_t *p)
{
    const char *text = NULL;

    pthread_mutex_lock(&ca->lock);
    while (ca->nonce_count && !text) {
        nonce *newest = &ca->nonces[--ca->nonce_count];

        if (now - newest->since < NONCE_LIFE)
            text = apr_pstrdup(p, newest->text);
        free(newest->text);
    }
    pthread_mutex_unlock(&ca->lock);
    return text;
}

void md_ca_give_nonce(md_ca *ca, const char *text, apr_time_t now)
{
    if (!text || !*text || strlen(text) > NONCE_LENGTH_MAX)
        return;
    pthread_mutex_lock(&ca->lock);
    if (ca->nonce_count == NONCES_MAX) {
        free(ca->nonces[0].text);
        memmove(ca->nonces, ca->nonces + 1, (NONCES_MAX - 1) * sizeof(nonce));
        --ca->nonce_count;
    }
    ca->nonces[ca->nonce_count++] = (nonce){ must(strdup(text)), now };
    pthread_mutex_unlock(&ca->lock);
}

const md_directory *md_ca_directory(md_ca *ca, apr_time_t now)
{
    const md_directory *directory;

    pthread_mutex_lock(&ca->lock);
    directory = now - ca->directory_since < DIRECTORY_LIFE ? ca->directory : NULL;
    pthread_mutex_unlock(&ca->lock);
    return directory;
}

static const char **read_profiles(const json_t *profiles, apr_pool_t *p)
{
    const char **names = apr_pcalloc(p, (PROFILES_MAX + 1) * sizeof(*names)), *name;
    json_t *value;
    int count = 0;

    if (!json_is_object(profiles))
        return NULL;
    json_object_foreach((json_t *)(apr_uintptr_t)profiles, name, value) if (count < PROFILES_MAX)
        names[count++] = apr_pstrdup(p, name);
    return names;
}

static const char **read_identities(const json_t *identities, apr_pool_t *p)
{
    const char **names = apr_pcalloc(p, (IDENTITIES_MAX + 1) * sizeof(*names));
    int count = 0;

    for (size_t i = 0; i < json_array_size(identities) && count < IDENTITIES_MAX; ++i) {
        const char *name = json_string_value(json_array_get(identities, i));

        if (name)
            names[count++] = apr_pstrdup(p, name);
    }
    return count ? names : NULL;
}

static int same_list(const char **a, const char **b)
{
    int i = 0;

    if (!a || !b)
        return a == b;
    while (a[i] && b[i] && !strcmp(a[i], b[i]))
        ++i;
    return !a[i] && !b[i];
}

static void fill(md_directory *into, const json_t *doc, apr_pool_t *p)
{
    *into = (md_directory){
        .new_nonce = apr_pstrdup(p, md_json_text(doc, "newNonce")),
        .new_account = apr_pstrdup(p, md_json_text(doc, "newAccount")),
        .new_order = apr_pstrdup(p, md_json_text(doc, "newOrder")),
        .revoke_cert = apr_pstrdup(p, md_json_text(doc, "revokeCert")),
        .key_change = apr_pstrdup(p, md_json_text(doc, "keyChange")),
        .renewal_info = apr_pstrdup(p, md_json_text(doc, "renewalInfo")),
        .terms = apr_pstrdup(p, md_json_text(doc, "meta.termsOfService")),
        .eab_required = md_json_flag(doc, "meta.externalAccountRequired", 0),
        .profiles = read_profiles(md_json_at(doc, "meta.profiles"), p),
        .caa = read_identities(md_json_at(doc, "meta.caaIdentities"), p),
    };
}

static int same_directory(const md_directory *a, const md_directory *b)
{
    return a && md_text_equal(a->new_nonce, b->new_nonce) && md_text_equal(a->new_account, b->new_account) &&
           md_text_equal(a->new_order, b->new_order) && md_text_equal(a->revoke_cert, b->revoke_cert) &&
           md_text_equal(a->key_change, b->key_change) && md_text_equal(a->renewal_info, b->renewal_info) &&
           md_text_equal(a->terms, b->terms) && a->eab_required == b->eab_required &&
           same_list(a->profiles, b->profiles) && same_list(a->caa, b->caa);
}

static md_err *check_directory(const md_ca *ca, const json_t *doc, const md_directory *directory,
                               apr_pool_t *p)
{
    const char *const urls[] = { directory->new_nonce, directory->new_account, directory->new_order };

    if (md_json_text(doc, "new-reg"))
        return md_fail(p, MD_FAULT_CONFIG, "md:bad-answer",
                       "%s speaks ACMEv1 only, which is no longer supported; set MDCertificateAuthority to "
                       "an ACMEv2 directory",
                       md_url_shown(ca->url, p));
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); ++i)
        if (!urls[i] || md_url_reason(urls[i]))
            return md_fail(
                p, MD_FAULT_REMOTE, "md:bad-answer",
                "the answer of %s is no ACME directory: newNonce, newAccount or newOrder is missing",
                md_url_shown(ca->url, p));
    return NULL;
}

md_err *md_ca_learn(md_ca *ca, const json_t *doc, apr_time_t now, apr_pool_t *p)
{
    md_directory directory;
    md_err *err;

    fill(&directory, doc, p);
    err = check_directory(ca, doc, &directory, p);
    if (err)
        return err;
    pthread_mutex_lock(&ca->lock);
    if (!same_directory(ca->directory, &directory)) {
        ca->directory = apr_pcalloc(ca->directories, sizeof(*ca->directory));
        fill(ca->directory, doc, ca->directories);
    }
    ca->directory_since = now;
    pthread_mutex_unlock(&ca->lock);
    return NULL;
}

static apr_status_t drop_account(void *data)
{
    held_account *held = data;
    md_ca *ca = held->ca;

    pthread_mutex_lock(&ca->lock);
    let_go(held);
    pthread_mutex_unlock(&ca->lock);
    return APR_SUCCESS;
}

const md_account_use *md_ca_account(md_ca *ca, apr_pool_t *p)
{
    held_account *held;

    pthread_mutex_lock(&ca->lock);
    held = ca->account;
    if (held)
        ++held->holds;
    pthread_mutex_unlock(&ca->lock);
    if (!held)
        return NULL;
    apr_pool_cleanup_register(p, held, drop_account, apr_pool_cleanup_null);
    return &held->use;
}

void md_ca_use_account(md_ca *ca, const char *url, const char *id, md_key *key)
{
    held_account *held = NULL;

    if (url) {
        held = must(calloc(1, sizeof(*held)));
        held->use = (md_account_use){ must(strdup(url)), id ? must(strdup(id)) : NULL, md_key_keep(key) };
        held->holds = 1;
        held->ca = ca;
    }
    pthread_mutex_lock(&ca->lock);
    let_go(ca->account);
    ca->account = held;
    pthread_mutex_unlock(&ca->lock);
}

int md_ca_account_begin(md_ca *ca)
{
    int mine;

    pthread_mutex_lock(&ca->lock);
    mine = !ca->account_busy;
    ca->account_busy = 1;
    pthread_mutex_unlock(&ca->lock);
    return mine;
}

void md_ca_account_done(md_ca *ca)
{
    pthread_mutex_lock(&ca->lock);
    ca->account_busy = 0;
    pthread_mutex_unlock(&ca->lock);
}
