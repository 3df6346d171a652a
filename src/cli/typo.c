/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Distance of words as the number of slips between them (optimal string alignment).
 */
#include "cli/typo.h"

#include <string.h>

enum { LENGTH_MAX = 40 };

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int distance(const char *a, const char *b)
{
    const size_t rows = strlen(a), columns = strlen(b);
    int cost[LENGTH_MAX + 1][LENGTH_MAX + 1];

    if (rows > LENGTH_MAX || columns > LENGTH_MAX)
        return LENGTH_MAX;
    for (size_t i = 0; i <= rows; ++i)
        cost[i][0] = (int)i;
    for (size_t k = 0; k <= columns; ++k)
        cost[0][k] = (int)k;
    for (size_t i = 1; i <= rows; ++i)
        for (size_t k = 1; k <= columns; ++k) {
            int here = least(cost[i - 1][k], cost[i][k - 1]) + 1;

            here = least(here, cost[i - 1][k - 1] + (a[i - 1] != b[k - 1]));
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
                here = least(here, cost[i - 2][k - 2] + 1);
            cost[i][k] = here;
        }
    return cost[rows][columns];
}

const char *md_typo_of(const char *text, const char *const *known)
{
    const char *best = NULL;
    int slips = LENGTH_MAX;

    for (; *known; ++known) {
        const int here = distance(text, *known);

        if (here < slips && here * 3 <= (int)strlen(*known) + 1) {
            best = *known;
            slips = here;
        }
    }
    return best;
}
