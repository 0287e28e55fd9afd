"""The local authority: made once, its certificate renewed when it must be."""

import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509

from mailquay.standalone.certificates import LocalCertificates, make_certificates

NAMES = ["localhost", "127.0.0.1", "::1", "mail.mailquay.test"]


def handshake(files: LocalCertificates, name: str) -> str | None:
    """The TLS version that a client which trusts the authority comes to, by that name."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(files.certificate_file, files.key_file)
    client_context = ssl.create_default_context(cafile=files.ca_file)
    client_end, server_end = socket.socketpair()

    def serve() -> None:
        try:
            server_context.wrap_socket(server_end, server_side=True).close()
        except ssl.SSLError:
            server_end.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client_context.wrap_socket(client_end, server_hostname=name) as client:
            return client.version()
    finally:
        client_end.close()
        thread.join()


@pytest.mark.parametrize("name", NAMES)
def test_client_that_trusts_the_authority_takes_every_name(tmp_path: Path, name: str):
    assert handshake(make_certificates(tmp_path, NAMES), name) == "TLSv1.3"


def test_client_takes_no_other_name(tmp_path: Path):
    files = make_certificates(tmp_path, NAMES)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(files, "elsewhere.test")


def test_files_are_made_once_and_the_authority_stays_when_a_name_is_added(tmp_path: Path):
    first = make_certificates(tmp_path, NAMES)
    authority, certificate = first.ca_file.read_bytes(), first.certificate_file.read_bytes()
    again = make_certificates(tmp_path, NAMES)
    assert again.certificate_file.read_bytes() == certificate

    more = make_certificates(tmp_path, [*NAMES, "192.0.2.7"])
    assert more.ca_file.read_bytes() == authority
    assert more.certificate_file.read_bytes() != certificate
    assert handshake(more, "192.0.2.7") == "TLSv1.3"


@pytest.mark.parametrize("broken", ["server.pem", "server.key"])
def test_half_a_pair_is_made_anew(tmp_path: Path, broken: str):
    files = make_certificates(tmp_path, NAMES)
    other = make_certificates(tmp_path / "other", NAMES)
    (tmp_path / broken).write_bytes((other.ca_file.parent / broken).read_bytes())
    assert handshake(make_certificates(tmp_path, NAMES), "localhost") == "TLSv1.3"
    assert x509.load_pem_x509_certificate(files.ca_file.read_bytes())


def test_keys_are_for_their_owner_alone(tmp_path: Path):
    files = make_certificates(tmp_path, NAMES)
    for path in (files.key_file, tmp_path / "ca.key"):
        assert path.stat().st_mode & 0o077 == 0
