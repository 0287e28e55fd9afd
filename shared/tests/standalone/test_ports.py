"""Ports are ours while the plan lives, and the same the next time where they still can be."""

import json
import socket
from contextlib import closing
from pathlib import Path

import pytest

from mailquay.standalone.ports import METRICS, STANDARD, PortPlan
from mailquay.standalone.processes import StandaloneError


@pytest.fixture
def remembered(tmp_path: Path) -> Path:
    return tmp_path / "ports.json"


def everything(plan: PortPlan) -> list[int]:
    return [*plan.mail.values(), *plan.metrics.values(), *plan.inner.values()]


def test_free_ports_are_all_different_and_taken_again_the_next_time(remembered: Path):
    with closing(PortPlan("auto", "127.0.0.1", remembered)) as first:
        assert set(first.mail) == set(STANDARD)
        assert set(first.metrics) == set(METRICS)
        assert len(set(everything(first))) == len(everything(first))
    with closing(PortPlan("auto", "127.0.0.1", remembered)) as second:
        assert everything(second) == everything(first)


def test_port_that_somebody_took_meanwhile_is_replaced_and_the_others_stay(remembered: Path):
    with closing(PortPlan("auto", "127.0.0.1", remembered)) as first:
        pass
    with socket.socket() as other:
        other.bind(("127.0.0.1", first.mail["imap"]))
        other.listen()
        with closing(PortPlan("auto", "127.0.0.1", remembered)) as second:
            changed = {name for name in STANDARD if second.mail[name] != first.mail[name]}
    assert changed == {"imap"}
    assert json.loads(remembered.read_text())["imap"] == second.mail["imap"]


def test_held_port_is_nobody_elses_and_a_worker_may_share_it(remembered: Path):
    with closing(PortPlan("auto", "127.0.0.1", remembered)) as plan:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", plan.mail["imap"]))
        for _ in range(2):
            with socket.socket() as worker:
                worker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                worker.bind(("127.0.0.1", plan.mail["imap"]))
                worker.listen()


def test_metrics_stay_on_loopback(remembered: Path):
    with (
        closing(PortPlan("auto", "127.0.0.2", remembered)) as plan,
        socket.socket() as other,
        pytest.raises(OSError, match="in use"),
    ):
        other.bind(("127.0.0.1", plan.metrics["imap"]))


@pytest.mark.parametrize("choice", ["0", "-1", "65535", "56431", "some", ""])
def test_choice_that_makes_no_sense_is_told(remembered: Path, choice: str):
    with pytest.raises(StandaloneError, match="give auto, standard, or a number up to 56430"):
        PortPlan(choice, "127.0.0.1", remembered)
