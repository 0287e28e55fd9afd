"""The server's certificate: replaced while running, broken, ended, missing."""

import datetime
import os
import shutil
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mailquay.net.tls import TlsContexts, TlsError
from mailquay.runtime.settings import TlsSettings

DAY = datetime.timedelta(days=1)


def write_certificate(
    folder: Path, name: str, *, days: int = 30, key_password: bytes | None = None
) -> None:
    """A self-signed certificate and its key, as ``tls.crt`` and ``tls.key``."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 60 * DAY)
        .not_valid_after(now + days * DAY)
        .sign(key, hashes.SHA256())
    )
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if key_password:
        encryption = serialization.BestAvailableEncryption(key_password)
    pem = serialization.Encoding.PEM
    replace(folder / "tls.crt", certificate.public_bytes(pem))
    replace(
        folder / "tls.key",
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, encryption),
    )


def replace(path: Path, data: bytes) -> None:
    temporary = path.with_suffix(".new")
    temporary.write_bytes(data)
    temporary.replace(path)


def contexts(folder: Path) -> TlsContexts:
    return TlsContexts(
        TlsSettings(
            certificate_file=folder / "tls.crt",
            key_file=folder / "tls.key",
            reload_interval_seconds=1e-9,
        )
    )


def test_a_replaced_certificate_is_taken_without_a_restart(tmp_path):
    write_certificate(tmp_path, "first.example")
    tls = contexts(tmp_path)
    first = tls.server_context()
    assert tls.server_context() is first
    write_certificate(tmp_path, "second.example")
    second = tls.server_context()
    assert second is not first
    assert tls.server_context() is second
    tls.check()
    tls.check_files()


def test_a_replacement_that_looks_as_old_as_the_first_is_seen(tmp_path):
    write_certificate(tmp_path, "first.example")
    tls = contexts(tmp_path)
    first = tls.server_context()
    stat = (tmp_path / "tls.crt").stat()
    write_certificate(tmp_path, "other.example")
    for name in ("tls.crt", "tls.key"):
        os.utime(tmp_path / name, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert tls.server_context() is not first


@pytest.mark.parametrize("breakage", ["rubbish", "foreign key", "pass phrase", "missing"])
def test_a_broken_replacement_is_ignored_and_told(tmp_path, breakage):
    write_certificate(tmp_path, "first.example")
    tls = contexts(tmp_path)
    first = tls.server_context()
    if breakage == "rubbish":
        replace(tmp_path / "tls.crt", b"rubbish")
    elif breakage == "foreign key":
        other = tmp_path / "other"
        other.mkdir()
        write_certificate(other, "other.example")
        shutil.copy(other / "tls.key", tmp_path / "tls.key")
    elif breakage == "pass phrase":
        write_certificate(tmp_path, "locked.example", key_password=b"secret")
    else:
        (tmp_path / "tls.key").unlink()
    assert tls.server_context() is first
    tls.check()
    with pytest.raises(TlsError):
        tls.check_files()
    write_certificate(tmp_path, "healed.example")
    assert tls.server_context() is not first
    tls.check_files()


def test_a_certificate_that_has_ended_is_told(tmp_path):
    write_certificate(tmp_path, "old.example", days=-1)
    tls = contexts(tmp_path)
    with pytest.raises(TlsError, match="valid from"):
        tls.check()
    write_certificate(tmp_path, "new.example")
    tls.server_context()
    tls.check()


def test_a_broken_certificate_stops_the_start(tmp_path):
    write_certificate(tmp_path, "first.example")
    replace(tmp_path / "tls.key", b"rubbish")
    with pytest.raises(TlsError, match="cannot use the certificate"):
        contexts(tmp_path)


def test_without_a_certificate_there_is_no_tls():
    tls = TlsContexts(TlsSettings())
    assert not tls.is_configured
    with pytest.raises(TlsError, match="no certificate"):
        tls.server_context()
    tls.check()
    tls.check_files()


def test_files_are_left_alone_within_the_interval(tmp_path):
    write_certificate(tmp_path, "first.example")
    tls = TlsContexts(
        TlsSettings(certificate_file=tmp_path / "tls.crt", key_file=tmp_path / "tls.key")
    )
    first = tls.server_context()
    write_certificate(tmp_path, "second.example")
    assert tls.server_context() is first
    tls.check_files()
    assert tls.server_context() is not first


def swap(volume: Path, number: int, name: str) -> None:
    """Replace what a Secret's volume shows as the kubelet does: all files in one rename."""
    data = volume / f"..2026_11_25_{number}"
    data.mkdir()
    write_certificate(data, name)
    temporary = volume / "..data_tmp"
    temporary.symlink_to(data.name)
    temporary.replace(volume / "..data")
    for old in volume.glob("..2026_*"):
        if old != data:
            shutil.rmtree(old)


def test_a_secret_that_kubernetes_has_swapped_is_taken(tmp_path):
    swap(tmp_path, 1, "first.example")
    for name in ("tls.crt", "tls.key"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    tls = contexts(tmp_path)
    seen = [tls.server_context()]
    for number in (2, 3):
        swap(tmp_path, number, f"number{number}.example")
        seen.append(tls.server_context())
        tls.check_files()
    assert len(set(map(id, seen))) == 3
    assert tls.server_context() is seen[-1]
