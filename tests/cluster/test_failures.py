"""What pods stand on, or pods themselves, go with no warning: what is told, kept, and heals."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tools.cluster.addresses import OUTSIDE
from tools.cluster.mail_load import LOAD_VALUES, MailLoad, mail_load
from tools.cluster.processes import wait_until
from tools.cluster.release import Release

STORAGE = f"http://{OUTSIDE}:9000"
METRICS_PORT = 9090
SERVICES = ("imap", "smtp-in", "pop3", "webmail-api", "smtp-out")
#: Bodies in an object storage outside, which refuses when it is told to.
VALUES: dict[str, Any] = {
    "blobs": {
        "url": "s3://mail/prod",
        "existingSecret": "storage",
        "environment": {
            "AWS_ENDPOINT": STORAGE,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "here",
        },
    },
    "networkPolicy": {"blobs": {"ports": [9000]}, "metrics": {"from": []}},
}

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def storage(release: Release) -> Iterator[str]:
    command = [sys.executable, "-m", "mailquay.testing.object_storage", "--bind", OUTSIDE,
               "--port", "9000"]  # fmt: skip
    process = subprocess.Popen(release.cluster.outside.command(*command), start_new_session=True)
    try:
        wait_until("the object storage", lambda: tell(STORAGE, "serve"))
        yield STORAGE
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def tell(storage: str, what: str) -> bool:
    try:
        return httpx.put(f"{storage}/-/{what}").is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def installed(release: Release, storage: str) -> Release:
    keys = {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "storage"},
        "stringData": {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"},
    }  # fmt: skip
    release.cluster.apply(keys, namespace=release.namespace)
    release.install(LOAD_VALUES | VALUES)
    return release


@pytest.fixture
def under_load(
    installed: Release, tmp_path: Path
) -> Callable[[Callable[[], None]], dict[str, Any]]:
    """Does something while mail flows; returns what became of everything."""

    def run(disturb: Callable[[], None]) -> dict[str, Any]:
        def go_on(load: MailLoad) -> dict[str, Any]:
            disturb()
            return load.end()

        with mail_load(installed, tmp_path, clients=60, accounts=10) as load:
            return go_on(load)

    return run


def readiness(release: Release) -> dict[str, tuple[bool, dict[str, str]]]:
    """By pod: whether it says that it is ready, and what it says of each dependency."""
    told = {}
    for service in SERVICES:
        for pod in release.pods(service):
            address = pod["status"].get("podIP")
            if address is None or "deletionTimestamp" in pod["metadata"]:
                continue
            try:
                answer = httpx.get(f"http://{address}:{METRICS_PORT}/readyz", timeout=10)
            except httpx.TransportError:
                continue
            told[pod["metadata"]["name"]] = (answer.is_success, json.loads(answer.text)["checks"])
    return told


def until_all(release: Release, *, ready: bool, check: str, is_ok: bool) -> None:
    """Wait until all pods say the same of themselves and of a dependency."""

    def is_so() -> bool:
        told = readiness(release)
        return bool(told) and all(
            is_ready is ready and (checks[check] == "ok") is is_ok
            for is_ready, checks in told.values()
        )

    wait_until(f"all pods to be {ready=}, {check} {is_ok=}", is_so, seconds=180)


def scale(release: Release, workload: str, replicas: int) -> None:
    release.cluster.kubectl(
        "scale", f"statefulset/{release.name}-{workload}", f"--replicas={replicas}",
        f"--namespace={release.namespace}",
    )  # fmt: skip


@pytest.mark.parametrize("component", ["imap", "smtp-in"])
def test_a_pod_that_is_killed_takes_nothing_acknowledged_with_it(installed, under_load, component):
    def kill() -> None:
        victim = installed.pods(component)[0]["metadata"]["name"]
        installed.cluster.kubectl(
            "delete", "pod", victim, "--force", "--grace-period=0",
            f"--namespace={installed.namespace}",
        )  # fmt: skip
        installed.cluster.wait_for_rollout(
            f"deployment/{installed.name}-{component}", namespace=installed.namespace
        )

    report = under_load(kill)
    assert report["holds"], report


def test_without_nats_all_goes_on_and_with_it_again_at_once(installed, under_load):
    def take_away() -> None:
        scale(installed, "trial-nats", 0)
        until_all(installed, ready=True, check="bus", is_ok=False)
        scale(installed, "trial-nats", 1)
        until_all(installed, ready=True, check="bus", is_ok=True)

    report = under_load(take_away)
    assert report["holds"], report
    assert report["clients"]["sent_away"] == 0
    assert not report["mail"]["troubles"]


def test_postgres_that_is_restarted_is_waited_for(installed, under_load):
    def restart() -> None:
        scale(installed, "trial-postgres", 0)
        until_all(installed, ready=False, check="database", is_ok=False)
        scale(installed, "trial-postgres", 1)
        until_all(installed, ready=True, check="database", is_ok=True)

    report = under_load(restart)
    assert report["holds"], report
    assert report["mail"]["repeated"]


def test_an_object_storage_that_refuses_is_told_and_waited_for(installed, under_load, storage):
    def refuse() -> None:
        assert tell(storage, "refuse")
        until_all(installed, ready=True, check="blobs", is_ok=False)
        assert tell(storage, "serve")
        until_all(installed, ready=True, check="blobs", is_ok=True)

    report = under_load(refuse)
    assert report["holds"], report
    assert report["clients"]["sent_away"] == 0
    assert set(report["mail"]["troubles"]) == {"451 4.3.0"}
