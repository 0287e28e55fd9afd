"""The chart's life in a cluster: from nothing to ready, another release and back, and away again."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tools.cluster.addresses import OUTSIDE
from tools.cluster.binaries import BINARIES
from tools.cluster.mail import BALANCED, deliver, inbox
from tools.cluster.processes import wait_until
from tools.cluster.release import Release
from tools.cluster.running import RunningCluster

pytestmark = pytest.mark.cluster

#: The kinds of which every namespace has some by itself, or that come and go.
_NOT_OURS = {
    ("configmaps", "kube-root-ca.crt"),
    ("serviceaccounts", "default"),
}
_EVENTS = {"events", "events.events.k8s.io"}
NEXT = "next"
S3_PORT = 7070
S3_KEYS = {"AWS_ACCESS_KEY_ID": "mailquay", "AWS_SECRET_ACCESS_KEY": "correct horse battery"}
BODIES_IN_S3 = {
    "blobs": {
        "url": "s3://mail/bodies",
        "existingSecret": "s3",
        "environment": {
            "AWS_ENDPOINT": f"http://{OUTSIDE}:{S3_PORT}", "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
        },
    },
    "networkPolicy": {"blobs": {"ports": [S3_PORT]}},
}  # fmt: skip


@pytest.fixture(scope="module")
def bucket(cluster: RunningCluster) -> Iterator[Path]:
    """A bucket of an S3 server outside the cluster; the folder that its objects are in."""
    folder = cluster.state.folder / "s3"
    objects = folder / "buckets" / "mail"
    for each in (objects, folder / "metadata"):
        each.mkdir(parents=True)
    server = subprocess.Popen(
        cluster.outside.command(
            BINARIES / "versitygw", f"--port={OUTSIDE}:{S3_PORT}", "--quiet",
            f"--access={S3_KEYS['AWS_ACCESS_KEY_ID']}",
            f"--secret={S3_KEYS['AWS_SECRET_ACCESS_KEY']}", "posix", "--sidecar", folder / "metadata", folder / "buckets",
        )
    )  # fmt: skip
    yield objects
    server.terminate()
    server.wait()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def installed(release: Release, bucket: Path) -> Release:
    """An installation that keeps bodies in that bucket."""
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s3"}}
    release.cluster.apply({**secret, "stringData": S3_KEYS}, namespace=release.namespace)
    release.install(BODIES_IN_S3)
    return release


def image_tags(release: Release, component: str) -> set[str]:
    """The tags of what runs of a component."""
    return {
        container["image"].rpartition(":")[2]
        for pod in release.pods(component)
        for container in pod["spec"]["containers"]
    }


def test_all_is_ready_when_the_one_command_returns(installed):
    for component, count in {"smtp-in": 2, "smtp-out": 1, "imap": 2, "pop3": 1,
                             "webmail-api": 1}.items():  # fmt: skip
        pods = installed.pods(component)
        ready = [
            condition["status"]
            for pod in pods
            for condition in pod["status"]["conditions"]
            if condition["type"] == "Ready"
        ]
        restarts = [
            container["restartCount"]
            for pod in pods
            for container in pod["status"]["containerStatuses"]
        ]
        assert (component, ready) == (component, ["True"] * count)
        assert (component, restarts) == (component, [0] * count)


def test_pods_of_a_service_are_spread_over_the_nodes(installed):
    for component in ("smtp-in", "imap"):
        nodes = [pod["spec"]["nodeName"] for pod in installed.pods(component)]
        assert (component, sorted(nodes)) == (component, ["node-1", "node-2"])


def test_the_charts_own_test_finds_that_mail_flows_into_the_bucket(installed, bucket):
    assert re.search(r"^Phase:\s+Succeeded$", installed.test(), re.MULTILINE)
    assert [file for file in bucket.rglob("*") if file.is_file()]


def test_an_upgrade_runs_the_new_images_and_a_rollback_the_old_ones(cluster, images, installed):
    (old,) = image_tags(installed, "imap")
    password = installed.admin_password()
    for image in images:
        cluster.tag_image(image, f"{image.rpartition(':')[0]}:{NEXT}")
    components = ("smtp-in", "smtp-out", "imap", "pop3", "webmail-api")
    installed.upgrade(BODIES_IN_S3 | {"image": {"tag": NEXT}})
    assert {tag for component in components for tag in image_tags(installed, component)} == {NEXT}
    assert installed.admin_password() == password
    installed.rollback()
    assert {tag for component in components for tag in image_tags(installed, component)} == {old}
    assert installed.admin_password() == password


def test_an_uninstall_leaves_what_the_notes_say_and_mail_is_back_with_it(
    cluster, images, namespace
):
    release = Release(cluster, namespace)
    notes = release.install(BALANCED)
    password = release.admin_password()
    deliver(release, "Kept")
    wait_until("the message", lambda: "Kept" in inbox(release))
    release.uninstall()
    wait_until("the pods to end", lambda: not cluster.select("pods", namespace=namespace))
    left = set(objects_in(cluster, namespace))
    said = notes[notes.index("`helm uninstall` leaves") :]
    kinds = {"Secret": "secrets", "volume claim": "persistentvolumeclaims"}
    assert left == {
        (kinds[kind], name) for kind, name in re.findall(r"(Secret|volume claim) ([\w.-]+\w)", said)
    }
    release.install(BALANCED)
    assert release.admin_password() == password
    assert "Kept" in inbox(release)


def objects_in(cluster: RunningCluster, namespace: str) -> Iterator[tuple[str, str]]:
    """Every object of a namespace, of whatever kind, that is of its own or our making."""
    kinds = cluster.kubectl("api-resources", "--namespaced", "--verbs=list", "--output=name")
    for kind in set(kinds.split()) - _EVENTS - {"pods.metrics.k8s.io"}:
        names = cluster.kubectl("get", kind, f"--namespace={namespace}", "--output=name")
        for name in names.split():
            found = (kind, name.partition("/")[2])
            if found not in _NOT_OURS:
                yield found
