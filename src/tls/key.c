/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key specs, generation, and what type a key has. PEM is key_pem.c's business.
 */
#include "tls/key.h"

#include <apr_cstr.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <limits.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/json.h"

enum { RSA_BITS_DEFAULT = 2048, RSA_BITS_MAX = 16384, CURVE_MAX = 64 };

md_key_specs *md_key_specs_default(apr_pool_t *p)
{
    md_key_specs *specs = apr_array_make(p, 1, sizeof(md_key_spec));

    *(md_key_spec *)apr_array_push(specs) = (md_key_spec){ .type = MD_KEY_DEFAULT, .bits = RSA_BITS_DEFAULT };
    return specs;
}

static int is_number(const char *word)
{
    return word[0] && word[strspn(word, "0123456789")] == '\0';
}

/** Curves become part of file names, so what cannot be the name of one is refused; TLS libraries know more or
 * less of them. */
static int is_name(const char *word)
{
    size_t length = strlen(word);

    return length <= CURVE_MAX && apr_isalnum(word[0]) &&
           strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == length;
}

/** Puts the bits of an RSA spec into `spec`; a reason or NULL. */
static const char *read_bits(const char *digits, apr_pool_t *p, md_key_spec *spec)
{
    apr_int64_t bits = apr_strtoi64(digits, NULL, 10);

    if (bits < RSA_BITS_DEFAULT)
        return apr_psprintf(p, "RSA keys of %s bits: must be 2048 or higher in order to be considered safe",
                            digits);
    if (bits >= INT_MAX || bits > RSA_BITS_MAX)
        return apr_psprintf(p, "RSA keys of %s bits: too large, the most is %d", digits, RSA_BITS_MAX);
    spec->bits = (int)bits;
    return NULL;
}

static int same_kind(const md_key_spec *a, const md_key_spec *b)
{
    if (a->type != b->type)
        return 0;
    return !a->curve || apr_cstr_casecmp(a->curve, b->curve) == 0;
}

static const char *add_spec(md_key_specs *specs, md_key_spec spec, apr_pool_t *p)
{
    for (int i = 0; i < specs->nelts; ++i)
        if (same_kind(MD_SPEC(specs, i), &spec))
            return apr_psprintf(p, "two keys of type '%s' are not possible", spec.curve ? spec.curve : "RSA");
    *(md_key_spec *)apr_array_push(specs) = spec;
    return NULL;
}

/** Reads the spec that begins at word *i, which is moved to its last word. */
static const char *read_spec(const md_names *words, int *i, apr_pool_t *p, md_key_spec *spec)
{
    const char *word = MD_NAME(words, *i);

    *spec = (md_key_spec){ .type = MD_KEY_RSA, .bits = RSA_BITS_DEFAULT };
    if (apr_cstr_casecmp(word, "RSA") == 0) {
        if (*i + 1 < words->nelts && is_number(MD_NAME(words, *i + 1)))
            return read_bits(MD_NAME(words, ++*i), p, spec);
        return NULL;
    }
    if (apr_cstr_casecmpn(word, "RSA", 3) == 0 && is_number(word + 3))
        return read_bits(word + 3, p, spec);
    if (is_number(word))
        return apr_psprintf(p, "needs to specify the private key type before '%s', as in RSA %s", word, word);
    if (!is_name(word))
        return apr_psprintf(p, "has the private key type '%s', which is neither RSA nor the name of a curve",
                            word);
    spec->type = apr_cstr_casecmp(word, "ed25519") == 0 ? MD_KEY_ED25519 : MD_KEY_EC;
    spec->bits = 0;
    spec->curve = apr_pstrdup(p, word);
    return NULL;
}

const char *md_key_specs_read(const md_names *words, apr_pool_t *p, md_key_specs **out)
{
    md_key_specs *specs = apr_array_make(p, 2, sizeof(md_key_spec));

    if (!words->nelts)
        return "needs to specify the private key type, like 'RSA 3072', 'P-256' or 'Default'";
    if (apr_cstr_casecmp(MD_NAME(words, 0), "Default") == 0) {
        if (words->nelts > 1)
            return "allows no other parameter behind 'Default'";
        *out = md_key_specs_default(p);
        return NULL;
    }
    for (int i = 0; i < words->nelts; ++i) {
        md_key_spec spec;
        const char *why;

        if (apr_cstr_casecmp(MD_NAME(words, i), "Default") == 0)
            return "allows no other parameter beside 'Default'";
        why = read_spec(words, &i, p, &spec);
        why = why ? why : add_spec(specs, spec, p);
        if (why)
            return why;
    }
    *out = specs;
    return NULL;
}

static json_t *spec_to_json(const md_key_spec *spec)
{
    json_t *doc = json_object();

    if (spec->type == MD_KEY_DEFAULT) {
        md_json_set_text(doc, "type", "Default");
    } else if (spec->type == MD_KEY_RSA) {
        md_json_set_text(doc, "type", "RSA");
        md_json_set_int(doc, "bits", spec->bits);
    } else {
        md_json_set_text(doc, "type", "EC");
        md_json_set_text(doc, "curve", spec->curve);
    }
    return doc;
}

json_t *md_key_specs_to_json(const md_key_specs *specs)
{
    json_t *array;

    if (!specs || !specs->nelts || (specs->nelts == 1 && MD_SPEC(specs, 0)->type == MD_KEY_DEFAULT))
        return NULL;
    if (specs->nelts == 1)
        return spec_to_json(MD_SPEC(specs, 0));
    array = json_array();
    for (int i = 0; i < specs->nelts; ++i)
        json_array_append_new(array, spec_to_json(MD_SPEC(specs, i)));
    return array;
}

/** Adds the words that would configure this object. */
static void add_words(const json_t *doc, md_names *words, apr_pool_t *p)
{
    const char *type = md_json_text(doc, "type"), *curve = md_json_text(doc, "curve");

    if (!type)
        return;
    md_names_add(words, apr_pstrdup(p, curve ? curve : type));
    if (strcmp(type, "RSA") == 0)
        md_names_add(words, apr_itoa(p, (int)md_json_int(doc, "bits", RSA_BITS_DEFAULT)));
}

md_key_specs *md_key_specs_from_json(const json_t *privkey, apr_pool_t *p)
{
    md_names *words = md_names_make(p);
    md_key_specs *specs;

    if (json_is_array(privkey)) {
        for (size_t i = 0; i < json_array_size(privkey); ++i)
            add_words(json_array_get(privkey, i), words, p);
    } else {
        add_words(privkey, words, p);
    }
    return md_key_specs_read(words, p, &specs) ? md_key_specs_default(p) : specs;
}

int md_key_specs_equal(const md_key_specs *a, const md_key_specs *b)
{
    if (a->nelts != b->nelts)
        return 0;
    for (int i = 0; i < a->nelts; ++i)
        if (!same_kind(MD_SPEC(a, i), MD_SPEC(b, i)) || MD_SPEC(a, i)->bits != MD_SPEC(b, i)->bits)
            return 0;
    return 1;
}

const char *md_key_spec_name(const md_key_spec *spec)
{
    return spec->curve ? spec->curve : "rsa";
}

const char *md_key_spec_file(const md_key_spec *spec, const char *stem, apr_pool_t *p)
{
    if (!spec->curve)
        return apr_pstrcat(p, stem, ".pem", NULL);
    return apr_pstrcat(p, stem, ".", md_lower(spec->curve, p), ".pem", NULL);
}

/** The names of RFC 8422 and SP 800-186 for curves that OpenSSL calls otherwise, without regard to case. */
static const struct {
    const char *name;
    int nid;
} aliases[] = {
    { "P-192", NID_X9_62_prime192v1 }, { "secp192r1", NID_X9_62_prime192v1 },
    { "P-256", NID_X9_62_prime256v1 }, { "secp256r1", NID_X9_62_prime256v1 },
    { "P-224", NID_secp224r1 },        { "P-384", NID_secp384r1 },
    { "P-521", NID_secp521r1 },
};

/** Names of OpenSSL come first; they are written in one way only, but operators do not care for case. */
static int curve_nid(const char *curve)
{
    int nid = OBJ_sn2nid(curve);

    for (size_t i = 0; nid == NID_undef && i < sizeof(aliases) / sizeof(aliases[0]); ++i) {
        if (apr_cstr_casecmp(curve, aliases[i].name) == 0)
            nid = aliases[i].nid;
    }
    if (nid == NID_undef)
        nid = EC_curve_nist2nid(curve);
    return nid;
}

/** NID_undef for what is no curve of this library. */
static int usable_curve(const char *curve)
{
    int nid = curve_nid(curve);
    EC_GROUP *group = nid == NID_undef ? NULL : EC_GROUP_new_by_curve_name(nid);

    if (!group)
        ERR_clear_error();
    EC_GROUP_free(group);
    return group ? nid : NID_undef;
}

static EVP_PKEY *generate(EVP_PKEY_CTX *context, const md_key_spec *spec, int nid)
{
    EVP_PKEY *key = NULL;

    if (!context || EVP_PKEY_keygen_init(context) <= 0)
        return NULL;
    if (spec->type == MD_KEY_EC && (EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, nid) <= 0 ||
                                    EVP_PKEY_CTX_set_ec_param_enc(context, OPENSSL_EC_NAMED_CURVE) <= 0))
        return NULL;
    if (spec->type <= MD_KEY_RSA && EVP_PKEY_CTX_set_rsa_keygen_bits(context, spec->bits) <= 0)
        return NULL;
    return EVP_PKEY_keygen(context, &key) > 0 ? key : NULL;
}

const char *md_key_spec_shown(const md_key_spec *spec, apr_pool_t *p)
{
    return spec->curve ? spec->curve : apr_psprintf(p, "RSA %d", spec->bits);
}

int md_key_spec_is_common(const md_key_spec *spec)
{
    int nid = spec->type == MD_KEY_EC ? curve_nid(spec->curve) : NID_undef;

    if (spec->type == MD_KEY_DEFAULT || spec->type == MD_KEY_RSA)
        return spec->bits == 2048 || spec->bits == 3072 || spec->bits == 4096;
    return nid == NID_X9_62_prime256v1 || nid == NID_secp384r1;
}

md_err *md_key_spec_check(const md_key_spec *spec, apr_pool_t *p)
{
    if (spec->type != MD_KEY_EC || usable_curve(spec->curve) != NID_undef)
        return NULL;
    return md_fail(
        p, MD_FAULT_CONFIG, "md:config",
        "the private key type '%s' of MDPrivateKeys is unsupported by the TLS library; it has RSA, P-256, "
        "P-384, P-521 and ed25519, among others",
        spec->curve);
}

md_err *md_key_specs_check(const md_key_specs *specs, apr_pool_t *p)
{
    for (int i = 0; i < specs->nelts; ++i)
        MD_TRY(md_key_spec_check(MD_SPEC(specs, i), p));
    return NULL;
}

md_err *md_key_make(const md_key_spec *spec, apr_pool_t *p, md_key **out)
{
    static const int types[] = { EVP_PKEY_RSA, EVP_PKEY_RSA, EVP_PKEY_EC, EVP_PKEY_ED25519 };
    int nid = spec->type == MD_KEY_EC ? usable_curve(spec->curve) : NID_undef;
    EVP_PKEY_CTX *context;

    *out = NULL;
    MD_TRY(md_key_spec_check(spec, p));
    context = EVP_PKEY_CTX_new_id(types[spec->type], NULL);
    *out = md_own_key(p, generate(context, spec, nid));
    EVP_PKEY_CTX_free(context);
    if (!*out)
        return md_fail_tls(p, "md:key", "cannot generate a private key of type %s", md_key_spec_name(spec));
    return NULL;
}

int md_key_curve(const md_key *key)
{
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
    char name[80];

    if (EVP_PKEY_base_id(key) != EVP_PKEY_EC || EVP_PKEY_get_group_name(key, name, sizeof(name), NULL) <= 0)
        return NID_undef;
    return curve_nid(name);
#else
    const EC_KEY *ec = EVP_PKEY_base_id(key) == EVP_PKEY_EC ? EVP_PKEY_get0_EC_KEY((EVP_PKEY *)key) : NULL;

    return ec ? EC_GROUP_get_curve_name(EC_KEY_get0_group(ec)) : NID_undef;
#endif
}

int md_key_fits(const md_key *key, const md_key_spec *spec)
{
    int curve = md_key_curve(key);

    switch (EVP_PKEY_base_id(key)) {
    case EVP_PKEY_RSA: return spec->type == MD_KEY_RSA || spec->type == MD_KEY_DEFAULT;
    case EVP_PKEY_ED25519: return spec->type == MD_KEY_ED25519;
    case EVP_PKEY_EC: return spec->type == MD_KEY_EC && curve != NID_undef && curve == curve_nid(spec->curve);
    default: return 0;
    }
}

const char *md_key_describe(const md_key *key, apr_pool_t *p)
{
    int type = EVP_PKEY_base_id(key), curve = md_key_curve(key);
    const char *nist = curve == NID_undef ? NULL : EC_curve_nid2nist(curve);

    if (type == EVP_PKEY_RSA)
        return apr_psprintf(p, "RSA %d", EVP_PKEY_bits(key));
    if (nist)
        return nist;
    return OBJ_nid2sn(curve != NID_undef ? curve : type);
}
