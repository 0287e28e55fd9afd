"""``mailquay doctor``: what is well is said to be, and what is wrong comes with its remedy."""

import json
from pathlib import Path

import asyncpg
import pytest

from mailquay.cli.exits import Exit
from mailquay.standalone.certificates import make_certificates
from mailquay.testing.ports import free_port


def findings(answer) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for finding in answer.data["findings"]:
        found.setdefault(finding["area"], []).append(finding)
    return found


def states(found: dict[str, list[dict[str, str]]], area: str) -> set[str]:
    return {finding["state"] for finding in found[area]}


@pytest.fixture
def examine(mailquay, deployment):
    """Runs the doctor with settings changed; local ports are none of most tests' business."""

    def run(status: Exit = Exit.OK, local: bool = False, **changed: str):
        env = deployment.settings() | {f"MAILQUAY_{k}": v for k, v in changed.items()}
        answer = mailquay(
            "doctor", "--json", *(() if local else ("--no-local",)), env=env, status=status
        )
        return findings(answer)

    return run


def test_platform_that_is_well_is_said_to_be(examine, deployment):
    deployment.add_account("admin@well.test", role="admin")
    found = examine()
    for area in ("settings", "database", "schema", "clock", "NATS", "bodies", "certificate"):
        assert states(found, area) <= {"ok", "warning"}, found[area]
    assert states(found, "NATS") == states(found, "bodies") == states(found, "schema") == {"ok"}


def test_every_port_greets_as_its_protocol_says_or_is_told(examine, deployment):
    ports = deployment.start("pop3").ports
    elsewhere = str(ports["pop3"])
    found = examine(
        Exit.CHECK_FAILED, local=True,
        POP3__PORT=str(ports["pop3"]), POP3__TLS_PORT=str(ports["pop3s"]),
        IMAP__PORT=elsewhere, IMAP__TLS_PORT="none", WEB__PORT=str(free_port()),
        SMTP_IN__MX_PORT="none", SMTP_IN__SUBMISSION_PORT="none",
        SMTP_IN__SUBMISSIONS_PORT="none",
    )  # fmt: skip
    assert states(found, "pop3") == states(found, "pop3s") == {"ok"}
    assert "another program listens there" in found["imap"][0]["remedy"]
    assert "start mailquay-webmail-api" in found["http"][0]["remedy"]
    assert "MAILQUAY_WEB__PORT" in found["http"][0]["remedy"]
    assert "imaps" not in found, "what is not to be served is not looked for"


@pytest.mark.parametrize(
    ("changed", "area", "remedy"),
    [
        ({"DATABASE__URL": "postgresql://x@127.0.0.1:1/x"}, "database", "MAILQUAY_DATABASE__URL"),
        ({"NATS__URL": "nats://127.0.0.1:1"}, "NATS", "MAILQUAY_NATS__URL"),
        ({"BLOBS__URL": "memory://"}, "bodies", "file://"),
        ({"BLOBS__URL": "file:///proc/mailquay"}, "bodies", "writable"),
        ({"TLS__CERTIFICATE_FILE": "", "TLS__KEY_FILE": ""}, "certificate", "MAILQUAY_TLS"),
        ({"TLS__CERTIFICATE_FILE": "/nowhere.pem"}, "certificate", "PEM"),
    ],
)
def test_what_is_wrong_comes_with_its_remedy(examine, changed, area, remedy):
    wrong = [f for f in examine(Exit.CHECK_FAILED, **changed)[area] if f["state"] == "wrong"]
    assert any(remedy in finding["remedy"] for finding in wrong), wrong


async def test_schema_that_is_behind_is_to_be_upgraded(examine, postgres_url):
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await connection.close()
    found = examine(Exit.CHECK_FAILED, DATABASE__URL=postgres_url)
    assert found["schema"][0]["remedy"] == "run `mailquay db upgrade`"


async def test_server_that_may_lose_a_commit_is_told(examine, deployment):
    connection = await asyncpg.connect(deployment.database_url)
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit TO off')
    try:
        found = examine(Exit.CHECK_FAILED)
    finally:
        await connection.execute(f'ALTER DATABASE "{name}" RESET synchronous_commit')
        await connection.close()
    assert any("synchronous_commit off" in finding["text"] for finding in found["database"])


def test_certificate_of_another_name_is_told(examine, tmp_path: Path):
    files = make_certificates(tmp_path, ["other.test"])
    changed = {
        "TLS__CERTIFICATE_FILE": str(files.certificate_file), "TLS__KEY_FILE": str(files.key_file),
    }  # fmt: skip
    found = examine(**changed, HOSTNAME="mail.example.test")
    told = [f["text"] for f in found["certificate"] if f["state"] == "warning"]
    assert told == ["is for other.test, not for mail.example.test"]
    assert states(examine(**changed, HOSTNAME="other.test"), "certificate") == {"ok"}


@pytest.mark.parametrize(
    ("hostname", "state"),
    [("mail.wild.test", "ok"), ("a.mail.wild.test", "warning"), ("wild.test", "warning")],
)
def test_wildcard_stands_for_one_label(examine, tmp_path: Path, hostname, state):
    """RFC 9525 §6.3."""
    files = make_certificates(tmp_path, ["*.wild.test"])
    found = examine(
        TLS__CERTIFICATE_FILE=str(files.certificate_file), TLS__KEY_FILE=str(files.key_file),
        HOSTNAME=hostname,
    )  # fmt: skip
    assert found["certificate"][-1]["state"] == state


def test_names_that_dns_never_has_are_not_asked_for(examine, tmp_path: Path):
    """RFC 6761 §6: .test is one; a resolver that fails everything does not matter."""
    nobody = str(tmp_path / "no such zone.json")
    found = examine(DNS__FIXED_FILE=nobody, HOSTNAME="mail.mailquay.test")
    assert states(found, "DNS") == {"ok"}


def test_certificate_that_has_ended_or_soon_will_is_told(examine, tmp_path: Path, monkeypatch):
    for days, state, status in ((3, "warning", Exit.OK), (-1, "wrong", Exit.CHECK_FAILED)):
        folder = tmp_path / state
        # Its validity begins a day before it is made, and lasts for so long.
        monkeypatch.setattr("mailquay.standalone.certificates._SERVER_DAYS", days)
        files = make_certificates(folder, ["well.test"])
        found = examine(
            status,
            TLS__CERTIFICATE_FILE=str(files.certificate_file),
            TLS__KEY_FILE=str(files.key_file),
            HOSTNAME="well.test",
        )
        assert found["certificate"][0]["state"] == state


@pytest.mark.parametrize(
    ("zone", "state", "told"),
    [
        ({"zone.example.net": {"MX": [[10, "mail.example.net"]]}}, "ok", "as its MX"),
        ({"zone.example.net": {"MX": [[10, "mx.other.net"]]}}, "warning", "mx.other.net"),
        ({}, "wrong", "does not exist"),
        ({"zone.example.net": "SERVFAIL"}, "warning", "no resolver answers"),
    ],
)
async def test_mx_of_each_domain_is_looked_at(
    examine, deployed_store, tmp_path: Path, zone, state, told
):
    if "zone.example.net" not in {d.name for d in await deployed_store.accounts.list_domains()}:
        await deployed_store.accounts.add_domain("zone.example.net")
    path = tmp_path / "zone.json"
    path.write_text(json.dumps({"mail.example.net": {"A": ["127.0.0.1"]}, **zone}))
    status = Exit.CHECK_FAILED if state == "wrong" else Exit.OK
    found = examine(status, DNS__FIXED_FILE=str(path), HOSTNAME="mail.example.net")
    (finding,) = [f for f in found["DNS"] if told in f["text"]]
    assert finding["state"] == state
    await deployed_store.accounts.remove_domain("zone.example.net")
