/* SPDX-License-Identifier: Apache-2.0 */
/* The values of directives: the first byte picks the row, the rest is the value. Refused with a reason, or
 * set. */
#include "fuzz.h"
#include "plan/policy.h"

void fuzz_one(md_bytes input, apr_pool_t *p)
{
    md_policy policy = { 0 };
    unsigned id = (unsigned char)*input.data % MD_FIELD_COUNT;
    const char *why = md_field_read_text(&md_field_rows[id], input.size ? input.data + 1 : "", &policy, p);

    FUZZ_MUST(why ? *why != '\0' : md_is_set(&policy, id) != 0);
    if (!why)
        md_policy_to_json(&policy, md_json_object(p), p);
}
