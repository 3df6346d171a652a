/* SPDX-License-Identifier: Apache-2.0 */
/* Header values of a CA: Retry-After and Link, and the URLs in them. */
#include "fuzz.h"
#include "net/http.h"

void fuzz_one(md_bytes input, apr_pool_t *p)
{
    md_http_response response = { 200, apr_table_make(p, 2), { NULL, 0 } };
    apr_time_t now = apr_time_from_sec(1000), most = apr_time_from_sec(3600);
    apr_time_t at = md_retry_after(input.data, now, most);
    const char *link;

    FUZZ_MUST(at == 0 || (at >= now && at <= now + most));
    apr_table_setn(response.headers, "Link", input.data);
    apr_table_setn(response.headers, "Content-Type", input.data);
    md_http_is_json(&response);
    for (int i = 0; i < 3; ++i) {
        link = md_http_link(&response, "up", i, "https://ca.example/cert/1", p);
        if (link) {
            md_url_host(link, p);
            FUZZ_MUST(md_url_shown(link, p) != NULL);
        }
    }
}
