"""A local certificate authority, for this machine alone: made once, kept in the data folder."""

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mailquay.standalone.files import write_whole

__all__ = ["LocalCertificates", "make_certificates"]

_DAY = datetime.timedelta(days=1)
#: Browsers take no certificate that is valid for longer.
_SERVER_DAYS = 397
_CA_DAYS = 3650


@dataclass(frozen=True, slots=True)
class LocalCertificates:
    """Where the files are."""

    ca_file: Path
    certificate_file: Path
    key_file: Path


def make_certificates(folder: Path, names: Sequence[str]) -> LocalCertificates:
    """Make what is missing or about to end; ``names`` are host names and addresses."""
    folder.mkdir(parents=True, exist_ok=True)
    files = LocalCertificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    ca_key_file = folder / "ca.key"
    if not files.ca_file.exists() or not ca_key_file.exists():
        _make_ca(files.ca_file, ca_key_file)
        files.certificate_file.unlink(missing_ok=True)
    if not _is_good(files, names):
        _make_server(files, ca_key_file, names)
    return files


def _is_good(files: LocalCertificates, names: Sequence[str]) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(files.certificate_file.read_bytes())
        key = serialization.load_pem_private_key(files.key_file.read_bytes(), None)
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    # Killed between the two files, they belong to different pairs.
    is_pair = certificate.public_key() == key.public_key()
    has_time = certificate.not_valid_after_utc > datetime.datetime.now(datetime.UTC) + 30 * _DAY
    return is_pair and has_time and set(map(_general_name, names)) <= set(found)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(subject: x509.Name, issuer: x509.Name, days: int) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + days * _DAY)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _make_ca(path: Path, key_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Mailquay local CA")
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        _builder(name, name, _CA_DAYS)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write_key(key_path, key)
    write_whole(path, certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)


def _make_server(files: LocalCertificates, ca_key_file: Path, names: Sequence[str]) -> None:
    ca = x509.load_pem_x509_certificate(files.ca_file.read_bytes())
    ca_key = serialization.load_pem_private_key(ca_key_file.read_bytes(), None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey), "made above"
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(_name(names[0]), ca.subject, _SERVER_DAYS)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(map(_general_name, names)), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()),
            critical=False,
        )
        .sign(ca_key, hashes.SHA256())
    )
    _write_key(files.key_file, key)
    write_whole(
        files.certificate_file, certificate.public_bytes(serialization.Encoding.PEM), mode=0o644
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    write_whole(path, pem)
