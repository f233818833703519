# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Waiting for what must happen. How quickly it does is no matter of a scenario: on a busy machine everything takes its time."""

import time

PATIENCE = 60  # seconds; only a failure waits that long


def until(holds, why="it did not happen", pause=0.05, seconds=PATIENCE):
    """Calls holds() again and again; returns what it said first that is true. why: the failure's text, or a function that says it."""
    end = time.monotonic() + seconds
    while not (said := holds()):
        if time.monotonic() >= end:
            raise AssertionError(why() if callable(why) else why)
        time.sleep(pause)
    return said
