/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock of the tests.
 */
#include "kit/fake_clock.h"

static apr_time_t now(void *self)
{
    fake_clock *clock = self;

    return atomic_load(&clock->now);
}

/** The golden ratio's multiples fill the interval evenly, whatever their number. */
static double chance(void *self)
{
    fake_clock *clock = self;
    double fixed = atomic_load(&clock->random);
    unsigned step = atomic_fetch_add(&clock->draws, 1) + 1;

    return fixed >= 0 ? fixed : (double)(step * 2654435769u) / 4294967296.0;
}

fake_clock *fake_clock_make(apr_time_t start, apr_pool_t *p)
{
    fake_clock *clock = apr_pcalloc(p, sizeof(*clock));

    clock->clock = (md_clock){ now, chance, clock };
    atomic_init(&clock->now, start);
    atomic_init(&clock->random, 0.5);
    atomic_init(&clock->draws, 0);
    return clock;
}

void fake_clock_pass(fake_clock *clock, apr_interval_time_t time)
{
    atomic_fetch_add(&clock->now, time);
}

void fake_clock_set(fake_clock *clock, apr_time_t moment)
{
    atomic_store(&clock->now, moment);
}

void fake_clock_chance(fake_clock *clock, double random)
{
    atomic_store(&clock->random, random);
}
