"""Which Mailquay a command works on, and what is said when none is meant."""

import json

import pytest

from mailquay.cli.exits import Exit


def test_settings_of_a_standalone_are_found_in_its_folder(mailquay, deployment, domain, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "environment.json").write_text(json.dumps(deployment.settings()))
    listed = mailquay("domain", "list", "--data", str(tmp_path), "--json", env={}).data
    assert domain in [each["name"] for each in listed]


def test_nothing_that_says_which_is_told(mailquay, tmp_path):
    told = mailquay("domain", "list", "--data", str(tmp_path), env={}, status=Exit.NOT_FOUND)
    assert f"no Mailquay has run in {tmp_path}" in told.error


def test_every_setting_that_is_wrong_is_told_at_once(mailquay):
    env = {"MAILQUAY_IMAP__PORT": "many", "MAILQUAY_POP3__IDLE_TIMEOUT_SECONDS": "-1"}
    told = mailquay("domain", "list", env=env, status=Exit.SETTINGS)
    assert "MAILQUAY_IMAP__PORT" in told.error
    assert "MAILQUAY_POP3__IDLE_TIMEOUT_SECONDS" in told.error


def test_bus_that_is_away_hinders_no_change(mailquay, deployment):
    env = {**deployment.settings(), "MAILQUAY_NATS__URL": "nats://127.0.0.1:1"}
    done = mailquay("domain", "add", "unheard.test", "--json", env=env)
    assert done.data["name"] == "unheard.test"
    assert "NATS does not answer" in done.error


@pytest.mark.parametrize("arguments", [(), ("account",), ("account", "add"), ("standalone",)])
def test_help_is_there_for_groups_and_commands_by_its_short_option(mailquay, arguments):
    assert "Usage: " in mailquay(*arguments, "-h", env={}).output
