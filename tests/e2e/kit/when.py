# SPDX-License-Identifier: Apache-2.0
"""Dates as the store and status documents have them."""

import email.utils
import time


def read(text):
    """Seconds since 1970."""
    return int(email.utils.parsedate_to_datetime(text).timestamp())


def is_past(text):
    """Whether that time is over."""
    return time.time() > read(text)
