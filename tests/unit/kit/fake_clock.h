/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A clock that stands still until the test moves it, and chance without surprises. Any thread may read it.
 */
#ifndef MD_TESTS_FAKE_CLOCK_H
#define MD_TESTS_FAKE_CLOCK_H

#include <stdatomic.h>
#include "base/when.h"

typedef struct fake_clock {
    md_clock clock; /* what the code under test gets */
    _Atomic apr_time_t now;
    _Atomic double random; /* what every draw gives; below 0: the next of a fixed sequence */
    atomic_uint draws;
} fake_clock;

/** A moment like any other: Thu, 29 Aug 2030 16:06:35 GMT. */
#define FAKE_NOW apr_time_from_sec(1914249995)

/** Stands at `start`; every draw gives 0.5, which leaves backoff and jitter at their middle. */
fake_clock *fake_clock_make(apr_time_t start, apr_pool_t *p);
/** Moves it, also backwards. */
void fake_clock_pass(fake_clock *clock, apr_interval_time_t time);
void fake_clock_set(fake_clock *clock, apr_time_t moment);
/** Sets `random` as above. */
void fake_clock_chance(fake_clock *clock, double random);

#endif
