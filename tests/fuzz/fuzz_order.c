/* SPDX-License-Identifier: Apache-2.0 */
/* The record of an order: reads back as it was written. */
#include "acme/order.h"
#include "fuzz.h"

void fuzz_one(md_bytes input, apr_pool_t *p)
{
    const md_order *order = md_order_from_json(fuzz_json(input, p), p);

    if (order) {
        json_t *once = md_order_to_json(order, p);

        FUZZ_MUST(json_equal(once, md_order_to_json(md_order_from_json(once, p), p)));
    }
}
