"""swaks, as administrators use it: MX, submission with every mechanism it knows, LMTP."""

import shutil
import subprocess

import pytest

from mailquay.testing.deployment import PASSWORD

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(shutil.which("swaks") is None, reason="swaks is not installed"),
]


@pytest.fixture(scope="module")
def smtp_in(deployment):
    for name in ("alice", "bob"):
        deployment.add_account(f"{name}@example.org")
    return deployment.start("smtp-in", SMTP_IN__ALLOW_PLAINTEXT_AUTH="false")


def swaks(port: int, *arguments: str) -> tuple[int, str]:
    """Run a transaction; exit status and transcript."""
    done = subprocess.run(
        ["swaks", "--server", f"127.0.0.1:{port}", "--helo", "client.example", "--timeout", "20",
         *arguments],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


FROM_ALICE = ("--from", "alice@example.org", "--to", "bob@example.org")
SIGN_IN = ("--auth-user", "alice@example.org", "--auth-password", PASSWORD)


def test_mail_is_delivered_to_the_mx(smtp_in):
    status, transcript = swaks(
        smtp_in.ports["smtp"], "--from", "x@example.net", "--to", "alice@example.org"
    )
    assert status == 0, transcript
    assert "<-  250 2.6.0 Ok, " in transcript


def test_mail_is_delivered_over_starttls(smtp_in):
    status, transcript = swaks(smtp_in.ports["smtp"], "--tls", "--to", "alice@example.org",
                               "--from", "x@example.net")  # fmt: skip
    assert status == 0, transcript
    assert "=== TLS started with cipher TLSv1.3" in transcript
    assert "<~  250 2.6.0 Ok, " in transcript


@pytest.mark.parametrize(
    ("recipient", "reply"),
    [("nobody@example.org", "550 5.1.1"), ("x@example.com", "550 5.7.1")],
)
def test_a_recipient_that_is_refused_is_told(smtp_in, recipient, reply):
    status, transcript = swaks(smtp_in.ports["smtp"], "--from", "x@example.net", "--to", recipient)
    assert status == 24, transcript
    assert f"<** {reply} " in transcript


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("port", ["submission", "submissions"])
def test_mail_is_submitted(smtp_in, mechanism, port):
    tls = "--tls" if port == "submission" else "--tls-on-connect"
    status, transcript = swaks(smtp_in.ports[port], tls, "--auth", mechanism, *SIGN_IN, *FROM_ALICE)
    assert status == 0, transcript
    assert "<~  235 2.7.0 " in transcript
    assert "<~  250 2.6.0 Ok, " in transcript


def test_a_wrong_password_is_told(smtp_in):
    status, transcript = swaks(
        smtp_in.ports["submission"], "--tls", "--auth", "PLAIN", "--auth-user",
        "alice@example.org", "--auth-password", "wrong", *FROM_ALICE,
    )  # fmt: skip
    assert status == 28, transcript
    assert "<~* 535 5.7.8 " in transcript


def test_without_tls_there_is_no_auth(smtp_in):
    status, transcript = swaks(
        smtp_in.ports["submission"], "--auth", "PLAIN", *SIGN_IN, *FROM_ALICE
    )
    assert status == 28, transcript
    assert PASSWORD not in transcript


def test_mail_is_delivered_by_lmtp(smtp_in):
    status, transcript = swaks(
        smtp_in.ports["lmtp"], "--protocol", "LMTP", "--from", "x@example.net",
        "--to", "alice@example.org,bob@example.org",
    )  # fmt: skip
    assert status == 0, transcript
    assert transcript.count("<-  250 2.6.0 Ok, ") == 2


def test_commands_are_pipelined(smtp_in):
    status, transcript = swaks(smtp_in.ports["smtp"], "--pipeline", "--from", "x@example.net",
                               "--to", "alice@example.org,bob@example.org")  # fmt: skip
    assert status == 0, transcript
    assert "<-  250 2.6.0 Ok, " in transcript


def test_a_proxy_header_is_taken(deployment, smtp_in):
    service = deployment.start("smtp-in", NET__PROXY_PROTOCOL_FROM='["127.0.0.0/8"]')
    for version in ("1", "2"):
        status, transcript = swaks(
            service.ports["smtp"], "--proxy-version", version, "--proxy-family",
            "TCP4" if version == "1" else "AF_INET", "--proxy-source", "192.0.2.1",
            "--proxy-source-port", "4711", "--proxy-dest", "192.0.2.2", "--proxy-dest-port", "25",
            "--from", "x@example.net", "--to", "alice@example.org",
        )  # fmt: skip
        assert status == 0, transcript
    service.stop()
