"""TLS: the servers' certificate, reloaded when its files change; contexts towards others."""

import ssl
import time
from datetime import UTC, datetime

from cryptography import x509

from mailquay.runtime.settings import TlsSettings

__all__ = ["TlsContexts", "TlsError"]


class TlsError(Exception):
    """The certificate cannot be used; the message says why."""


class TlsContexts:
    """The contexts of a process."""

    def __init__(self, settings: TlsSettings) -> None:
        self._settings = settings
        self._context: ssl.SSLContext | None = None
        self._stamp: tuple[float, float] = (0, 0)
        self._looked_at = 0.0
        if self.is_configured:
            self._load()

    @property
    def is_configured(self) -> bool:
        """Whether there is a certificate at all."""
        return self._settings.certificate_file is not None

    def server_context(self) -> ssl.SSLContext:
        """The context for clients; a changed certificate is taken, a broken one is not.

        Raises:
            TlsError: there is none.
        """
        now = time.monotonic()
        if now - self._looked_at >= self._settings.reload_interval_seconds:
            self._looked_at = now
            try:
                if self._files_stamp() != self._stamp:
                    self._load()
            except (OSError, TlsError):
                # The old one is better than none; readiness tells of it by `check`.
                if self._context is None:
                    raise
        if self._context is None:
            raise TlsError("no certificate is configured")
        return self._context

    def _files_stamp(self) -> tuple[float, float]:
        certificate, key = self._settings.certificate_file, self._settings.key_file
        if certificate is None:
            raise TlsError("no certificate is configured")
        return certificate.stat().st_mtime, (key or certificate).stat().st_mtime

    def _load(self) -> None:
        certificate, key = self._settings.certificate_file, self._settings.key_file
        assert certificate is not None, "is_configured was asked"
        try:
            stamp = self._files_stamp()
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.minimum_version = (
                ssl.TLSVersion.TLSv1_3
                if self._settings.minimum_version == "TLSv1.3"
                else ssl.TLSVersion.TLSv1_2
            )
            context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
            context.options |= ssl.OP_NO_COMPRESSION
            context.load_cert_chain(certificate, key)
        except (OSError, ssl.SSLError, ValueError) as error:
            raise TlsError(f"cannot use the certificate {certificate}: {error}") from error
        self._context, self._stamp = context, stamp

    def check(self) -> None:
        """Look at the certificate's validity.

        Raises:
            TlsError: it is not valid now, or cannot be read.
        """
        if self._settings.certificate_file is None:
            return
        try:
            pem = self._settings.certificate_file.read_bytes()
            certificate = x509.load_pem_x509_certificate(pem)
        except (OSError, ValueError) as error:
            raise TlsError(f"cannot read the certificate: {error}") from error
        now = datetime.now(UTC)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise TlsError(f"the certificate is valid until {certificate.not_valid_after_utc}")

    @staticmethod
    def client_context(*, verify: bool) -> ssl.SSLContext:
        """A context towards other servers; without ``verify`` any certificate will do."""
        context = ssl.create_default_context()
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context
