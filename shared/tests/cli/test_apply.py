"""``mailquay apply`` and ``mailquay export``."""

import asyncio
import imaplib
import json
import os
import pty
import subprocess
import sys
import time

import pytest
import yaml

from mailquay.cli.exits import Exit
from mailquay.events import Bus, ConfigChanged, IdentityRevoked
from mailquay.identity.passwords import PasswordHasher
from mailquay.runtime.settings import IdentitySettings, NatsSettings
from mailquay.testing.lines import LineClient


def document(name, **account):
    """A domain of that name with one account."""
    return yaml.safe_dump(
        {
            "domains": [{"name": name}],
            "accounts": [{"address": f"ann@{name}", **account}],
            "aliases": [{"address": f"team@{name}", "targets": [f"ann@{name}"]}],
        }
    )


@pytest.fixture
def apply(mailquay):
    """Apply a text from standard input."""

    def apply(text, *options, **more):
        return mailquay("apply", "-f", "-", *options, stdin=text, **more)

    return apply


def test_the_changes_are_shown_made_and_then_no_more(apply, mailquay):
    text = document("first.test", quota="2 GiB")
    shown = apply(text, "--diff", status=Exit.CHECK_FAILED).output
    assert "+ domain first.test\n" in shown
    assert "    quota 2 GiB\n" in shown
    assert shown.endswith("To be 3 added.\n")
    assert mailquay("domain", "show", "first.test", status=Exit.NOT_FOUND)

    assert apply(text).output.endswith("Applied: 3 added.\n")
    assert apply(text).output == "Nothing to change.\n"
    assert apply(text, "--diff").output == "Nothing to change.\n"
    shown = apply(document("first.test", quota="3 GiB")).output
    assert shown.startswith("~ account ann@first.test quota 2 GiB → 3 GiB\n")


def test_programs_get_the_changes_as_json(apply):
    told = apply(document("json.test"), "--json").data
    assert told["applied"] is True
    assert [(c["action"], c["kind"], c["name"]) for c in told["changes"]] == [
        ("add", "domain", "json.test"),
        ("add", "account", "ann@json.test"),
        ("add", "alias", "team@json.test"),
    ]
    assert apply(document("json.test"), "--json").data["applied"] is False


def test_what_is_exported_can_be_applied_and_changes_nothing(apply, mailquay):
    apply(document("export.test", displayName="Änn", quota="none", state="disabled"))
    exported = mailquay("export").output
    assert "displayName: Änn" in exported
    assert "argon2" not in exported
    assert mailquay("export", "--json").data == yaml.safe_load(exported)
    assert apply(exported, "--diff").output.endswith("Nothing to change.\n")


def test_prune_disables_an_account_and_deletes_it_only_when_told(apply, mailquay):
    apply(document("prune.test"))
    mailquay("account", "add", "hand@prune.test", "--generate")
    rest = "domains: [{name: prune.test}]"
    assert apply(rest).output == "Nothing to change.\n"
    # Other tests' domains are managed too, and nothing is said of them here.
    changes = apply(rest, "--prune", "--json").data["changes"]
    ours = [(c["action"], c["name"]) for c in changes if c["name"].endswith("@prune.test")]
    assert ours == [("remove", "team@prune.test"), ("disable", "ann@prune.test")]
    assert mailquay("account", "show", "ann@prune.test", "--json").data["state"] == "disabled"
    assert "ann@prune.test" not in apply(rest, "--prune").output

    changes = apply(rest, "--prune", "--delete-accounts", "--json").data["changes"]
    assert ("remove", "ann@prune.test") in [(c["action"], c["name"]) for c in changes]
    mailquay("account", "show", "ann@prune.test", status=Exit.NOT_FOUND)
    assert mailquay("account", "show", "hand@prune.test", "--json").data["state"] == "active"


def test_whom_somebody_has_enabled_again_is_deleted_by_no_file(apply, mailquay):
    apply(document("theirs.test"))
    rest = "domains: [{name: theirs.test}]"
    apply(rest, "--prune")
    mailquay("account", "enable", "ann@theirs.test")
    assert "ann@theirs.test" not in apply(rest, "--prune", "--delete-accounts").output
    assert mailquay("account", "show", "ann@theirs.test", "--json").data["state"] == "active"


def test_a_service_that_has_refused_a_recipient_takes_it_once_it_is_declared(apply, deployment):
    service = deployment.start("smtp-in", SMTP_IN__RECIPIENT_CACHE_SECONDS="3600")
    with LineClient(service.ports["smtp"]) as client:
        client.reply()
        client.ask(b"EHLO client.example")
        client.ask(b"MAIL FROM:<x@elsewhere.example>")
        assert client.ask(b"RCPT TO:<ann@new.test>").startswith(b"550 5.7.1")
        apply(document("new.test"))
        deadline = time.monotonic() + 20
        while (reply := client.ask(b"RCPT TO:<ann@new.test>")) != b"250 2.1.5 Ok":
            assert reply.startswith(b"550 "), reply
            assert time.monotonic() < deadline
            client.ask(b"RSET")
            client.ask(b"MAIL FROM:<x@elsewhere.example>")
            time.sleep(0.1)


@pytest.mark.parametrize("options", [("--prune",), ("--prune", "--delete-accounts")])
def test_files_that_name_nothing_prune_nothing(apply, options):
    assert "would remove everything" in apply("", *options, status=Exit.REFUSED).error


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ((), Exit.USAGE, "give -f FILE"),
        (("-f", "/nowhere.yaml"), Exit.NOT_FOUND, "there is no file /nowhere.yaml"),
        (("-f", "-", "--delete-accounts"), Exit.USAGE, "goes with --prune"),
    ],
)
def test_a_command_line_that_cannot_be_meant_is_refused(mailquay, arguments, status, message):
    assert message in mailquay("apply", *arguments, status=status).error


def test_a_file_that_is_wrong_changes_nothing(apply, mailquay):
    told = apply("domains: [{name: wrong.test}]\nfoo: 1", "--json", status=Exit.MALFORMED).failure
    assert told["error"] == "malformed"
    assert told["message"].startswith("standard input:2: foo: there is no such field")
    text = "domains: [{name: wrong.test}]\naccounts: [{address: x@unknown.test}]"
    assert "there is no domain" in apply(text, status=Exit.REFUSED).error
    mailquay("domain", "show", "wrong.test", status=Exit.NOT_FOUND)


def test_folders_are_read_as_kubernetes_mounts_them(mailquay, tmp_path):
    hidden = tmp_path / "..2026"
    hidden.mkdir()
    (hidden / "a.yaml").write_text("domains: [{name: folder-a.test}]")
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    (tmp_path / "b.yml").write_text("accounts: [{address: x@folder-a.test}]")
    (tmp_path / "README.md").write_text("{")
    assert mailquay("apply", "-f", str(tmp_path)).output.endswith("Applied: 2 added.\n")


def signs_in(deployment_imap, address, password):
    client = imaplib.IMAP4("127.0.0.1", deployment_imap.ports["imap"])
    try:
        client.login(address, password)
    except imaplib.IMAP4.error:
        return False
    finally:
        client.shutdown()
    return True


@pytest.fixture(scope="module")
def imap(deployment):
    return deployment.start("imap", IMAP__ALLOW_PLAINTEXT_AUTH="true")


def test_passwords_are_read_where_the_file_says_and_never_printed(
    apply, mailquay, deployment, imap, tmp_path
):
    path = tmp_path / "password"
    path.write_text("first-secret\n")
    address = "ann@secret.test"

    def text(**more):
        return document("secret.test", passwordFrom={"file": str(path)}, **more)

    shown = apply(text(), "--json").output
    assert "first-secret" not in shown
    assert "argon2" not in shown
    assert signs_in(imap, address, "first-secret")
    # Another one is left alone, unless the file says that it goes before.
    path.write_text("second-secret\n")
    assert apply(text()).output == "Nothing to change.\n"
    assert signs_in(imap, address, "first-secret")
    assert "password set → replaced" in apply(text(passwordPolicy="always")).output
    assert signs_in(imap, address, "second-secret")
    assert apply(text(passwordPolicy="always")).output == "Nothing to change.\n"
    path.unlink()
    told = apply(text(passwordPolicy="always"), status=Exit.NOT_FOUND).error
    assert f"the file {path} cannot be read" in told.replace("\n", " ")


def test_hashed_passwords_and_none_at_all(apply, imap):
    hasher = PasswordHasher(IdentitySettings())
    made = hasher.hash("known")
    apply(document("hash.test", passwordHash=made.password_hash))
    assert signs_in(imap, "ann@hash.test", "known")
    assert not signs_in(imap, "ann@hash.test", "")
    apply(document("none.test"))
    assert not signs_in(imap, "ann@none.test", "")
    assert not signs_in(imap, "ann@none.test", "known")


def test_two_that_apply_at_once_both_end_well(deployment):
    text = document("race.test")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("MAILQUAY_")}
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "mailquay.cli", "apply", "-f", "-", "--json"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**inherited, **deployment.settings()},
        )
        for _ in range(3)
    ]
    told = [json.loads(process.communicate(text, timeout=60)[0]) for process in running]
    assert {process.returncode for process in running} == {0}
    assert sorted(each["applied"] for each in told) == [False, False, True]


@pytest.mark.parametrize(("answer", "is_made"), [("n", False), ("y", True)])
def test_somebody_at_a_terminal_is_asked(deployment, mailquay, tmp_path, answer, is_made):
    name = f"asked-{answer}.test"
    path = tmp_path / "mail.yaml"
    path.write_text(document(name))
    ours, theirs = pty.openpty()
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("MAILQUAY_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "mailquay.cli", "apply", "-f", str(path)],
        stdin=theirs, stdout=theirs, stderr=theirs,
        env={**inherited, **deployment.settings(), "NO_COLOR": "1"},
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while b"[y/N]" not in shown:
        shown += os.read(ours, 1000)
    assert f"+ domain {name}".encode() in shown
    os.write(ours, answer.encode() + b"\n")
    status = process.wait(60)
    os.close(ours)
    assert status == (Exit.OK if is_made else Exit.REFUSED)
    mailquay("domain", "show", name, status=Exit.OK if is_made else Exit.NOT_FOUND)


async def test_running_services_are_told_once_it_is_committed(apply, deployment):
    await asyncio.to_thread(apply, document("told.test"))
    bus = await Bus.open(NatsSettings(url=deployment.nats_url))
    heard: list[object] = []
    try:
        await bus.wait_connected(10)
        bus.subscribe(heard.append)
        await asyncio.to_thread(apply, document("told.test", state="disabled"))
        async with asyncio.timeout(20):
            while len(heard) < 2:
                await asyncio.sleep(0.02)
    finally:
        await bus.close()
    changed, revoked = heard
    assert changed == ConfigChanged(kind="account", name="ann@told.test")
    assert isinstance(revoked, IdentityRevoked)
    assert revoked.credential_version == 2


def test_the_schema_is_printed_without_any_mailquay(mailquay):
    schema = mailquay("apply", "--schema", env={}).data
    assert schema["properties"]["domains"]["type"] == "array"
