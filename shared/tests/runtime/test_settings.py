"""Where settings come from, and that everything wrong with them is said at once."""

import pytest
from pydantic import ValidationError

from mailquay.runtime.settings import DnsSettings, ImapSettings, SettingsError, load_settings


def test_the_environment_wins_over_the_file(monkeypatch, tmp_path):
    path = tmp_path / "mailquay.toml"
    path.write_text('[imap]\nport = 1143\ntls_port = 1993\n[log]\nlevel = "debug"\n')
    monkeypatch.setenv("MAILQUAY_CONFIG", str(path))
    monkeypatch.setenv("MAILQUAY_IMAP__PORT", "2143")
    monkeypatch.setenv("MAILQUAY_IMAP__TLS_PORT", "")
    monkeypatch.setenv("MAILQUAY_POP3__PORT", "none")
    settings = load_settings()
    assert (settings.imap.port, settings.imap.tls_port, settings.pop3.port) == (2143, 1993, None)
    assert settings.log.level == "debug"


def test_a_secret_may_stand_in_a_file(monkeypatch, tmp_path):
    path = tmp_path / "url"
    path.write_text("postgresql://me:secret@db/mail\nanother line\n")
    monkeypatch.setenv("MAILQUAY_DATABASE__URL_FILE", str(path))
    assert load_settings().database.url.get_secret_value() == "postgresql://me:secret@db/mail"
    path.write_text("")
    assert load_settings().database.url.get_secret_value().startswith("postgresql://mailquay@")
    path.unlink()
    with pytest.raises(SettingsError, match="url"):
        load_settings()


def test_all_that_is_wrong_is_listed_without_the_values(monkeypatch):
    monkeypatch.setenv("MAILQUAY_IMAP__PORT", "66666")
    monkeypatch.setenv("MAILQUAY_SMTP_OUT__SMARTHOST", "hunter2")
    monkeypatch.setenv("MAILQUAY_NET__NO_SUCH_THING", "1")
    with pytest.raises(SettingsError) as raised:
        load_settings()
    lines = str(raised.value).splitlines()
    assert {line.partition(":")[0] for line in lines} == {
        "MAILQUAY_IMAP__PORT",
        "MAILQUAY_SMTP_OUT__SMARTHOST",
        "MAILQUAY_NET__NO_SUCH_THING",
    }
    assert "hunter2" not in str(raised.value)


def test_a_file_that_is_named_has_to_be_there(monkeypatch, tmp_path):
    monkeypatch.setenv("MAILQUAY_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(SettingsError, match="no file"):
        load_settings()


@pytest.mark.parametrize(
    ("server", "endpoint"),
    [
        ("192.0.2.53", ("192.0.2.53", 53)),
        ("192.0.2.53:5353", ("192.0.2.53", 5353)),
        ("2001:db8::53", ("2001:db8::53", 53)),
        ("[2001:db8::53]:5353", ("2001:db8::53", 5353)),
    ],
)
def test_a_resolver_has_an_address_and_perhaps_a_port(server, endpoint):
    assert DnsSettings(servers=(server,)).endpoints == (endpoint,)


@pytest.mark.parametrize(
    "server", ["dns.example", "192.0.2.53:0", "192.0.2.53:x", "", "[::1]", "::1:"]
)
def test_what_is_no_resolver_is_told_at_the_start(server):
    with pytest.raises(ValueError, match=r"is not an address|no valid port"):
        DnsSettings(servers=(server,))


@pytest.mark.parametrize(
    ("entry", "on_imap", "on_imaps"),
    [
        ("Idle", {"IDLE"}, {"IDLE"}),
        ("imap:sort", {"SORT"}, set()),
        ("imaps:AUTH=LOGIN", set(), {"AUTH=LOGIN"}),
    ],
)
def test_a_capability_is_hidden_on_one_port_or_on_both(entry, on_imap, on_imaps):
    settings = ImapSettings(hidden_capabilities=(entry, "ID"))
    assert settings.hidden_on("imap") == on_imap | {"ID"}
    assert settings.hidden_on("imaps") == on_imaps | {"ID"}


@pytest.mark.parametrize(
    "entry", ["", "imap:", "pop3:IDLE", ":IDLE", "imap4REV1", "imaps:IMAP4rev1"]
)
def test_what_cannot_be_hidden_is_no_setting(entry):
    with pytest.raises(ValidationError):
        ImapSettings(hidden_capabilities=(entry,))
