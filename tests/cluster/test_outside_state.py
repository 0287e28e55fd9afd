"""State that somebody else keeps: the hooks before an installation, and a certificate that is renewed."""

import asyncio
import base64
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from tools.cluster.release import Release
from tools.cluster.running import RunningCluster

from mailquay.standalone.certificates import make_certificates

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

NAME = "mail.mailquay.test"
SERVICES = ("smtpIn", "smtpOut", "imap", "pop3", "webmailApi")
#: Only a Postgres and a NATS, which stand for those of an organisation.
STATE_ALONE = {
    **{service: {"enabled": False} for service in SERVICES},
    **{part: {"enabled": False} for part in ("admin", "migrations", "tests", "networkPolicy")},
    "schedules": {name: {"enabled": False} for name in ("collect", "trim", "report")},
    "tls": {"selfSigned": False},
}


def write_certificate(cluster: RunningCluster, namespace: str, folder: Path) -> int:
    """Issue a certificate, and put it where the release looks for it; its serial number."""
    # The authority stays, as a real one does: pods take up a new certificate at different moments.
    (folder / "server.pem").unlink(missing_ok=True)
    made = make_certificates(folder, [NAME])
    paths = {
        "tls.crt": made.certificate_file, "tls.key": made.key_file, "ca.crt": made.ca_file
    }  # fmt: skip
    secret = {
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": "certificate"},
        "data": {key: base64.b64encode(path.read_bytes()).decode() for key, path in paths.items()},
    }  # fmt: skip
    cluster.apply(secret, namespace=namespace)
    return x509.load_pem_x509_certificate(made.certificate_file.read_bytes()).serial_number


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("authority")


@pytest.fixture(scope="module")
def serial(release: Release, authority: Path) -> int:
    return write_certificate(release.cluster, release.namespace, authority)


@pytest.fixture(scope="module")
def installed(release: Release, serial: int) -> Iterator[Release]:
    """The services, on a database that was there before them."""
    state = Release(release.cluster, release.namespace, name="state")
    state.install(STATE_ALONE)
    found = release.cluster.get("secret", "state-mailquay-secrets", namespace=release.namespace)
    release.install(
        {
            "database": {"url": base64.b64decode(found["data"]["database-url"]).decode()},
            "nats": {"existingSecret": "state-mailquay-secrets", "key": "nats-url"},
            "tls": {"existingSecret": "certificate"},
            "settings": {"tls": {"reload_interval_seconds": 1}},
            "defaults": {"service": {"type": "LoadBalancer"}},
        }
    )
    yield release
    release.uninstall()
    state.uninstall()


def test_the_schema_is_made_before_the_services_and_mail_flows(installed: Release) -> None:
    found = installed.cluster.select(
        "statefulsets", namespace=installed.namespace,
        selector="app.kubernetes.io/instance=mailquay",
    )  # fmt: skip
    assert found == [], "it keeps no database of its own"
    assert "Succeeded" in installed.test()


def test_hooks_that_went_well_leave_nothing(installed: Release) -> None:
    for kind in ("jobs", "configmaps", "secrets"):
        names = {
            each["metadata"]["name"]
            for each in installed.cluster.select(
                kind, namespace=installed.namespace,
                selector="app.kubernetes.io/instance=mailquay",
            )
        }  # fmt: skip
        assert not {name for name in names if name.endswith(("-hook", "-migrate", "-contract"))}
    kept = installed.cluster.select("jobs", namespace=installed.namespace, selector="")
    assert [
        job["metadata"]["name"] for job in kept if "ownerReferences" not in job["metadata"]
    ] == []


async def served_serial(address: str) -> int | None:
    """The serial number of the certificate on a port over TLS; None while nobody answers."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(10):
            _, writer = await asyncio.open_connection(address, 993, ssl=context)
    except (OSError, TimeoutError):
        return None
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return x509.load_der_x509_certificate(certificate).serial_number


async def test_a_renewed_certificate_is_taken_up_without_a_restart(
    installed: Release, serial: int, authority: Path
) -> None:
    address = installed.address("imap")
    assert await served_serial(address) == serial
    before = {pod["metadata"]["uid"] for pod in installed.pods("imap")}
    renewed = write_certificate(installed.cluster, installed.namespace, authority)
    assert renewed != serial
    async with asyncio.timeout(300):
        while await served_serial(address) != renewed:
            await asyncio.sleep(1)
    after = installed.pods("imap")
    assert {pod["metadata"]["uid"] for pod in after} == before
    assert all(pod["status"]["containerStatuses"][0]["restartCount"] == 0 for pod in after)
