"""``mailquay probe`` against the whole platform, and against servers that do wrong."""

import imaplib
import itertools
import json
import smtplib
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from mailquay.cli.exits import Exit
from mailquay.cli.probe.letters import Way, new_run, write_letter
from mailquay.cli.probe.servers import Server, parse_server
from mailquay.testing.platform import RunningPlatform
from mailquay.testing.ports import free_port

_NUMBERS = itertools.count(1)
STEPS = ["mx", "submission", "imap", "pop3", "jmap", "cleanup"]


@pytest.fixture(scope="module")
def facts(platform: RunningPlatform) -> dict[str, Any]:
    return platform.facts


@pytest.fixture
def account(mailquay, platform, tmp_path) -> tuple[str, Path]:
    """An account of the test's own, and the file with its password."""
    address, path = f"probe{next(_NUMBERS)}@mailquay.test", tmp_path / "password"
    path.write_text("anchors aweigh, all of them\n")
    data = ("--data", str(platform.data))
    mailquay("account", "add", address, "--password-stdin", *data, stdin=path.read_text(), env={})
    return address, path


@pytest.fixture
def probing(mailquay, platform, account) -> Callable[..., Any]:
    """Probes the platform; arguments put other servers in the place of its own."""
    address, path = account

    def probe(*arguments: str, status: Exit = Exit.OK) -> Any:
        to = ("--account", address, "--password-file", str(path), "--data", str(platform.data))
        ca = ("--ca-file", str(platform.facts["ca_file"]))
        return mailquay("probe", *to, *ca, *arguments, "--json", status=status, env={}).data

    return probe


def steps_of(told: Any) -> dict[str, tuple[str, str]]:
    return {step["name"]: (step["outcome"], step["said"]) for step in told["steps"]}


@pytest.fixture
def inbox(facts, account) -> Callable[[], int]:
    """How many messages the account has, as IMAP says."""
    address, path = account

    def count() -> int:
        trust = ssl.create_default_context(cafile=facts["ca_file"])
        with imaplib.IMAP4_SSL(facts["host"], facts["ports"]["imaps"], ssl_context=trust) as imap:
            imap.login(address, path.read_text().strip())
            return int(imap.select("INBOX", readonly=True)[1][0] or b"0")

    return count


@pytest.fixture
def nobody() -> int:
    """A port where nobody listens."""
    return free_port()


@pytest.fixture
def foreign_mx() -> Iterator[Callable[..., str]]:
    """Starts somebody else's MX that does with a message what it is told."""
    started: list[Controller] = []

    def start(take: Callable[[Any], str]) -> str:
        class Handler:
            async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
                return take(envelope)

        started.append(Controller(Handler(), hostname="127.0.0.1", port=free_port()))
        started[-1].start()
        return f"127.0.0.1:{started[-1].port}"

    yield start
    for controller in started:
        controller.stop()


def test_mail_flows_and_nothing_is_left_behind(probing, inbox, account):
    told = probing()
    assert [step["name"] for step in told["steps"]] == STEPS
    assert {step["outcome"] for step in told["steps"]} == {"ok"}
    assert (told["ok"], told["failed"], told["account"]) == (True, [], account[0])
    assert inbox() == 0


def test_each_server_may_be_named_and_starttls_is_spoken_where_tls_is_not(probing, facts):
    ports = facts["ports"]
    told = probing(
        *("--smtp", f"localhost:{ports['smtp']}"),
        *("--submission", f"localhost:{ports['submission']}"),
        *("--imap", f"imap://localhost:{ports['imap']}"),
        *("--pop3", f"localhost:{ports['pop3']}"),
        *("--jmap", f"http://localhost:{ports['http']}/.well-known/jmap"),
    )
    assert told["ok"]
    assert told["steps"][2]["server"] == f"localhost:{ports['imap']}"


def test_what_is_not_served_may_be_left_out(probing, inbox):
    told = probing("--no-pop3", "--no-jmap")
    assert [step["name"] for step in told["steps"]] == ["mx", "submission", "imap", "cleanup"]
    assert told["ok"]
    assert inbox() == 0


def test_one_protocol_that_is_down_is_named_and_the_others_are_tried(probing, inbox, nobody):
    told = probing("--pop3", f"127.0.0.1:{nobody}", status=Exit.CHECK_FAILED)
    assert told["failed"] == ["pop3"]
    assert steps_of(told)["pop3"] == ("failed", "Connection refused")
    assert inbox() == 0


@pytest.mark.parametrize("down", ["imap", "jmap"])
def test_mail_is_deleted_by_the_protocol_that_is_left(probing, inbox, nobody, down):
    told = probing(f"--{down}", f"127.0.0.1:{nobody}", status=Exit.CHECK_FAILED)
    assert told["failed"] == [down, "cleanup"]
    assert inbox() == 0


def test_wrong_password_is_told_in_each_servers_words(probing, account):
    account[1].write_text("not the one")
    told = probing(status=Exit.CHECK_FAILED)
    assert told["failed"] == ["submission", "imap", "pop3", "jmap", "cleanup"]
    assert "535 5.7.8" in steps_of(told)["submission"][1]
    assert "[AUTHENTICATIONFAILED]" in steps_of(told)["imap"][1]
    assert "-ERR [AUTH]" in steps_of(told)["pop3"][1]
    assert "401" in steps_of(told)["jmap"][1]


def test_mail_that_never_arrives_is_missed_by_every_reader(probing, foreign_mx):
    swallowing = foreign_mx(lambda _: "250 2.6.0 Thrown away")
    told = probing("--smtp", swallowing, "--timeout", "1", status=Exit.CHECK_FAILED)
    assert told["failed"] == ["imap", "pop3", "jmap"]
    assert steps_of(told)["mx"] == ("ok", "250 2.6.0 Thrown away")
    assert "(by mx) did not come within 1 s" in steps_of(told)["pop3"][1]


def test_body_that_was_changed_on_its_way_is_noticed(probing, foreign_mx, facts, inbox):
    def forward(envelope: Any) -> str:
        changed = envelope.content.replace(b" \t \r\n", b"\r\n")
        with smtplib.SMTP(facts["host"], facts["ports"]["smtp"]) as client:
            client.sendmail("", envelope.rcpt_tos, changed, ["BODY=8BITMIME"])
        return "250 2.6.0 Forwarded, in a way"

    told = probing("--smtp", foreign_mx(forward), status=Exit.CHECK_FAILED)
    assert told["failed"] == ["imap", "pop3", "jmap"]
    assert "came out changed" in steps_of(told)["imap"][1]
    assert inbox() == 0


def test_message_that_comes_twice_is_noticed(probing, foreign_mx, facts, inbox):
    def double(envelope: Any) -> str:
        with smtplib.SMTP(facts["host"], facts["ports"]["smtp"]) as client:
            for reverse_path in ("", "a@example.org"):
                client.sendmail(
                    reverse_path, envelope.rcpt_tos, envelope.content, ["BODY=8BITMIME"]
                )
        return "250 2.6.0 Forwarded, and again"

    told = probing("--smtp", foreign_mx(double), status=Exit.CHECK_FAILED)
    assert "came more than once" in steps_of(told)["imap"][1]
    assert inbox() == 0


def test_refusal_is_told_with_the_command_and_the_rest_is_tried(probing, foreign_mx, inbox):
    told = probing(
        "--smtp", foreign_mx(lambda _: "554 5.6.0 Not this one"), status=Exit.CHECK_FAILED
    )
    assert told["failed"] == ["mx"]
    assert steps_of(told)["mx"][1] == "answers DATA with 554 5.6.0 Not this one"
    assert inbox() == 0


def test_with_no_message_taken_there_is_nothing_to_read(probing, nobody):
    where = f"127.0.0.1:{nobody}"
    told = probing("--smtp", where, "--submission", where, status=Exit.CHECK_FAILED)
    assert told["failed"] == ["mx", "submission"]
    assert {step["outcome"] for step in told["steps"][2:]} == {"skipped"}


def test_certificate_is_checked_by_the_name_that_was_given(probing):
    told = probing("--tls-name", "mx.example.net", status=Exit.CHECK_FAILED)
    assert told["failed"] == ["mx", "submission"]
    assert "Hostname mismatch" in steps_of(told)["mx"][1]
    assert probing("--tls-name", "mx.example.net", "--insecure")["ok"]


def test_password_is_not_given_to_a_server_without_tls(probing, foreign_mx):
    plain = foreign_mx(lambda _: "250 2.0.0 Ok")
    told = probing("--submission", plain, status=Exit.CHECK_FAILED)
    assert told["failed"] == ["submission"]
    assert "offers no STARTTLS" in steps_of(told)["submission"][1]


def test_output_json_is_json_and_the_table_names_each_step(mailquay, platform, account):
    address, path = account
    who = ("--account", address, "--password-file", str(path), "--data", str(platform.data))
    told = mailquay("probe", *who, "--output", "json", env={}).output
    assert json.loads(told)["ok"]
    table = mailquay("probe", *who, env={}).output
    assert all(step in table for step in STEPS)
    assert "Mail flows" in table


def test_password_is_read_from_standard_input_or_not_at_all(mailquay, platform, account):
    who = ("--account", account[0], "--data", str(platform.data))
    password = account[1].read_text()
    assert "ok" in mailquay("probe", *who, "--password-file", "-", stdin=password, env={}).output
    told = mailquay("probe", *who, env={}, status=Exit.USAGE)
    assert "--password-file" in told.error


@pytest.mark.parametrize(
    ("protocol", "text", "server"),
    [
        ("smtp", "mx.test", Server("mx.test", 25, is_tls=False)),
        ("submission", "mail.test", Server("mail.test", 465, is_tls=True)),
        ("submission", "mail.test:587", Server("mail.test", 587, is_tls=False)),
        ("submission", "submissions://mail.test:2465", Server("mail.test", 2465, is_tls=True)),
        ("imap", "mail.test:993", Server("mail.test", 993, is_tls=True)),
        ("imap", "[2001:db8::1]:143", Server("2001:db8::1", 143, is_tls=False)),
        ("imap", "imaps://mail.test", Server("mail.test", 993, is_tls=True)),
        ("pop3", "mail.test:1110", Server("mail.test", 1110, is_tls=False)),
        ("jmap", "https://mail.test/jmap", Server("mail.test", 443, is_tls=True, path="/jmap")),
        ("jmap", "mail.test:80", Server("mail.test", 80, is_tls=False)),
    ],
)
def test_server_is_read_from_name_port_or_url(protocol, text, server):
    assert parse_server(protocol, text) == server


@pytest.mark.parametrize(
    ("option", "text"),
    [("--imap", "http://h"), ("--smtp", ":25"), ("--pop3", "h:none"), ("--imap", "a@h:1"),
     ("--smtp", "h/path"), ("--imap", "h:99999")],
)  # fmt: skip
def test_what_is_no_server_is_told_how_to_write_one(mailquay, account, option, text):
    who = ("--account", account[0], "--password-file", str(account[1]), "--host", "localhost")
    told = mailquay("probe", *who, option, text, env={}, status=Exit.USAGE)
    assert "HOST:PORT" in told.error


@pytest.mark.parametrize("is_8bit", [True, False])
def test_letter_is_of_one_form_and_ascii_where_it_has_to_be(is_8bit):
    letter = write_letter(
        Way.MX, new_run(), sender="a@x.test", recipient="b@x.test", is_8bit=is_8bit
    )
    assert letter.raw.isascii() is not is_8bit
    assert max(map(len, letter.raw.split(b"\r\n"))) == 998
    assert b"\n" not in letter.raw.replace(b"\r\n", b"")
    letter.check(b"Received: from elsewhere\r\n" + letter.raw)
