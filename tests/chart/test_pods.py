"""What holds for every pod, whatever the values are."""

import math

import pytest

SERVICES = ("smtp-in", "smtp-out", "imap", "pop3", "webmail-api")


def test_no_pod_is_root_or_gains_anything(rendering):
    for pod in rendering.pods:
        context = pod.spec["securityContext"]
        assert context["runAsNonRoot"] is True, pod.name
        assert context["runAsUser"] == context["runAsGroup"] == context["fsGroup"] == 65532
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, pod.name
        for container in pod.containers:
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False, pod.name
            assert own["readOnlyRootFilesystem"] is True, pod.name
            assert own["capabilities"] == {"drop": ["ALL"]}, pod.name
            assert own["privileged"] is False, pod.name


def test_no_pod_talks_to_kubernetes_or_shares_the_node(rendering):
    for pod in rendering.pods:
        assert pod.spec["automountServiceAccountToken"] is False, pod.name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod.spec), pod.name
        kinds = {key for volume in pod.spec["volumes"] for key in volume} - {"name"}
        assert kinds <= {"emptyDir", "secret", "configMap", "persistentVolumeClaim"}, pod.name
    for account in rendering.of_kind("ServiceAccount"):
        assert account["automountServiceAccountToken"] is False
    assert not rendering.of_kind("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")


def test_every_container_has_resources_and_a_limit_of_memory(rendering):
    for pod in rendering.pods:
        for container in pod.containers:
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}, pod.name
            assert "memory" in container["resources"]["limits"], pod.name
            assert "cpu" not in container["resources"]["limits"], pod.name


def test_every_mount_has_its_volume_and_every_volume_is_mounted(rendering):
    for pod in rendering.pods:
        volumes = [volume["name"] for volume in pod.spec["volumes"]]
        if pod.owner["kind"] == "StatefulSet":
            claims = pod.owner["spec"]["volumeClaimTemplates"]
            volumes += [claim["metadata"]["name"] for claim in claims]
        mounts = [mount for each in pod.containers for mount in each["volumeMounts"]]
        assert {mount["name"] for mount in mounts} == set(volumes), pod.name
        assert len(volumes) == len(set(volumes)), pod.name
        # The kubelet brings what changes in a Secret to whole folders alone.
        assert not any("subPath" in mount for mount in mounts), pod.name


def test_tmp_alone_can_be_written_to_besides_what_holds_state(rendering):
    for pod in rendering.pods:
        for container in pod.containers:
            writable = {
                mount["mountPath"]
                for mount in container["volumeMounts"]
                if not mount.get("readOnly")
            }
            assert "/tmp" in writable, pod.name
            assert writable <= {"/tmp", "/var/lib/mailquay", "/var/lib/mailquay/blobs"}, pod.name


def test_what_serves_has_its_probes_and_jobs_have_none(rendering):
    probes = {"startupProbe", "livenessProbe", "readinessProbe"}
    for pod in rendering.pods:
        serves = pod.owner["kind"] in ("Deployment", "StatefulSet")
        for container in pod.containers:
            assert probes & set(container) == (probes if serves else set()), pod.name


def test_services_are_asked_for_their_health_on_the_metrics_port(rendering):
    for deployment in rendering.of_kind("Deployment"):
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        paths = {
            probe: (container[probe]["httpGet"]["path"], container[probe]["httpGet"]["port"])
            for probe in ("startupProbe", "livenessProbe", "readinessProbe")
        }
        assert paths == {
            "startupProbe": ("/healthz", "metrics"),
            "livenessProbe": ("/healthz", "metrics"),
            "readinessProbe": ("/readyz", "metrics"),
        }
        # `/readyz` asks for five seconds at most.
        assert container["readinessProbe"]["timeoutSeconds"] > 5


def test_a_rollout_takes_no_pod_before_another_is_ready(rendering):
    for deployment in rendering.of_kind("Deployment"):
        assert deployment["spec"]["strategy"] == {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
        }


def drain_seconds(chart, base, key):
    values = chart.values_of(base)
    everyones = values.get("settings", {}).get("net", {}).get("drain_seconds", 20)
    own = values.get(key, {}).get("settings", {}).get("net", {})
    return own.get("drain_seconds", everyones)


@pytest.mark.parametrize("base", ["default-trial", "external-everything", "cluster"])
@pytest.mark.parametrize(("key", "name"), [("imap", "imap"), ("smtpIn", "smtp-in")])
def test_the_grace_period_has_room_for_the_wait_the_drain_and_the_end(chart, base, key, name):
    spec = chart.render(base=base).pod("Deployment", f"mq-mailquay-{name}").spec
    wait = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = drain_seconds(chart, base, key)
    assert spec["terminationGracePeriodSeconds"] == wait + drain + 10


def test_a_fraction_of_a_second_of_drain_is_granted_whole(chart):
    spec = chart.render({"settings": {"net": {"drain_seconds": 12.5}}}).pod(
        "Deployment", "mq-mailquay-imap"
    )
    assert spec.spec["terminationGracePeriodSeconds"] == 5 + math.ceil(12.5) + 10


def test_a_kubernetes_without_the_sleep_action_runs_sleep(chart):
    for version, action in (("1.29.9", "exec"), ("1.30.0", "sleep"), ("1.34.4", "sleep")):
        pod = chart.render({"kubeVersion": version}).pod("Deployment", "mq-mailquay-imap")
        pre_stop = pod.container("imap")["lifecycle"]["preStop"]
        assert list(pre_stop) == [action]
    assert chart.render({"kubeVersion": "1.29.9"}).pod("Deployment", "mq-mailquay-pop3").container(
        "pop3"
    )["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", "5"]


def test_what_is_changed_in_the_settings_rolls_the_pods(chart):
    def checksum(over):
        pod = chart.render(over).get("Deployment", "mq-mailquay-imap")
        return pod["spec"]["template"]["metadata"]["annotations"]["checksum/settings"]

    assert checksum({}) == checksum({"imap": {"replicas": 3}})
    assert checksum({}) != checksum({"settings": {"imap": {"max_keywords": 300}}})


@pytest.mark.parametrize("service", SERVICES)
def test_what_every_pod_may_be_given_more_is_given(chart, service):
    more = {
        "priorityClassName": "mail",
        "extraEnv": [{"name": "A", "value": "b"}],
        "extraEnvFrom": [{"configMapRef": {"name": "more"}}],
        "extraVolumes": [{"name": "more", "configMap": {"name": "more"}}],
        "extraVolumeMounts": [{"name": "more", "mountPath": "/more", "readOnly": True}],
        "extraContainers": [{"name": "beside", "image": "beside:1"}],
        "labels": {"a": "deployment"},
        "annotations": {"b": "deployment"},
        "podLabels": {"c": "pod"},
        "podAnnotations": {"d": "pod"},
        "nodeSelector": {"pool": "mail"},
        "tolerations": [{"key": "mail", "operator": "Exists"}],
        "affinity": {"podAntiAffinity": {}},
    }
    deployment = chart.render({"defaults": more}).get("Deployment", f"mq-mailquay-{service}")
    template = deployment["spec"]["template"]
    spec, container = template["spec"], template["spec"]["containers"][0]
    assert deployment["metadata"]["labels"]["a"] == "deployment"
    assert deployment["metadata"]["annotations"]["b"] == "deployment"
    assert template["metadata"]["labels"]["c"] == "pod"
    assert template["metadata"]["annotations"]["d"] == "pod"
    for name in ("priorityClassName", "nodeSelector", "tolerations", "affinity"):
        assert spec[name] == more[name]
    assert more["extraVolumes"][0] in spec["volumes"]
    assert more["extraContainers"][0] in spec["containers"]
    assert more["extraEnv"][0] in container["env"]
    assert more["extraEnvFrom"][0] in container["envFrom"]
    assert more["extraVolumeMounts"][0] in container["volumeMounts"]


def test_pods_are_spread_over_nodes_and_rather_over_zones(chart):
    """By a zone's label a constraint would leave all nodes out that have none."""
    for deployment in chart.render(base="external-everything").of_kind("Deployment"):
        spec, selector = deployment["spec"]["template"]["spec"], deployment["spec"]["selector"]
        (spread,) = spec["topologySpreadConstraints"]
        assert spread["topologyKey"] == "kubernetes.io/hostname"
        assert spread["labelSelector"] == selector
        preferred = spec["affinity"]["podAntiAffinity"]
        (term,) = preferred["preferredDuringSchedulingIgnoredDuringExecution"]
        assert term["podAffinityTerm"] == {
            "topologyKey": "topology.kubernetes.io/zone",
            "labelSelector": selector,
        }


def test_a_volume_that_one_node_can_mount_holds_on_that_node_who_mounts_it(chart):
    trial = chart.render()
    for pod in trial.pods:
        mounts = any("persistentVolumeClaim" in volume for volume in pod.spec["volumes"])
        affinity = pod.spec.get("affinity", {}).get("podAffinity", {})
        terms = affinity.get("requiredDuringSchedulingIgnoredDuringExecution", [])
        assert len(terms) == mounts, pod.name
        assert ("mailquay/volume" in pod.labels) == mounts, pod.name
        for term in terms:
            wanted = term["labelSelector"]["matchLabels"]
            assert wanted.items() <= pod.labels.items(), "the first one has only itself"
    shared = chart.render({"trial": {"blobs": {"accessModes": ["ReadWriteMany"]}}})
    assert not any("podAffinity" in pod.spec.get("affinity", {}) for pod in shared.pods)


def test_images_are_by_registry_tag_and_digest(chart):
    digest = "sha256:" + "a" * 64
    over = {
        "image": {"registry": "registry.example.com", "tag": "7.0", "pullPolicy": "Always"},
        "imagePullSecrets": [{"name": "registry"}],
        "imap": {"image": {"repository": "own/imap", "digest": digest, "pullPolicy": "Never"}},
        "pop3": {"image": {"registry": "other.example.com", "tag": "7.1"}},
    }
    rendering = chart.render(over)

    def image(service):
        container = rendering.pod("Deployment", f"mq-mailquay-{service}").container(service)
        return container["image"], container["imagePullPolicy"]

    assert image("smtp-in") == ("registry.example.com/mailquay/smtp-in:7.0", "Always")
    assert image("imap") == (f"registry.example.com/own/imap@{digest}", "Never")
    assert image("pop3") == ("other.example.com/mailquay/pop3:7.1", "Always")
    for pod in rendering.pods:
        assert pod.spec["imagePullSecrets"] == [{"name": "registry"}], pod.name
