"""``mailquay send``: a test message, and each way in which a server may say no."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from mailquay.cli.exits import Exit
from mailquay.testing.deployment import PASSWORD
from mailquay.testing.ports import free_port


@pytest.fixture(scope="module")
def ports(deployment) -> dict[str, int]:
    """A running smtp-in's, with somebody to write to."""
    deployment.add_account("ada@sent.test")
    return deployment.start("smtp-in").ports


@pytest.fixture
def sending(mailquay, deployment, ports):
    """Sends by the running smtp-in, whose ports the settings would otherwise name."""

    def send(*arguments: str, to: str = "ada@sent.test", **more: Any):
        env = deployment.settings() | {
            "MAILQUAY_SMTP_IN__MX_PORT": str(ports["smtp"]),
            "MAILQUAY_SMTP_IN__SUBMISSION_PORT": str(ports["submission"]),
            "MAILQUAY_SMTP_IN__SUBMISSIONS_PORT": str(ports["submissions"]),
        }
        ca = ("--ca-file", str(deployment.ca_file))
        return mailquay("send", "--to", to, *ca, *arguments, "--json", env=env, **more)

    return send


async def test_message_is_taken_by_the_mx_with_starttls_and_is_in_the_mailbox(
    sending, mailquay, ports
):
    sent = sending("--subject", "Grüße").data
    assert (sent["port"], sent["tls"]) == (ports["smtp"], "TLSv1.3")
    assert sent["reply"].startswith("250 ")
    inbox = mailquay("mailbox", "list", "ada@sent.test", "--json").data[0]
    assert inbox["messages"] >= 1


@pytest.mark.parametrize(
    ("arguments", "port", "tls"),
    [
        (("--tls", "none"), "smtp", None),
        (("--user", "ada@sent.test", "--password-stdin"), "submission", "TLSv1.3"),
        (("--user", "ada@sent.test", "--password-stdin", "--tls", "tls"), "submissions", "TLSv1.3"),
    ],
)
def test_port_and_tls_are_those_that_were_asked_for(sending, ports, arguments, port, tls):
    sent = sending(*arguments, stdin=PASSWORD + "\n").data
    assert (sent["port"], sent["tls"]) == (ports[port], tls)


def test_text_may_come_from_standard_input(sending):
    assert sending("--body", "-", stdin="Many\nlines\n.\n").data["reply"].startswith("250 ")


def test_wrong_password_is_refused(sending):
    signed_in = ("--user", "ada@sent.test", "--password-stdin")
    assert sending(*signed_in, stdin="wrong\n", status=Exit.REFUSED).failure["error"] == "refused"


def test_unknown_recipient_is_a_check_that_failed(sending):
    told = sending(to="nobody@sent.test", status=Exit.CHECK_FAILED).failure
    assert "550 5.1.1" in told["message"]


def test_certificate_of_an_unknown_authority_is_not_trusted(mailquay, ports):
    to = ("--to", "ada@sent.test", "--host", "localhost", "--port", str(ports["submissions"]))
    told = mailquay("send", *to, "--tls", "tls", env={}, status=Exit.CHECK_FAILED)
    assert "--ca-file" in told.error


class Busy:
    """Somebody else's server, which has no time."""

    async def handle_RCPT(self, *_arguments: Any) -> str:
        return "451 4.3.2 Come back later"


@pytest.fixture
def busy() -> Iterator[int]:
    controller = Controller(Busy(), hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller.port
    controller.stop()


def test_server_that_wants_it_later_is_told_apart(mailquay, busy):
    to = ("--to", "a@example.net", "--host", "127.0.0.1", "--port", str(busy))
    told = mailquay("send", *to, env={}, status=Exit.TRY_LATER)
    assert "451 4.3.2 Come back later" in told.error


def test_nobody_there_is_unavailable(mailquay):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        to = ("--to", "a@example.net", "--host", "127.0.0.1", "--port", str(taken.getsockname()[1]))
        assert "refused" in mailquay("send", *to, env={}, status=Exit.UNAVAILABLE).error
