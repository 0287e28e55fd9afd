"""Signing in by what TLS proves: SCRAM-SHA-256-PLUS and EXTERNAL, in each protocol.

RFC 5802 §6, RFC 7677, RFC 5929, RFC 4422 appendix A.
"""

import base64
import contextlib
import datetime
import hashlib
import hmac
import imaplib
import poplib
import smtplib
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mailquay.testing.deployment import PASSWORD

NAME = "bound@example.org"


def make_certificate(folder, name, *, issuer=None, emails=(), common_name="client"):
    """A certificate and its key in one PEM file; with its own signature, or the issuer's."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    signer, signing_key = issuer or (subject, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(signer).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )  # fmt: skip
    if emails:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.RFC822Name(email) for email in emails]),
            critical=False,
        )
    certificate = builder.sign(signing_key, hashes.SHA256())
    path = folder / f"{name}.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )  # fmt: skip
    return path, (subject, key)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clients")
    path, issuer = make_certificate(folder, "authority", common_name="Clients' authority")
    return folder, path, issuer


@pytest.fixture(scope="module")
def ports(deployment, authority):
    deployment.add_account(NAME)
    deployment.add_account("other@example.org")
    settings = {
        "TLS__CLIENT_CA_FILE": str(authority[1]),
        "IDENTITY__SCRAM_PLUS_IN_TLS13": "true",
    }
    found = {}
    for service in ("imap", "pop3", "smtp-in"):
        found |= deployment.start(service, **settings).ports
    return found


@pytest.fixture
def make_context(deployment, authority):
    def make(*emails, version=None, certificate=None):
        context = ssl.create_default_context(cafile=str(deployment.ca_file))
        if version is not None:
            context.maximum_version = version
        if emails:
            certificate, _ = make_certificate(
                authority[0], "client", issuer=authority[2], emails=emails
            )
        if certificate is not None:
            context.load_cert_chain(certificate)
        return context

    return make


class Scram:
    """A client of RFC 5802 that binds to the channel."""

    def __init__(self, gs2, bound=b"", password=PASSWORD):
        self._gs2, self._bound, self._password = gs2, bound, password
        self._bare = f"n={NAME},r=abcdefghijkl".encode()
        self._verifier = None

    def __call__(self, challenge):
        if not challenge:
            return self._gs2 + self._bare
        if challenge.startswith(b"v="):
            assert challenge == b"v=" + base64.b64encode(self._verifier)
            return b""
        fields = dict(pair.split(b"=", 1) for pair in challenge.split(b","))
        salted = hashlib.pbkdf2_hmac(
            "sha256", self._password.encode(), base64.b64decode(fields[b"s"]), int(fields[b"i"])
        )
        bound = base64.b64encode(self._gs2 + self._bound)
        unsigned = b"c=" + bound + b",r=" + fields[b"r"]
        message = b",".join((self._bare, challenge, unsigned))
        key = hmac.digest(salted, b"Client Key", "sha256")
        signature = hmac.digest(hashlib.sha256(key).digest(), message, "sha256")
        self._verifier = hmac.digest(
            hmac.digest(salted, b"Server Key", "sha256"), message, "sha256"
        )
        proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        return unsigned + b",p=" + base64.b64encode(proof)


@contextlib.contextmanager
def imap_client(ports, context, *, is_starttls=False):
    if is_starttls:
        client = imaplib.IMAP4("localhost", ports["imap"])
        client.starttls(context)
    else:
        client = imaplib.IMAP4_SSL("localhost", ports["imaps"], ssl_context=context)
    try:
        yield client
    finally:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            client.logout()


def end_point(client) -> bytes:
    return hashlib.sha256(client.sock.getpeercert(binary_form=True)).digest()


@pytest.mark.parametrize("is_starttls", [False, True])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_binds_to_the_servers_certificate(ports, make_context, version, is_starttls):
    with imap_client(ports, make_context(version=version), is_starttls=is_starttls) as client:
        assert "AUTH=SCRAM-SHA-256-PLUS" in client.capabilities
        scram = Scram(b"p=tls-server-end-point,,", end_point(client))
        assert client.authenticate("SCRAM-SHA-256-PLUS", scram)[0] == "OK"


def test_a_client_binds_to_the_handshake_of_tls_1_2(ports, make_context):
    with imap_client(ports, make_context(version=ssl.TLSVersion.TLSv1_2)) as client:
        scram = Scram(b"p=tls-unique,,", client.sock.get_channel_binding("tls-unique"))
        assert client.authenticate("SCRAM-SHA-256-PLUS", scram)[0] == "OK"


@pytest.mark.parametrize(
    ("mechanism", "gs2", "bound"),
    [
        ("SCRAM-SHA-256-PLUS", b"p=tls-server-end-point,,", b"another certificate"),
        ("SCRAM-SHA-256-PLUS", b"p=tls-exporter,,", b"x"),
        ("SCRAM-SHA-256-PLUS", b"p=tls-unique,,", b""),
        ("SCRAM-SHA-256-PLUS", b"n,,", b""),
        ("SCRAM-SHA-256-PLUS", b"y,,", b""),
        ("SCRAM-SHA-256", b"y,,", b""),
        ("SCRAM-SHA-256", b"p=tls-server-end-point,,", b"x"),
    ],
)
def test_what_does_not_fit_the_channel_is_refused(ports, make_context, mechanism, gs2, bound):
    with (
        imap_client(ports, make_context()) as client,
        pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"),
    ):
        client.authenticate(mechanism, Scram(gs2, bound))


def test_in_the_clear_there_is_no_binding_and_y_is_true(ports):
    client = imaplib.IMAP4("localhost", ports["imap"])
    assert "AUTH=SCRAM-SHA-256-PLUS" not in client.capabilities
    assert client.authenticate("SCRAM-SHA-256", Scram(b"y,,"))[0] == "OK"
    client.logout()


def test_in_tls_1_3_it_is_offered_only_where_that_is_set(deployment, ports, make_context):
    found = deployment.start("imap").ports
    with imap_client(found, make_context(version=ssl.TLSVersion.TLSv1_2)) as client:
        assert "AUTH=SCRAM-SHA-256-PLUS" in client.capabilities
    with imap_client(found, make_context()) as client:
        assert "AUTH=SCRAM-SHA-256-PLUS" not in client.capabilities
        assert "AUTH=EXTERNAL" not in client.capabilities
        assert client.authenticate("SCRAM-SHA-256", Scram(b"y,,"))[0] == "OK"


@pytest.mark.parametrize("is_starttls", [False, True])
@pytest.mark.parametrize("authzid", [b"", NAME.encode(), b"Bound@Example.org"])
def test_a_certificate_signs_in_to_imap(ports, make_context, authzid, is_starttls):
    with imap_client(ports, make_context(NAME), is_starttls=is_starttls) as client:
        assert "AUTH=EXTERNAL" in client.capabilities
        assert client.authenticate("EXTERNAL", lambda _: authzid)[0] == "OK"


def test_of_several_addresses_one_is_chosen(ports, make_context):
    with imap_client(ports, make_context("nobody@example.org", NAME)) as client:
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            client.authenticate("EXTERNAL", lambda _: b"")
        assert client.authenticate("EXTERNAL", lambda _: NAME.encode())[0] == "OK"


@pytest.mark.parametrize("authzid", [b"other@example.org", b"\xff", b"\0", b"x" * 2000])
def test_a_certificate_is_for_nobody_else(ports, make_context, authzid):
    with (
        imap_client(ports, make_context(NAME)) as client,
        pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"),
    ):
        client.authenticate("EXTERNAL", lambda _: authzid)


def test_without_a_certificate_it_is_not_offered(ports, make_context):
    with imap_client(ports, make_context()) as client:
        assert "AUTH=EXTERNAL" not in client.capabilities
        with pytest.raises(imaplib.IMAP4.error, match="CANNOT"):
            client.authenticate("EXTERNAL", lambda _: NAME.encode())


def test_a_certificate_of_somebody_elses_authority_ends_the_handshake(
    ports, make_context, tmp_path
):
    path, _ = make_certificate(tmp_path, "forged", emails=[NAME])
    with pytest.raises((ssl.SSLError, OSError, imaplib.IMAP4.abort)):
        imaplib.IMAP4_SSL("localhost", ports["imaps"], ssl_context=make_context(certificate=path))


def test_a_certificate_signs_in_to_pop3(ports, make_context):
    client = poplib.POP3_SSL("localhost", ports["pop3s"], context=make_context(NAME))
    assert {"EXTERNAL", "SCRAM-SHA-256-PLUS"} <= set(client.capa()["SASL"])
    answer = client._shortcmd("AUTH EXTERNAL =")
    assert answer.startswith(b"+OK")
    client.quit()


@pytest.mark.parametrize("is_starttls", [False, True])
def test_a_certificate_signs_in_to_submission(ports, make_context, is_starttls):
    context = make_context(NAME)
    if is_starttls:
        client = smtplib.SMTP("localhost", ports["submission"])
        client.starttls(context=context)
    else:
        client = smtplib.SMTP_SSL("localhost", ports["submissions"], context=context)
    with client:
        client.ehlo()
        assert {"EXTERNAL", "SCRAM-SHA-256-PLUS"} <= set(client.esmtp_features["auth"].split())
        assert client.docmd("AUTH", "EXTERNAL =")[0] == 235


def test_another_server_is_asked_for_no_certificate(ports, make_context, tmp_path):
    path, _ = make_certificate(tmp_path, "theirs", emails=["mx@example.net"])
    with smtplib.SMTP("localhost", ports["smtp"]) as client:
        assert client.starttls(context=make_context(certificate=path))[0] == 220
        assert client.ehlo()[0] == 250
