"""Pods are replaced and a node is drained while 500 clients idle and mail flows: nothing is lost."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tools.cluster.mail_load import LOAD_VALUES, MailLoad, mail_load
from tools.cluster.release import Release

CLIENTS = 500
ACCOUNTS = 25
#: The tag of a release that is to come; its images are the same.
NEXT = "next"

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def installed(release: Release) -> Release:
    """A release with two pods of imap and of smtp-in."""
    release.install(LOAD_VALUES)
    return release


def pods(release: Release) -> dict[str, str]:
    """The pods of imap and smtp-in that are to stay, each with its image's tag."""
    return {
        pod["metadata"]["name"]: pod["spec"]["containers"][0]["image"].rpartition(":")[2]
        for component in ("imap", "smtp-in")
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


def test_a_new_release_and_the_way_back_replace_all_pods_and_lose_nothing(
    installed: Release, images: list[str], tmp_path: Path
) -> None:
    for image in images:
        installed.cluster.tag_image(image, f"{image.rpartition(':')[0]}:{NEXT}")
    generations = [pods(installed)]

    def upgrade_and_roll_back(_load: MailLoad) -> None:
        installed.upgrade(LOAD_VALUES | {"image": {"tag": NEXT}})
        generations.append(pods(installed))
        installed.rollback()
        generations.append(pods(installed))

    report = under_load(installed, tmp_path, upgrade_and_roll_back)
    old, new, back = generations
    assert not old.keys() & new.keys() | new.keys() & back.keys()
    assert set(new.values()) == {NEXT}
    assert set(back.values()) == set(old.values()) != {NEXT}
    assert_nothing_lost(report)
    # At least once: the way back is done when the pods are ready, before the last has said goodbye.
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
