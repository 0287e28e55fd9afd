"""TLS: the servers' certificate, reloaded when its files change; contexts towards others."""

import ssl
import time
from datetime import UTC, datetime
from pathlib import Path

import structlog
from cryptography import x509

from mailquay.net.channel import ServerContext
from mailquay.runtime import metrics
from mailquay.runtime.settings import TlsSettings

__all__ = ["TlsContexts", "TlsError"]

_LOG = structlog.get_logger(__name__)
#: What tells a file from the one that was there before: time of change, inode, size.
_Stamp = tuple[int, int, int]


class TlsError(Exception):
    """The certificate cannot be used; the message says why."""


class TlsContexts:
    """The contexts of a process."""

    def __init__(self, settings: TlsSettings) -> None:
        """Load the certificate, where there is one.

        Raises:
            TlsError: it cannot be used.
        """
        self._settings = settings
        self._context: ServerContext | None = None
        self._asking: ServerContext | None = None  # for a client's certificate
        self._certificate: x509.Certificate | None = None
        self._stamps: tuple[_Stamp, ...] = ()
        self._looked_at = time.monotonic()
        self._error: TlsError | None = None
        if self.is_configured:
            self._load()

    @property
    def is_configured(self) -> bool:
        """Whether there is a certificate at all."""
        return self._settings.certificate_file is not None

    def server_context(self, *, asks_certificate: bool = False) -> ssl.SSLContext:
        """The context for clients; a changed certificate is taken, a broken one is not.

        Args:
            asks_certificate: let clients show a certificate to sign in with, where that is
                configured. Not for other servers, who may have one of any authority.

        Raises:
            TlsError: there is none.
        """
        if self._context is None:
            raise TlsError("no certificate is configured")
        now = time.monotonic()
        if now - self._looked_at >= self._settings.reload_interval_seconds:
            self._looked_at = now
            self._reload()
        return self._asking if asks_certificate and self._asking else self._context

    def _reload(self) -> None:
        """Take what is on disk; where that is of no use the old one is better than none."""
        try:
            if self._files_stamps() != self._stamps:
                self._load()
                _LOG.info("the certificate was reloaded")
            self._error = None
        except TlsError as error:
            if self._error is None:
                _LOG.warning("the old certificate stays in use", reason=str(error))
            self._error = error

    def _paths(self) -> list[Path]:
        settings = self._settings
        found = (settings.certificate_file, settings.key_file, settings.client_ca_file)
        return [path for path in found if path is not None]

    def _files_stamps(self) -> tuple[_Stamp, ...]:
        try:
            stats = [path.stat() for path in self._paths()]
        except OSError as error:
            raise TlsError(f"cannot read the certificate: {error}") from error
        return tuple((stat.st_mtime_ns, stat.st_ino, stat.st_size) for stat in stats)

    def _load(self) -> None:
        stamps = self._files_stamps()
        context, certificate = self._make_context()
        asking = None
        if self._settings.client_ca_file is not None:
            asking, _ = self._make_context()
            self._ask(asking, self._settings.client_ca_file)
        self._context, self._asking = context, asking
        self._certificate, self._stamps = certificate, stamps
        metrics.CERTIFICATE_EXPIRES.set(certificate.not_valid_after_utc.timestamp())

    def _make_context(self) -> tuple[ServerContext, x509.Certificate]:
        path, key = self._settings.certificate_file, self._settings.key_file
        assert path is not None, "is_configured was asked"
        context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = (
            ssl.TLSVersion.TLSv1_3
            if self._settings.minimum_version == "TLSv1.3"
            else ssl.TLSVersion.TLSv1_2
        )
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
        context.options |= ssl.OP_NO_COMPRESSION
        try:
            certificate = x509.load_pem_x509_certificate(path.read_bytes())
            # A key with a pass phrase would have it asked for on the terminal.
            context.load_cert_chain(path, key, password="")
        except (OSError, ssl.SSLError, ValueError) as error:
            raise TlsError(f"cannot use the certificate {path}: {error}") from error
        context.know(certificate)
        return context, certificate

    @staticmethod
    def _ask(context: ServerContext, authorities: Path) -> None:
        """Ask clients for a certificate of these; who has none may go on without."""
        try:
            context.load_verify_locations(authorities)
        except (OSError, ssl.SSLError) as error:
            raise TlsError(f"cannot use the authorities {authorities}: {error}") from error
        context.verify_mode = ssl.CERT_OPTIONAL

    def check(self) -> None:
        """Look at the validity of the certificate in use.

        Raises:
            TlsError: it is not valid now.
        """
        certificate = self._certificate
        if certificate is None:
            return
        now = datetime.now(UTC)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
            raise TlsError(f"the certificate is valid from {begin} to {end} only")

    def check_files(self) -> None:
        """Look at the files as they are now; the certificate in use may be an older one.

        Raises:
            TlsError: they cannot be used.
        """
        if self.is_configured:
            self._reload()
            if self._error is not None:
                raise self._error

    @staticmethod
    def client_context(*, verify: bool) -> ssl.SSLContext:
        """A context towards other servers; without ``verify`` any certificate will do."""
        context = ssl.create_default_context()
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context
