"""Jobs run commands that there are, in an order in which each can end."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
import typer
import yaml

from mailquay.cli.app import app

COMMAND = typer.main.get_command(app)


def check(arguments: list[str]) -> None:
    """Have the real command line take them, without running anything."""
    command, name = COMMAND, "mailquay"
    context = click.Context(command, info_name=name)
    while isinstance(command, click.Group):
        name, command, arguments = command.resolve_command(context, arguments)
        assert command is not None, name
        context = click.Context(command, info_name=name, parent=context)
    command.parse_args(context, list(arguments))


def of_tools(rendering):
    for pod in rendering.pods:
        for container in pod.containers:
            if "/tools:" in container["image"]:
                yield pod, container


def hooks(rendering, event):
    """What runs at an event, in its order."""
    found = []
    for each in rendering.manifests:
        annotations = each["metadata"].get("annotations", {})
        if event in annotations.get("helm.sh/hook", "").split(","):
            found.append((int(annotations["helm.sh/hook-weight"]), each["kind"], each))
    return [each for _, _, each in sorted(found, key=lambda entry: entry[0])]


def names(manifests):
    return [(each["kind"], each["metadata"]["name"]) for each in manifests]


def test_every_command_is_one_that_the_image_has(rendering):
    seen = 0
    for _, container in of_tools(rendering):
        if "command" not in container:
            check(container["args"])
            seen += 1
    assert seen >= 3


def test_every_command_in_a_script_is_one_that_the_image_has(rendering):
    seen = 0
    for _, container in of_tools(rendering):
        if container.get("command") == ["/bin/sh", "-euc"]:
            (script,) = container["args"]
            lines = re.findall(r"mailquay ((?:db|domain|account) [^|;<{\n]+)", script)
            for line in lines:
                words = re.sub(r'"[^"]*"', "a@example.com", line).split()
                check(words)
                seen += 1
    assert seen >= 3


def test_the_probe_is_given_options_that_it_has(chart):
    for over in ({}, {"pop3": {"enabled": False}, "webmailApi": {"enabled": False}}):
        script = (
            chart.render(over).pod("Pod", "mq-mailquay-test-probe").container("probe")["args"][0]
        )
        given = set(re.findall(r"(?<![\w-])--[a-z0-9-]+", script)) - {"--password-stdin", "--json"}
        options = {option for each in COMMAND.commands["probe"].params for option in each.opts}
        assert given <= options
        assert {"--smtp", "--submission", "--imap"} < given
        assert ("--no-pop3" in given) == ("--no-jmap" in given) == bool(over)


def test_the_probe_asks_services_that_are_there_at_their_ports(chart):
    rendering = chart.render()
    script = rendering.pod("Pod", "mq-mailquay-test-probe").container("probe")["args"][0]
    asked = set(re.findall(r"(mq-mailquay-[a-z0-9-]+):(\d+)", script))
    served = {
        (service["metadata"]["name"], str(port["port"]))
        for service in rendering.of_kind("Service")
        for port in service["spec"]["ports"]
    }
    assert len(asked) == 5
    assert asked <= served


def test_with_a_database_outside_the_schema_is_expanded_before_anything_else(chart):
    for base in ("minimal", "ingress-proxy-protocol"):
        rendering = chart.render(base=base)
        for event in ("pre-install", "pre-upgrade"):
            found = hooks(rendering, event)
            assert names(found)[-1] == ("Job", "mq-mailquay-migrate")
            assert {each["kind"] for each in found[:-1]} <= {"ConfigMap", "Secret"}
        (container,) = rendering.pod("Job", "mq-mailquay-migrate").containers
        assert container["args"][:4] == ["db", "upgrade", "--phase", "expand"]


def test_what_runs_before_the_release_uses_nothing_of_it(chart):
    for base in ("minimal", "ingress-proxy-protocol", "custom-metric-hpa"):
        rendering = chart.render(base=base)
        own = {
            each["metadata"]["name"]
            for each in rendering.of_kind("Secret", "ConfigMap", "ServiceAccount")
            if "helm.sh/hook" not in each["metadata"].get("annotations", {})
        }
        pod = rendering.pod("Job", "mq-mailquay-migrate")
        text = str(pod.spec)
        assert not {name for name in own if f"'{name}'" in text}
        assert "serviceAccountName" not in pod.spec


def test_with_a_database_of_the_release_itself_the_migration_is_no_hook(chart):
    """As a hook it would wait for what comes after it, and `--wait` for what comes after that."""
    for base in ("default-trial", "cluster", "external-everything"):
        rendering = chart.render(base=base)
        assert hooks(rendering, "pre-install") == []
        assert hooks(rendering, "pre-upgrade") == []
        (job,) = [
            each for each in rendering.of_kind("Job")
            if each["metadata"]["name"].startswith("mq-mailquay-migrate-")
        ]  # fmt: skip
        assert "helm.sh/hook" not in job["metadata"].get("annotations", {})


def test_a_migration_job_of_another_release_has_another_name(chart):
    def name(over):
        found = names(chart.render(over).of_kind("Job"))
        return [each for _, each in found if "-migrate-" in each]

    assert name({}) == name({"imap": {"replicas": 2}})
    assert name({}) != name({"image": {"tag": "9.9"}})
    assert name({}) != name({"tools": {"resources": {"limits": {"memory": "1Gi"}}}})


def test_after_the_release_the_schema_is_contracted_then_accounts_are_made(chart):
    rendering = chart.render(base="external-everything")
    for event in ("post-install", "post-upgrade"):
        assert names(hooks(rendering, event)) == [
            ("Job", "mq-mailquay-contract"), ("Job", "mq-mailquay-admin"),
            ("Job", "mq-mailquay-apply"),
        ]  # fmt: skip
        for job in hooks(rendering, event):
            pod = rendering.pod("Job", job["metadata"]["name"])
            (wait,) = pod.spec["initContainers"]
            assert "mailquay db current" in wait["args"][0]
    contract = rendering.pod("Job", "mq-mailquay-contract").container("contract")
    assert contract["args"][:4] == ["db", "upgrade", "--phase", "contract"]


def test_what_ended_well_goes_and_is_printed_and_what_failed_stays(rendering):
    """`helm uninstall` takes no hook away: what were left would stay."""
    for each in rendering.manifests:
        annotations = each["metadata"].get("annotations", {})
        if "helm.sh/hook" in annotations:
            assert (
                annotations["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"
            )
            assert annotations["helm.sh/hook-output-log-policy"] == "hook-succeeded,hook-failed"
    for job in rendering.of_kind("Job"):
        assert job["spec"]["activeDeadlineSeconds"] > 0


def test_what_is_done_from_time_to_time_is_done_once_at_a_time(rendering):
    crons = rendering.of_kind("CronJob")
    assert {f"mq-mailquay-{name}" for name in ("collect", "trim", "report")} <= {
        c["metadata"]["name"] for c in crons
    }
    for cron in crons:
        assert cron["spec"]["concurrencyPolicy"] == "Forbid"


def test_a_schedule_can_be_changed_left_out_and_added(chart):
    report = {
        "enabled": True, "schedule": "@daily", "timeZone": "Europe/Berlin", "suspend": True,
        "command": ["queue", "list"], "args": ["--json"], "timeoutSeconds": 60,
    }  # fmt: skip
    over = {"schedules": {"collect": {"enabled": False}, "queue": report}}
    rendering = chart.render(over)
    assert not rendering.has("CronJob", "mq-mailquay-collect")
    spec = rendering.get("CronJob", "mq-mailquay-queue")["spec"]
    assert (spec["schedule"], spec["timeZone"], spec["suspend"]) == (
        "@daily",
        "Europe/Berlin",
        True,
    )
    container = rendering.pod("CronJob", "mq-mailquay-queue").container("queue")
    assert container["args"] == ["queue", "list", "--json"]


def test_settings_as_code_are_applied_from_a_secret(chart):
    rendering = chart.render(base="external-everything")
    secret = rendering.secret("mq-mailquay-config")
    assert yaml.safe_load(secret["mailquay.yaml"]) == {"domains": [{"name": "example.com"}]}
    container = rendering.pod("Job", "mq-mailquay-apply").container("apply")
    assert container["args"] == ["apply", "-f", "/config/mailquay.yaml", "--prune"]
    assert {"name": "config", "mountPath": "/config", "readOnly": True} in container["volumeMounts"]


def test_or_from_one_that_somebody_else_made(chart):
    rendering = chart.render(base="custom-metric-hpa")
    assert not rendering.has("Secret", "mq-mailquay-config")
    pod = rendering.pod("Job", "mq-mailquay-apply")
    (volume,) = [each for each in pod.spec["volumes"] if each["name"] == "config"]
    assert volume["secret"]["secretName"] == "mailquay-config"


def test_nothing_is_applied_when_nothing_is_given(chart):
    assert not chart.render().has("Job", "mq-mailquay-apply")
    off = {
        "admin": {"enabled": False},
        "migrations": {"enabled": False},
        "tests": {"enabled": False},
    }
    assert chart.render(off).of_kind("Job", "Pod") == []


def run_script(script: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a container's script as it is, with this `mailquay` as the image's."""
    bin_folder = str(Path(sys.executable).parent)
    return subprocess.run(
        ["/bin/sh", "-euc", script],
        env={"PATH": f"{bin_folder}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", **variables},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("address", ["root@example.com", "root@other.example"])
async def test_the_administrator_is_made_once_and_then_left_alone(
    chart, store, postgres_url, address
):
    over = {"domain": "example.com", "admin": {"address": address}}
    container = chart.render(over).pod("Job", "mq-mailquay-admin").container("admin")
    values = {each["name"]: each["value"] for each in container["env"] if "value" in each}
    variables = {
        "MAILQUAY_DATABASE__URL": postgres_url,
        "ADMIN_PASSWORD": "first-password-of-all",
        **{name: values[name] for name in ("DOMAIN", "ADMIN_ADDRESS")},
    }
    for _ in range(2):
        done = run_script(container["args"][0], variables)
        assert done.returncode == 0, done.stderr
    account = await store.accounts.by_address(address)
    assert account.role == "admin"
    domains = {domain.name for domain in await store.accounts.list_domains()}
    assert domains == {"example.com", address.partition("@")[2]}


async def test_the_probe_s_account_is_there_with_the_secret_s_password(
    chart, store, postgres_url, tmp_path
):
    container = chart.render().pod("Pod", "mq-mailquay-test-probe").container("probe")
    (script,) = container["args"]
    making = script.partition("set --")[0].replace("/tmp/password", str(tmp_path / "password"))
    address = "mailquay-probe@mailquay.test"
    variables = {"MAILQUAY_DATABASE__URL": postgres_url, "PROBE_ADDRESS": address}
    versions = []
    for password in ("first-password-of-all", "another-password-now"):
        done = run_script(making, {**variables, "PROBE_PASSWORD": password})
        assert done.returncode == 0, done.stderr
        versions.append((await store.accounts.by_address(address)).credential_version)
    assert versions[0] < versions[1]


def test_the_administrator_s_job_fails_when_it_could_not_be_done(chart):
    container = chart.render().pod("Job", "mq-mailquay-admin").container("admin")
    nowhere = "postgresql://mailquay@127.0.0.1:1/mailquay"
    variables = {
        "MAILQUAY_DATABASE__URL": nowhere, "ADMIN_PASSWORD": "first-password-of-all",
        "DOMAIN": "example.com", "ADMIN_ADDRESS": "admin@example.com",
    }  # fmt: skip
    assert run_script(container["args"][0], variables).returncode != 0


def test_a_job_that_waits_for_the_schema_goes_on_once_it_fits(chart, store, postgres_url):
    pod = chart.render().pod("Job", "mq-mailquay-admin")
    script = pod.container("schema")["args"][0]
    assert run_script(script, {"MAILQUAY_DATABASE__URL": postgres_url}).returncode == 0
