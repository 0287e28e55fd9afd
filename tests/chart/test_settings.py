"""The services take the environment that the chart gives them: every name and every value."""

import os
import re

import pytest
from tools.chart_reference import OWN_SETTINGS, settings_schema

from mailquay.runtime.settings import Settings, load_settings

#: Where a secret is: what its value may look like.
SECRETS = {
    "MAILQUAY_DATABASE__URL": "postgresql://mailquay:x@postgres:5432/mailquay",
    "MAILQUAY_NATS__URL": "nats://mailquay:x@nats:4222",
    "MAILQUAY_SMTP_OUT__SMARTHOST_PASSWORD": "x",
}
KNOWN = {
    f"MAILQUAY_{group}__{name}".upper()
    for group, field in Settings.model_fields.items()
    if hasattr(field.annotation, "model_fields")
    for name in field.annotation.model_fields
} | {"MAILQUAY_HOSTNAME"}


def environment(rendering, container):
    """What a container of ours sees, with secrets made up."""
    found = {}
    for each in container.get("envFrom", []):
        if "configMapRef" in each:
            found |= rendering.get("ConfigMap", each["configMapRef"]["name"])["data"]
    for variable in container["env"]:
        found[variable["name"]] = variable.get("value", SECRETS.get(variable["name"], "secret"))
    return found


def containers(rendering):
    for pod in rendering.pods:
        for container in pod.containers:
            if not container["image"].endswith("trial:0.1.0"):
                yield pod, container


def test_every_setting_that_is_given_is_one(rendering):
    for pod, container in containers(rendering):
        names = {n for n in environment(rendering, container) if n.startswith("MAILQUAY_")}
        assert names - KNOWN == set(), pod.name


def test_the_services_start_with_what_they_are_given(rendering, monkeypatch):
    for _, container in containers(rendering):
        for name in [name for name in os.environ if name.startswith("MAILQUAY_")]:
            monkeypatch.delenv(name)
        given = environment(rendering, container)
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        settings = load_settings()
        assert settings.net.bind == "0.0.0.0"
        assert settings.hostname == given["MAILQUAY_HOSTNAME"]
        assert settings.metrics.port == 9090
        assert settings.tls.certificate_file is not None


def test_no_variable_is_given_twice(rendering):
    for pod, container in containers(rendering):
        names = [variable["name"] for variable in container["env"]]
        assert len(names) == len(set(names)), pod.name


def test_settings_of_any_kind_reach_the_services_as_they_are(chart, monkeypatch):
    over = {
        "settings": {
            "blobs": {"large_message_bytes": 104857600, "compression_level": 0},
            "dns": {"servers": ["192.0.2.53", "[2001:db8::53]:5353"], "timeout_seconds": 2.5},
            "smtp_out": {"delay_notice_seconds": None, "retry_steps_seconds": [60, 3600]},
            "web": {"secure_cookies": False},
            "imap": {"allow_plaintext_auth": True},
            "net": {"bind": "::"},
        },
        "imap": {"settings": {"net": {"max_connections": 123456}}},
    }
    rendering = chart.render(over)
    container = rendering.pod("Deployment", "mq-mailquay-imap").container("imap")
    for name, value in environment(rendering, container).items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.blobs.large_message_bytes == 104857600
    assert settings.blobs.compression_level == 0
    assert settings.dns.servers == ("192.0.2.53", "[2001:db8::53]:5353")
    assert settings.dns.timeout_seconds == 2.5
    assert settings.smtp_out.delay_notice_seconds is None
    assert settings.smtp_out.retry_steps_seconds == (60, 3600)
    assert settings.web.secure_cookies is False
    assert settings.imap.allow_plaintext_auth is True
    assert settings.net.bind == "::"
    assert settings.net.max_connections == 123456


def test_a_service_s_own_settings_are_its_own(chart):
    rendering = chart.render({"imap": {"settings": {"net": {"max_connections": 5}}}})
    name = "MAILQUAY_NET__MAX_CONNECTIONS"
    for service in ("smtp-in", "imap"):
        container = rendering.pod("Deployment", f"mq-mailquay-{service}").container(service)
        assert (name in environment(rendering, container)) == (service == "imap")


def test_the_migration_before_an_upgrade_runs_with_the_new_settings(chart):
    rendering = chart.render(base="ingress-proxy-protocol")
    copies = [("ConfigMap", "settings"), ("Secret", "urls")]
    for kind, name in copies:
        own = rendering.get(kind, f"mq-mailquay-{name}")
        copy = rendering.get(kind, f"mq-mailquay-{name}-hook")
        assert own["data"] == copy["data"]


def test_each_setting_is_the_chart_s_own_or_can_be_given(chart):
    """What the chart does not set by itself is taken below `settings`, by the tree's own schema."""
    schema = settings_schema()["properties"]
    given = {(group, name) for group, part in schema.items() for name in part["properties"]}
    assert not given & OWN_SETTINGS
    names = {f"MAILQUAY_{group}__{name}".upper() for group, name in given | OWN_SETTINGS}
    assert names == KNOWN - {"MAILQUAY_HOSTNAME"}


def test_what_the_chart_sets_by_itself_cannot_be_contradicted(chart):
    for group, name in OWN_SETTINGS:
        refusal = chart.refusal({"settings": {group: {name: 1}}})
        assert re.search(rf"additional properties '{name}'|'{group}' not allowed", refusal)


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"settings": {"imap": {"idle_timeout_seconds": 0}}}, "minimum"),
        ({"settings": {"imap": {"idle_timeout": 1800}}}, "'idle_timeout' not allowed"),
        ({"settings": {"imapd": {}}}, "'imapd' not allowed"),
        ({"settings": {"log": {"level": "loud"}}}, "must be one of 'debug', 'info'"),
        ({"imap": {"settings": {"net": {"drain_seconds": -1}}}}, "minimum"),
    ],
)
def test_a_setting_that_the_services_would_refuse_is_refused_by_the_chart(chart, over, said):
    assert said in chart.refusal(over)
