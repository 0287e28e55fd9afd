"""The service as a process, and clients of it."""

from collections.abc import Iterator

import httpx
import pytest

from mailquay.testing.deployment import Deployment, ServiceProcess


@pytest.fixture(scope="module")
def web(deployment: Deployment) -> ServiceProcess:
    """The service."""
    return deployment.start("webmail-api")


@pytest.fixture
def client(web: ServiceProcess) -> Iterator[httpx.Client]:
    """A client that has not signed in."""
    with httpx.Client(base_url=f"http://127.0.0.1:{web.ports['http']}") as client:
        yield client
