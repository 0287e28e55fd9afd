"""What TLS says of a connection that signing in may build on (RFC 5929; RFC 4422 appendix A).

``tls-server-end-point`` is the hash of our own certificate and works in every version.
``tls-unique`` is defined up to TLS 1.2 only. ``tls-exporter`` (RFC 9266), which
takes its place in TLS 1.3, cannot be computed with Python's `ssl`.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

__all__ = ["IN_THE_CLEAR", "CertificateName", "Channel", "ServerContext", "describe_channel"]

CertificateName = Literal["rfc822Name", "emailAddress", "commonName"]
_ATTRIBUTES: Final = {
    "emailAddress": NameOID.EMAIL_ADDRESS,
    "commonName": NameOID.COMMON_NAME,
}


@dataclass(frozen=True, slots=True)
class Channel:
    """A connection's TLS, or the want of it.

    ``bindings`` are channel bindings by their type; ``certificate`` is the client's, which was
    verified in the handshake, as DER.
    """

    version: str | None = None
    bindings: Mapping[str, bytes] = field(default_factory=dict)
    certificate: bytes | None = None

    def without_bindings(self) -> "Channel":
        """The same, for where channel binding is not to be offered."""
        return Channel(self.version, {}, self.certificate)

    def names(self, kind: CertificateName) -> tuple[str, ...]:
        """Whom the client's certificate is for; nobody without one."""
        if self.certificate is None:
            return ()
        try:
            certificate = x509.load_der_x509_certificate(self.certificate)
            if kind == "rfc822Name":
                extension = certificate.extensions.get_extension_for_class(
                    x509.SubjectAlternativeName
                )
                return tuple(extension.value.get_values_for_type(x509.RFC822Name))
            found = certificate.subject.get_attributes_for_oid(_ATTRIBUTES[kind])
        except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
            return ()
        return tuple(str(attribute.value) for attribute in found)


IN_THE_CLEAR: Final = Channel()


class ServerContext(ssl.SSLContext):
    """A context that knows its certificate: a connection may outlive the one on disk."""

    #: RFC 5929 §4.1; None where the certificate's signature names no hash.
    end_point: bytes | None = None

    def know(self, certificate: x509.Certificate) -> None:
        """Take the certificate that clients are shown."""
        try:
            algorithm = certificate.signature_hash_algorithm
        except UnsupportedAlgorithm:
            return
        if isinstance(algorithm, hashes.MD5 | hashes.SHA1):
            algorithm = hashes.SHA256()
        if algorithm is not None:
            self.end_point = certificate.fingerprint(algorithm)


def describe_channel(transport: asyncio.BaseTransport | None) -> Channel:
    """A connection's TLS as it is now."""
    if transport is None:
        return IN_THE_CLEAR
    found: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    if found is None:
        return IN_THE_CLEAR
    bindings: dict[str, bytes] = {}
    if found.version() == "TLSv1.2" and (unique := found.get_channel_binding("tls-unique")):
        bindings["tls-unique"] = unique
    if isinstance(found.context, ServerContext) and found.context.end_point is not None:
        bindings["tls-server-end-point"] = found.context.end_point
    return Channel(found.version(), bindings, found.getpeercert(binary_form=True))
