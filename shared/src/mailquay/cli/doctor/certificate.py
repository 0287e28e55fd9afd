"""The certificate that clients are shown."""

from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509

from mailquay.cli.doctor.findings import Finding, ok, warning, wrong
from mailquay.cli.target import Target
from mailquay.net.tls import TlsContexts, TlsError

__all__ = ["check_certificate"]

_AREA: Final = "certificate"
#: What issuers that renew by themselves leave at the least, twice over.
_SOON: Final = timedelta(days=14)


async def check_certificate(target: Target) -> list[Finding]:
    """It can be used, is valid for a while, and is for our name."""
    settings = target.settings.tls
    if settings.certificate_file is None:
        told = "none is configured: clients sign in without TLS, or not at all"
        return [wrong(_AREA, told, "set MAILQUAY_TLS__CERTIFICATE_FILE and MAILQUAY_TLS__KEY_FILE")]
    try:
        TlsContexts(settings)
        certificate = x509.load_pem_x509_certificate(settings.certificate_file.read_bytes())
    except (TlsError, OSError, ValueError) as error:
        remedy = "give a PEM chain and its unencrypted key, readable for the services' user"
        return [wrong(_AREA, str(error), remedy)]
    return [_validity(certificate), *_names(certificate, target.settings.hostname)]


def _validity(certificate: x509.Certificate) -> Finding:
    now = datetime.now(UTC)
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < begin:
        return wrong(_AREA, f"valid only from {begin:%Y-%m-%d %H:%M}", "wait, or set the clock")
    if now > end:
        return wrong(_AREA, f"expired on {end:%Y-%m-%d %H:%M}", "renew it; no restart is needed")
    told = f"valid until {end:%Y-%m-%d}"
    if end - now < _SOON:
        return warning(_AREA, told, "renew it; no restart is needed")
    return ok(_AREA, told)


def _names(certificate: x509.Certificate, hostname: str) -> list[Finding]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = []
    else:
        names = [name.lower() for name in found.get_values_for_type(x509.DNSName)]
    wanted = hostname.lower()
    # RFC 9525 §6.3: a wildcard stands for the leftmost label alone.
    if wanted in names or f"*.{wanted.partition('.')[2]}" in names:
        return [ok(_AREA, f"is for {hostname}")]
    told = f"is for {', '.join(names) or 'no name'}, not for {hostname}"
    remedy = "get one for the name that clients use, or set MAILQUAY_HOSTNAME to its name"
    return [warning(_AREA, told, remedy)]
