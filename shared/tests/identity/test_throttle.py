"""Failures counted in windows."""

from mailquay.identity import throttle
from mailquay.identity.throttle import FailureCounter


def test_past_the_limit_the_key_waits_until_the_window_ends():
    counter = FailureCounter(limit=3, window_seconds=60)
    for now in (0.0, 10.0):
        counter.failed("a", now)
        assert counter.retry_after("a", now) == 0
    counter.failed("a", 20.0)
    assert counter.retry_after("a", 20.0) == 40
    assert counter.retry_after("a", 59.0) == 1
    assert counter.retry_after("a", 60.0) == 0
    assert counter.retry_after("b", 20.0) == 0


def test_a_new_window_begins_with_its_first_failure():
    counter = FailureCounter(limit=2, window_seconds=60)
    counter.failed("a", 0.0)
    counter.failed("a", 100.0)
    assert counter.retry_after("a", 100.0) == 0
    counter.failed("a", 101.0)
    assert counter.retry_after("a", 101.0) == 59


def test_a_success_forgets_the_failures():
    counter = FailureCounter(limit=1, window_seconds=60)
    counter.failed("a", 0.0)
    counter.succeeded("a")
    counter.succeeded("never heard of")
    assert counter.retry_after("a", 0.0) == 0


def test_keys_are_bounded_and_the_oldest_go_first(monkeypatch):
    monkeypatch.setattr(throttle, "KEYS_MAX", 2)
    counter = FailureCounter(limit=1, window_seconds=60)
    for now, key in enumerate("abc"):
        counter.failed(key, float(now))
    assert counter.retry_after("a", 3.0) == 0
    assert counter.retry_after("b", 3.0) > 0
    assert counter.retry_after("c", 3.0) > 0
