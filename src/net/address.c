/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text from and for socket addresses.
 */
#include "net/address.h"

#include <apr_strings.h>
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <string.h>

md_names *md_addresses_of_machine(apr_pool_t *p)
{
    md_names *names = md_names_make(p);
    struct ifaddrs *first = NULL;

    if (getifaddrs(&first))
        return names;
    for (const struct ifaddrs *at = first; at; at = at->ifa_next) {
        char text[INET6_ADDRSTRLEN];
        const void *bytes = NULL;

        if (at->ifa_addr && at->ifa_addr->sa_family == AF_INET)
            bytes = &((const struct sockaddr_in *)(const void *)at->ifa_addr)->sin_addr;
        else if (at->ifa_addr && at->ifa_addr->sa_family == AF_INET6)
            bytes = &((const struct sockaddr_in6 *)(const void *)at->ifa_addr)->sin6_addr;
        if (bytes && inet_ntop(at->ifa_addr->sa_family, bytes, text, sizeof(text)))
            md_names_add_new(names, apr_pstrdup(p, text));
    }
    freeifaddrs(first);
    return names;
}

const char *md_address_with_port(const char *address, int port, apr_pool_t *p)
{
    return apr_psprintf(p, strchr(address, ':') ? "[%s]:%d" : "%s:%d", address, port);
}
