/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key specs in words and JSON, keys made from them, and what type a key has.
 */
#include "tls/key.h"

#include <apr_strings.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <string.h>

#include "base/json.h"
#include "kit/kit.h"
#include "kit/sample.h"
#include "suites.h"

static const char *read_specs(const char *words, md_key_specs **out)
{
    return md_key_specs_read(md_words(words, kit_pool), kit_pool, out);
}

/** Specs as "RSA:3072 EC:secp384r1"; a reason when they are refused. */
static const char *specs_text(const char *words)
{
    static const char *const types[] = { "Default", "RSA", "EC", "Ed25519" };
    md_key_specs *specs;
    const char *why = read_specs(words, &specs), *text = "";

    for (int i = 0; !why && i < specs->nelts; ++i) {
        const md_key_spec *each = MD_SPEC(specs, i);

        text = apr_psprintf(kit_pool, "%s%s%s:%s", text, i ? " " : "", types[each->type],
                            each->curve ? each->curve : apr_itoa(kit_pool, each->bits));
    }
    return why ? why : text;
}

static const struct {
    const char *words, *specs;
} readable[] = {
    { "Default", "Default:2048" },
    { "default", "Default:2048" },
    { "RSA", "RSA:2048" },
    { "rsa 3072", "RSA:3072" },
    { "rsa4096", "RSA:4096" },
    { "RSA P-256", "RSA:2048 EC:P-256" },
    { "RSA 3072 secp384r1", "RSA:3072 EC:secp384r1" },
    { "secp384r1 rsa2048", "EC:secp384r1 RSA:2048" },
    { "ed25519", "Ed25519:ed25519" },
    { "P-256 P-384 Oakley-EC2N-3", "EC:P-256 EC:P-384 EC:Oakley-EC2N-3" },
    { "P-256 prime256v1", "EC:P-256 EC:prime256v1" }, /* two names of a curve are two files */
};

START_TEST(specs_are_read_from_words)
{
    ck_assert_str_eq(specs_text(readable[_i].words), readable[_i].specs);
}
END_TEST

static const struct {
    const char *words, *part;
} refused[] = {
    { "", "needs to specify the private key type" },
    { "RSA 1024", "2048 or higher" },
    { "RSA 0", "2048 or higher" },
    { "rsa1024", "2048 or higher" },
    { "RSA 99999999999999999999", "too large" },
    { "RSA 65536", "too large" },
    { "RSA RSA", "two keys of type 'RSA' are not possible" },
    { "RSA 2048 rsa3072", "two keys of type 'RSA' are not possible" },
    { "P-256 p-256", "two keys of type 'p-256' are not possible" },
    { "Default RSA", "no other parameter" },
    { "RSA Default", "no other parameter" },
    { "P-256 384", "private key type" },
    { "2048", "private key type" },
    { "../../etc/passwd", "neither RSA nor the name of a curve" },
    { "a/b", "neither RSA nor the name of a curve" },
    { ".hidden", "neither RSA nor the name of a curve" },
};

START_TEST(wrong_specs_are_refused_with_a_reason)
{
    md_key_specs *specs;
    const char *why = read_specs(refused[_i].words, &specs);

    ck_assert_msg(why && strstr(why, refused[_i].part), "%s: %s", refused[_i].words, why ? why : "is fine");
}
END_TEST

static const struct {
    const char *words, *json;
} stored[] = {
    { "Default", NULL },
    { "RSA 3072", "{\"type\":\"RSA\",\"bits\":3072}" },
    { "P-256", "{\"type\":\"EC\",\"curve\":\"P-256\"}" },
    { "RSA secp384r1", "[{\"type\":\"RSA\",\"bits\":2048},{\"type\":\"EC\",\"curve\":\"secp384r1\"}]" },
};

START_TEST(specs_go_to_the_store_and_back)
{
    md_key_specs *specs;
    json_t *json;

    ck_assert_ptr_null(read_specs(stored[_i].words, &specs));
    json = md_own_json(kit_pool, md_key_specs_to_json(specs));
    ck_assert_int_eq(!json, !stored[_i].json);
    if (json)
        ck_assert_str_eq(md_json_line(json, kit_pool), stored[_i].json);
    ck_assert(md_key_specs_equal(specs, md_key_specs_from_json(json, kit_pool)));
}
END_TEST

static const char *const odd_json[] = {
    "{}", "[]", "[7]", "{\"type\":7}", "{\"type\":\"RSA\",\"bits\":512}", "\"RSA\""
};

START_TEST(odd_specs_of_a_store_are_the_default)
{
    json_t *doc = md_own_json(kit_pool, json_loads(odd_json[_i], JSON_DECODE_ANY, NULL));

    ck_assert(md_key_specs_equal(md_key_specs_from_json(doc, kit_pool), md_key_specs_default(kit_pool)));
}
END_TEST

static const struct {
    const char *a, *b;
    int equal;
} pairs[] = {
    { "RSA 3072", "RSA 2048", 0 }, { "P-256", "P-384", 0 },         { "RSA", "RSA P-256", 0 },
    { "RSA", "Default", 0 },       { "P-256 RSA", "RSA P-256", 0 }, { "P-256", "p-256", 1 },
    { "RSA", "rsa2048", 1 },
};

START_TEST(specs_differ_by_type_size_curve_number_and_order)
{
    md_key_specs *a, *b;

    ck_assert_ptr_null(read_specs(pairs[_i].a, &a));
    ck_assert_ptr_null(read_specs(pairs[_i].b, &b));
    ck_assert_int_eq(md_key_specs_equal(a, b), pairs[_i].equal);
}
END_TEST

static const struct {
    const char *words, *name, *file;
} files[] = {
    { "Default", "rsa", "privkey.pem" },
    { "RSA 4096", "rsa", "privkey.pem" },
    { "P-256", "P-256", "privkey.p-256.pem" },
    { "secp384r1", "secp384r1", "privkey.secp384r1.pem" },
    { "brainpoolP256r1", "brainpoolP256r1", "privkey.brainpoolp256r1.pem" },
};

START_TEST(a_spec_has_a_name_and_a_file)
{
    const md_key_spec spec = sample_spec(files[_i].words, kit_pool);

    ck_assert_str_eq(md_key_spec_name(&spec), files[_i].name);
    ck_assert_str_eq(md_key_spec_file(&spec, "privkey", kit_pool), files[_i].file);
}
END_TEST

static const struct {
    const char *word, *described;
} kinds[] = {
    { "P-256", "P-256" },         { "p-256", "P-256" },
    { "prime256v1", "P-256" },    { "secp256r1", "P-256" },
    { "SECP256R1", "P-256" },     { "P-384", "P-384" },
    { "secp384r1", "P-384" },     { "P-521", "P-521" },
    { "secp521r1", "P-521" },     { "P-224", "P-224" },
    { "secp256k1", "secp256k1" }, { "ed25519", "ED25519" },
    { "ED25519", "ED25519" },     { "brainpoolP384r1", "brainpoolP384r1" },
};

START_TEST(a_key_is_made_by_any_name_of_its_type)
{
    const md_key_spec spec = sample_spec(kinds[_i].word, kit_pool);
    md_key *key;

    CHECK_OK(md_key_make(&spec, kit_pool, &key));
    ck_assert_str_eq(md_key_describe(key, kit_pool), kinds[_i].described);
    ck_assert(md_key_fits(key, &spec));
}
END_TEST

START_TEST(an_rsa_key_has_the_bits_that_were_asked_for)
{
    const md_key_spec spec = { .type = MD_KEY_RSA, .bits = 3072 };
    md_key *key;

    CHECK_OK(md_key_make(&spec, kit_pool, &key));
    ck_assert_str_eq(md_key_describe(key, kit_pool), "RSA 3072");
    ck_assert_int_eq(md_key_curve(key), NID_undef);
}
END_TEST

static const char *const no_curves[] = { "P-257",          "X25519", "SHA256", "rsaEncryption",
                                         "id-ecPublicKey", "CN",     "x" };

START_TEST(an_unknown_type_is_a_wrong_setting)
{
    const md_key_spec spec = { .type = MD_KEY_EC, .curve = no_curves[_i] };
    md_key *key;

    CHECK_FAILS(md_key_make(&spec, kit_pool, &key), MD_FAULT_CONFIG, no_curves[_i]);
    ck_assert_ptr_null(key);
}
END_TEST

static const struct {
    const char *key, *spec;
    int fits;
} fitting[] = {
    { "P-256", "secp256r1", 1 }, { "P-256", "prime256v1", 1 }, { "P-256", "P-384", 0 },
    { "P-256", "secp256k1", 0 }, { "secp256k1", "P-256", 0 },  { "P-256", "RSA", 0 },
    { "RSA", "RSA 4096", 1 },    { "RSA", "Default", 1 },      { "RSA", "P-256", 0 },
    { "ed25519", "ed25519", 1 }, { "ed25519", "P-256", 0 },    { "P-256", "ed25519", 0 },
    { "P-256", "P-999", 0 },
};

START_TEST(a_key_fits_specs_of_its_type)
{
    const md_key_spec spec = sample_spec(fitting[_i].spec, kit_pool);

    ck_assert_int_eq(md_key_fits(sample_key(fitting[_i].key, kit_pool), &spec), fitting[_i].fits);
}
END_TEST

Suite *suite_tls_key(void)
{
    Suite *suite = suite_create("tls/key");
    TCase *tcase = kit_case(suite, "key");

    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, sample_share_rsa, NULL);
    KIT_ADD_ROWS(tcase, specs_are_read_from_words, readable);
    KIT_ADD_ROWS(tcase, wrong_specs_are_refused_with_a_reason, refused);
    KIT_ADD_ROWS(tcase, specs_go_to_the_store_and_back, stored);
    KIT_ADD_ROWS(tcase, odd_specs_of_a_store_are_the_default, odd_json);
    KIT_ADD_ROWS(tcase, specs_differ_by_type_size_curve_number_and_order, pairs);
    KIT_ADD_ROWS(tcase, a_spec_has_a_name_and_a_file, files);
    KIT_ADD_ROWS(tcase, a_key_is_made_by_any_name_of_its_type, kinds);
    tcase_add_test(tcase, an_rsa_key_has_the_bits_that_were_asked_for);
    KIT_ADD_ROWS(tcase, an_unknown_type_is_a_wrong_setting, no_curves);
    KIT_ADD_ROWS(tcase, a_key_fits_specs_of_its_type, fitting);
    return suite;
}
