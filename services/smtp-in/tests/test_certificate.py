"""The certificate is replaced while the service runs: a good one is taken, a broken one told."""

import json
import shutil
import ssl
import time
import urllib.error
import urllib.request

import pytest

from mailquay.standalone.certificates import make_certificates
from mailquay.testing.lines import LineClient


@pytest.fixture(scope="module")
def folder(deployment):
    """A certificate of the service's own, to be replaced."""
    return make_certificates(deployment.folder / "own", ["localhost", "127.0.0.1"])


@pytest.fixture(scope="module")
def service(deployment, folder):
    return deployment.start(
        "smtp-in",
        TLS__CERTIFICATE_FILE=str(folder.certificate_file),
        TLS__KEY_FILE=str(folder.key_file),
        TLS__RELOAD_INTERVAL_SECONDS="0.001",
    )


def served(service, *, implicit: bool) -> bytes:
    """The certificate that a client is shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with LineClient(service.ports["submissions" if implicit else "smtp"]) as client:
        if not implicit:
            client.reply()
            assert client.ask(b"EHLO x").startswith(b"250-")
            assert client.ask(b"STARTTLS").startswith(b"220 ")
        client.start_tls(context)
        return client.socket.getpeercert(binary_form=True)


def ready(service) -> tuple[int, dict[str, str]]:
    url = f"http://127.0.0.1:{service.ports['metrics']}/readyz"
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, json.load(response)["checks"]
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["checks"]


@pytest.mark.parametrize("implicit", [False, True])
def test_a_replaced_certificate_is_shown_and_a_broken_one_is_not(
    deployment, folder, service, implicit
):
    first = served(service, implicit=implicit)
    other = make_certificates(deployment.folder / f"other{implicit}", ["localhost"])
    shutil.copy(other.key_file, folder.key_file)
    shutil.copy(other.certificate_file, folder.certificate_file)
    second = served(service, implicit=implicit)
    assert second != first
    good = folder.certificate_file.read_bytes()
    folder.certificate_file.write_bytes(b"broken")
    assert served(service, implicit=implicit) == second
    deadline = time.monotonic() + 20
    while "cannot use the certificate" not in ready(service)[1]["certificate_files"]:
        assert time.monotonic() < deadline, "a check is asked again after some seconds"
        time.sleep(0.1)
    status, checks = ready(service)
    assert (status, checks["certificate"]) == (200, "ok")
    folder.certificate_file.write_bytes(good)
    assert served(service, implicit=implicit) == second
