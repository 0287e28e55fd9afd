"""What tests in a real cluster stand on; `make test-cluster` runs them."""

import contextlib
import re
import uuid
from collections.abc import Generator, Iterator
from typing import Final

import pytest
from tools.cluster.errors import ClusterError
from tools.cluster.release import IMAGE_ARCHIVES, Release
from tools.cluster.running import RunningCluster
from tools.cluster.state import CACHE

#: Where what is known about failed tests is written; it stays when the cluster has ended.
FAILURES: Final = CACHE / "failures"
#: Pods take their time to start and to go.
_TIMEOUT_SECONDS: Final = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test here the patience that a cluster asks for."""
    for item in items:
        if item.get_closest_marker("cluster") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(_TIMEOUT_SECONDS))


@pytest.fixture(scope="session")
def cluster() -> RunningCluster:
    """The cluster that the tests run in."""
    return RunningCluster.current()


@pytest.fixture(scope="session")
def images(cluster: RunningCluster) -> list[str]:
    """Our images, as `make images` wrote them, in every node."""
    archives = sorted(IMAGE_ARCHIVES.glob("*.tar"))
    if not archives:
        pytest.fail(f"no images: make images ARGS='--archive {IMAGE_ARCHIVES}'", pytrace=False)
    return [image for archive in archives for image in cluster.import_image(archive)]


@pytest.fixture(scope="module")
def release(cluster: RunningCluster, images: list[str]) -> Iterator[Release]:
    """Where a module's tests install Mailquay; they say with which values."""
    with new_namespace(cluster) as name:
        yield Release(cluster, name)


@pytest.fixture
def namespace(cluster: RunningCluster) -> Iterator[str]:
    """A namespace for one test."""
    with new_namespace(cluster) as name:
        yield name


@contextlib.contextmanager
def new_namespace(cluster: RunningCluster) -> Iterator[str]:
    """A namespace, and all that is made in it, for a while."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where a test fails, write down what the cluster was like, before fixtures undo it."""
    report = yield
    if report.failed and report.when != "teardown" and "cluster" in item.fixturenames:
        folder = FAILURES / re.sub(r"[^\w.-]+", "_", item.nodeid)
        try:
            tail = RunningCluster.current().diagnose(folder)
        except ClusterError as error:
            tail = str(error)
        report.sections.append((f"The cluster (all of it is in {folder})", tail))
    return report
