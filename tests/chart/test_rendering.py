"""Helm takes the chart, and Kubernetes takes what it makes."""

import re
import tomllib
from typing import Any

import helm_python
import kubernetes_validate
import pytest
from kubernetes_validate.utils import all_versions

#: Kinds that operators add: what each must have at least to be one. Kubernetes' own schemas do not
#: know them; nor do we have theirs here.
FOREIGN = {
    "Certificate": ("cert-manager.io/v1", ("secretName", "issuerRef.name", "dnsNames")),
    "Cluster": (
        "postgresql.cnpg.io/v1",
        ("instances", "storage.size", "bootstrap.initdb.database", "bootstrap.initdb.owner"),
    ),
    "Pooler": (
        "postgresql.cnpg.io/v1",
        ("cluster.name", "instances", "type", "pgbouncer.poolMode", "pgbouncer.parameters"),
    ),
    "ScaledObject": ("keda.sh/v1alpha1", ("scaleTargetRef.name", "triggers")),
    "PodMonitor": (
        "monitoring.coreos.com/v1",
        ("selector.matchLabels", "podMetricsEndpoints"),
    ),
    "ServiceMonitor": ("monitoring.coreos.com/v1", ("selector.matchLabels", "endpoints")),
    "PrometheusRule": ("monitoring.coreos.com/v1", ("groups",)),
    "HTTPRoute": ("gateway.networking.k8s.io/v1", ("parentRefs", "hostnames", "rules")),
    "TCPRoute": ("gateway.networking.k8s.io/v1alpha2", ("parentRefs", "rules")),
}
OLDEST = (1, 29)
VERSIONS = [
    version for version in all_versions() if tuple(map(int, version.split(".")[:2])) >= OLDEST
]


def at(tree: Any, path: str) -> Any:
    for name in path.split("."):
        tree = tree[name]
    return tree


def test_there_are_schemas_from_the_oldest_release_that_is_supported_on():
    assert VERSIONS[0].startswith("1.29")
    assert len(VERSIONS) >= 6


def test_lint_finds_nothing(chart):
    for name in chart.value_sets:
        report = helm_python.lint(chart.folder, chart.values_of(name), strict=True)
        assert report["errors"] == []
        assert [m for m in report["messages"] if m["severity"] > 1] == [], name


def test_the_chart_is_of_the_services_version(chart):
    project = tomllib.loads((chart.folder.parents[1] / "shared" / "pyproject.toml").read_text())
    with helm_python.Chart.load(chart.folder) as loaded:
        assert loaded.metadata["appVersion"] == project["project"]["version"]


def test_the_chart_says_from_which_kubernetes_on_it_runs(chart):
    with helm_python.Chart.load(chart.folder) as loaded:
        assert loaded.metadata["kubeVersion"] == ">=1.29.0-0"
        assert loaded.schema


@pytest.mark.parametrize("version", [VERSIONS[0], "1.34", VERSIONS[-1]])
def test_kubernetes_knows_every_field(rendering, version):
    for manifest in rendering.manifests:
        if manifest["kind"] not in FOREIGN:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_what_operators_take_has_what_they_need(rendering):
    for manifest in rendering.of_kind(*FOREIGN):
        api, needed = FOREIGN[manifest["kind"]]
        assert manifest["apiVersion"] == api
        for path in needed:
            assert at(manifest["spec"], path), f"{manifest['kind']}: {path}"


def test_every_foreign_kind_is_in_a_value_set(chart):
    kinds = {
        each["kind"] for name in chart.value_sets for each in chart.render(base=name).manifests
    }
    assert set(FOREIGN) - {"PrometheusRule"} <= kinds


def test_names_are_unique_and_within_what_the_dns_takes(rendering):
    names = [(each["kind"], each["metadata"]["name"]) for each in rendering.manifests]
    assert len(names) == len(set(names))
    for _, name in names:
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name)


@pytest.mark.parametrize("release", ["r" * 53, "a-release-of-a-name-that-is-really-rather-long"])
def test_the_longest_release_has_names_within_63_characters(chart, release):
    with helm_python.Chart.load(chart.folder) as loaded:
        values = chart.values_of("external-everything")
        files = loaded.render(values, name=release, namespace="mail")
        files |= loaded.render({}, name=release, namespace="mail")
    names = re.findall(r"^  name: (\S+)$", "\n".join(files.values()), re.M)
    assert names
    # A CronJob's pods append 11 characters, and a Job's 6.
    assert max(map(len, names)) <= 63
    crons = [n for n in names if n.endswith("-collect")]
    assert crons
    assert max(map(len, crons)) <= 52


def test_everything_is_in_the_release_s_namespace(chart):
    for name in chart.value_sets:
        for each in chart.render(base=name, namespace="elsewhere").manifests:
            assert each["metadata"]["namespace"] == "elsewhere", each["kind"]


def test_everything_says_what_it_is_part_of(rendering):
    for each in rendering.manifests:
        labels = each["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == "mailquay"
        assert labels["app.kubernetes.io/instance"] == "mq"
        assert labels["app.kubernetes.io/component"]
        assert labels["app.kubernetes.io/version"]
        assert labels["app.kubernetes.io/managed-by"] == "Helm"


def test_common_labels_and_annotations_are_on_everything(chart):
    rendering = chart.render(base="external-everything")
    for each in rendering.manifests:
        assert each["metadata"]["labels"]["team"] == "mail", each["kind"]
        assert each["metadata"]["annotations"]["example.com/owner"] == "mail", each["kind"]
    for pod in rendering.pods:
        assert pod.labels["team"] == "mail"


def test_rendering_twice_without_a_secret_to_make_up_is_the_same(chart):
    for base in ("minimal",):
        with helm_python.Chart.load(chart.folder) as loaded:
            values = chart.values_of(base)
            first = loaded.render(values, name="mq", namespace="mail")
            assert first == loaded.render(values, name="mq", namespace="mail")


def test_the_notes_tell_what_dns_needs_and_how_to_sign_in(chart):
    notes = chart.render(base="minimal").notes
    for record in (
        "example.com.  MX    10 mail.example.com.",
        "v=spf1",
        "PTR   mail.example.com.",
        "_submissions._tcp.example.com.  SRV   0 1 465 mail.example.com.",
        "_imaps._tcp.example.com.  SRV   0 1 993 mail.example.com.",
        "_pop3s._tcp.example.com.  SRV   10 1 995 mail.example.com.",
        "_jmap._tcp.example.com.  SRV   0 1 443 mail.example.com.",
    ):
        assert record in notes
    assert "admin@example.com" in notes
    assert "Secret mailquay-passwords" in notes
    assert "TRIAL" not in notes
    assert "port-forward" in notes


def test_the_notes_of_a_trial_say_that_it_is_one_and_what_stays(chart):
    notes = chart.render().notes
    assert "FOR A TRIAL ONLY" in notes
    assert "self-signed" in notes
    for kept in ("mq-mailquay-secrets", "mq-mailquay-tls", "mq-mailquay-trial-blobs"):
        assert kept in notes.partition("`helm uninstall` leaves")[2]


def test_the_notes_tell_of_no_more_trial_than_there_is(chart):
    notes = chart.render({"database": {"existingSecret": "database"}}).notes
    assert "trial-blobs" in notes
    assert "trial-postgres" not in notes


def test_what_the_notes_say_that_stays_is_what_is_annotated_so(rendering):
    told = rendering.notes.partition("`helm uninstall` leaves")[2]
    for each in rendering.manifests:
        policy = each["metadata"].get("annotations", {}).get("helm.sh/resource-policy")
        assert (policy == "keep") == (each["metadata"]["name"] in re.findall(r"[\w-]+", told))
    for each in rendering.of_kind("StatefulSet"):
        assert f"data-{each['metadata']['name']}-0" in told
