/* SPDX-License-Identifier: Apache-2.0 */
/* An answer that is not the expected one, whatever it is: always a failure, with a text of one line and sane
 * length. */
#include <string.h>

#include "acme/problem.h"
#include "fuzz.h"

void fuzz_one(md_bytes input, apr_pool_t *p)
{
    md_http_response response = { 429, apr_table_make(p, 2), input };
    const json_t *doc = fuzz_json(input, p);
    apr_time_t now = apr_time_from_sec(1000);
    const char *text;

    apr_table_setn(response.headers, "Content-Type", "application/problem+json");
    fuzz_failure(md_problem_of(&response, "placing the order", "https://ca.example/order", now, p), p);
    apr_table_setn(response.headers, "Content-Type", "text/html");
    text = md_err_text(md_problem_of(&response, "placing the order", "https://ca.example/order", now, p), p);
    FUZZ_MUST(strlen(text) < 8192 && !strpbrk(text, "\r\n"));
    if (json_is_object(doc))
        fuzz_failure(md_problem_read(doc, "validating", now, p), p);
}
