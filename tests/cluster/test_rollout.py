"""Pods are replaced and a node is drained while 500 clients idle and mail flows: nothing is lost."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tools.cluster.mail_load import LOAD_VALUES, MailLoad, mail_load
from tools.cluster.release import Release

CLIENTS = 500
ACCOUNTS = 25

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def installed(release: Release) -> Release:
    """A release with two pods of imap and of smtp-in."""
    release.install(LOAD_VALUES)
    return release


def names(release: Release, component: str) -> set[str]:
    return {
        pod["metadata"]["name"]
        for pod in release.pods(component)
        if "deletionTimestamp" not in pod["metadata"]
    }


def assert_nothing_lost(report: dict[str, Any]) -> None:
    mail, clients = report["mail"], report["clients"]
    assert report["holds"], report
    assert mail["acknowledged"] == mail["sent"] > 0
    assert clients["sent_away"] > 0
    assert clients["with_bye"] == clients["sent_away"], "every client is told"


def under_load(
    release: Release, folder: Path, disturb: Callable[[MailLoad], None]
) -> dict[str, Any]:
    """Do something meanwhile; returns what became of everything."""
    with mail_load(release, folder, clients=CLIENTS, accounts=ACCOUNTS) as load:
        disturb(load)
        return load.end()


def test_an_upgrade_replaces_all_pods_and_loses_nothing(installed: Release, tmp_path: Path) -> None:
    old = {component: names(installed, component) for component in ("imap", "smtp-in")}
    changed = {"defaults": {"podAnnotations": {"test": "replaced"}}}

    def upgrade(_load: MailLoad) -> None:
        installed.upgrade(LOAD_VALUES | changed)

    report = under_load(installed, tmp_path, upgrade)
    for component, before in old.items():
        assert not names(installed, component) & before
    assert_nothing_lost(report)
    assert report["clients"]["sent_away"] >= CLIENTS


def test_a_node_is_drained_and_nothing_is_lost(installed: Release, tmp_path: Path) -> None:
    # Not the one with the trial's only Postgres or NATS.
    taken = {
        pod["spec"]["nodeName"]
        for component in ("trial-postgres", "trial-nats")
        for pod in installed.pods(component)
    }
    node = sorted(set(installed.cluster.nodes) - taken or set(installed.cluster.nodes))[0]

    def drain(_load: MailLoad) -> None:
        installed.cluster.kubectl(
            "drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=300s",
            "--pod-selector=app.kubernetes.io/component in (imap,smtp-in,smtp-out)",
        )  # fmt: skip
        for component in ("imap", "smtp-in"):
            installed.cluster.wait_for_rollout(
                f"deployment/{installed.name}-{component}", namespace=installed.namespace
            )

    try:
        report = under_load(installed, tmp_path, drain)
        assert node not in {
            pod["spec"]["nodeName"]
            for component in ("imap", "smtp-in")
            for pod in installed.pods(component)
            if "deletionTimestamp" not in pod["metadata"]
        }
    finally:
        installed.cluster.kubectl("uncordon", node)
    assert_nothing_lost(report)
