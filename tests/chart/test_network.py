"""Services lead to ports that are there, and policies let through what each pod needs, no more."""

import pytest

PORTS = {
    "smtp": (25, 2525), "submission": (587, 2587), "submissions": (465, 2465), "lmtp": (24, 2424),
    "imap": (143, 1143), "imaps": (993, 1993), "pop3": (110, 1110), "pop3s": (995, 1995),
    "http": (80, 8080), "metrics": (9090, 9090),
}  # fmt: skip


def selects(selector, labels):
    return selector.items() <= labels.items()


def ports_of(pod):
    return {
        port["name"]: port["containerPort"]
        for container in pod.containers
        for port in container.get("ports", [])
    }


def policies_of(rendering, pod):
    return [
        each
        for each in rendering.of_kind("NetworkPolicy")
        if selects(each["spec"]["podSelector"]["matchLabels"], pod.labels)
    ]


def test_every_selector_selects_pods_of_one_component(rendering):
    for each in rendering.of_kind("Deployment", "StatefulSet", "PodDisruptionBudget"):
        selector = each["spec"]["selector"]["matchLabels"]
        found = {
            pod.labels["app.kubernetes.io/component"]
            for pod in rendering.pods
            if selects(selector, pod.labels)
        }
        assert found == {selector["app.kubernetes.io/component"]}, each["metadata"]["name"]


def test_every_port_of_a_service_leads_to_a_port_of_its_pods(rendering):
    for service in rendering.of_kind("Service"):
        spec = service["spec"]
        pods = [pod for pod in rendering.pods if selects(spec["selector"], pod.labels)]
        served = {name: port for pod in pods for name, port in ports_of(pod).items()}
        assert pods, service["metadata"]["name"]
        for port in spec["ports"]:
            assert port["targetPort"] in served, service["metadata"]["name"]
            if port["name"] in PORTS:
                assert (port["port"], served[port["targetPort"]]) == PORTS[port["name"]]


def test_the_settings_say_the_ports_that_the_containers_have(rendering):
    data = rendering.get("ConfigMap", "mq-mailquay-settings")["data"]
    names = {
        "smtp": "MAILQUAY_SMTP_IN__MX_PORT", "submission": "MAILQUAY_SMTP_IN__SUBMISSION_PORT",
        "submissions": "MAILQUAY_SMTP_IN__SUBMISSIONS_PORT", "lmtp": "MAILQUAY_SMTP_IN__LMTP_PORT",
        "imap": "MAILQUAY_IMAP__PORT", "imaps": "MAILQUAY_IMAP__TLS_PORT",
        "pop3": "MAILQUAY_POP3__PORT", "pop3s": "MAILQUAY_POP3__TLS_PORT",
        "http": "MAILQUAY_WEB__PORT", "metrics": "MAILQUAY_METRICS__PORT",
    }  # fmt: skip
    served = {name: port for pod in rendering.pods for name, port in ports_of(pod).items()}
    for name, variable in names.items():
        if name in served:
            assert data[variable] == str(served[name]) == str(PORTS[name][1])
        elif not name.startswith("pop3"):  # where it does not run, nobody reads its settings
            assert data[variable] == "none"


def test_a_service_without_a_port_is_none(chart):
    over = {"webmailApi": {"ports": {"http": {"enabled": False}}}}
    rendering = chart.render(over)
    assert not rendering.has("Service", "mq-mailquay-webmail-api")
    data = rendering.get("ConfigMap", "mq-mailquay-settings")["data"]
    assert data["MAILQUAY_WEB__PORT"] == "none"
    over = {"imap": {"ports": {"imap": {"enabled": False}}}}
    (port,) = chart.render(over).get("Service", "mq-mailquay-imap")["spec"]["ports"]
    assert port["name"] == "imaps"


def test_metrics_are_on_no_service_that_has_an_address(rendering):
    for service in rendering.of_kind("Service"):
        names = {port["name"] for port in service["spec"]["ports"]}
        if "metrics" in names:
            assert names == {"metrics"}
            assert service["spec"]["clusterIP"] == "None"


def test_the_queue_has_no_service_but_that_of_its_metrics(rendering):
    selector = {"app.kubernetes.io/component": "smtp-out"}
    found = [
        service["metadata"]["name"]
        for service in rendering.of_kind("Service")
        if selects(selector, service["spec"]["selector"])
    ]
    assert found == ["mq-mailquay-smtp-out-metrics"]


def test_every_pod_has_one_policy_that_refuses_the_rest_both_ways(rendering):
    for pod in rendering.pods:
        policies = policies_of(rendering, pod)
        assert len(policies) == 1, pod.name
        assert policies[0]["spec"]["policyTypes"] == ["Ingress", "Egress"], pod.name


def test_policies_let_in_what_is_served_and_nothing_else(rendering):
    for pod in rendering.pods:
        (policy,) = policies_of(rendering, pod)
        rules = policy["spec"].get("ingress", [])
        let_in = {port["port"] for rule in rules for port in rule["ports"]}
        assert let_in == set(ports_of(pod)), pod.name


def test_no_rule_lets_out_to_every_port_of_anywhere(rendering):
    for policy in rendering.of_kind("NetworkPolicy"):
        for rule in policy["spec"]["egress"]:
            assert rule.get("to") or rule.get("ports"), policy["metadata"]["name"]


def egress_ports(rendering, name):
    rules = rendering.get("NetworkPolicy", f"mq-mailquay-{name}")["spec"]["egress"]
    return {port["port"] for rule in rules for port in rule.get("ports", [])}


def test_only_the_queue_may_speak_to_other_people_s_servers(rendering):
    assert {25, 465, 587} <= egress_ports(rendering, "smtp-out")
    for name in ("smtp-in", "imap", "webmail-api", "jobs"):
        assert not {25, 465, 587} & egress_ports(rendering, name)


def test_a_trial_s_state_is_reached_by_its_pods_alone_and_reaches_nobody(chart):
    rendering = chart.render()
    for name in ("trial-postgres", "trial-nats"):
        spec = rendering.get("NetworkPolicy", f"mq-mailquay-{name}")["spec"]
        assert spec["egress"] == []
        (rule,) = spec["ingress"]
        (peer,) = rule["from"]
        assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/instance"] == "mq"
    assert {53, 5432, 4222} == egress_ports(rendering, "imap")
    outside = chart.render(base="external-everything")
    assert {53, 5432, 4222, 443} == egress_ports(outside, "imap")


def test_metrics_are_read_from_prometheus_namespace_alone(chart):
    rules = chart.render().get("NetworkPolicy", "mq-mailquay-imap")["spec"]["ingress"]
    (metrics,) = [rule for rule in rules if rule["ports"][0]["port"] == "metrics"]
    wanted = {"kubernetes.io/metadata.name": "monitoring"}
    assert metrics["from"] == [{"namespaceSelector": {"matchLabels": wanted}}]


def test_peers_of_a_service_s_own_ports_can_be_told(chart):
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}
    over = {"webmailApi": {"networkPolicy": {"from": [peer], "extraEgress": [{"to": [peer]}]}}}
    spec = chart.render(over).get("NetworkPolicy", "mq-mailquay-webmail-api")["spec"]
    assert spec["ingress"][0] == {"from": [peer], "ports": [{"port": "http", "protocol": "TCP"}]}
    assert spec["egress"][-1] == {"to": [peer]}


def test_policies_can_be_left_out(chart):
    assert not chart.render({"networkPolicy": {"enabled": False}}).of_kind("NetworkPolicy")


def test_a_load_balancer_keeps_the_client_s_address(chart):
    rendering = chart.render(base="custom-metric-hpa")
    for name in ("smtp-in", "imap", "pop3"):
        spec = rendering.get("Service", f"mq-mailquay-{name}")["spec"]
        assert (spec["type"], spec["externalTrafficPolicy"]) == ("LoadBalancer", "Local")
        assert spec["loadBalancerClass"] == "example.com/balancer"
        assert spec["ipFamilyPolicy"] == "PreferDualStack"
    smtp = rendering.get("Service", "mq-mailquay-smtp-in")["spec"]
    assert smtp["loadBalancerIP"] == "192.0.2.25"
    web = rendering.get("Service", "mq-mailquay-webmail-api")["spec"]
    assert web["type"] == "ClusterIP"
    assert "externalTrafficPolicy" not in web


def test_or_the_balancer_tells_it_by_the_proxy_protocol(chart):
    rendering = chart.render(base="ingress-proxy-protocol")
    data = rendering.get("ConfigMap", "mq-mailquay-settings")["data"]
    assert data["MAILQUAY_NET__PROXY_PROTOCOL_FROM"] == '["10.0.0.0/8","fd00::/8"]'
    spec = rendering.get("Service", "mq-mailquay-mail")["spec"]
    assert spec["externalTrafficPolicy"] == "Cluster"
    assert spec["loadBalancerSourceRanges"] == ["0.0.0.0/0"]


def test_one_service_for_all_mail_leads_each_port_to_the_pods_that_have_it(chart):
    rendering = chart.render(
        {"pop3": {"enabled": True}, "smtpIn": {"ports": {"lmtp": {"enabled": True}}}},
        base="ingress-proxy-protocol",
    )
    spec = rendering.get("Service", "mq-mailquay-mail")["spec"]
    by_port = {
        port["name"]: {
            pod.labels["app.kubernetes.io/component"]
            for pod in rendering.pods
            if selects(spec["selector"], pod.labels) and port["targetPort"] in ports_of(pod)
        }
        for port in spec["ports"]
    }
    assert by_port == {
        "smtp": {"smtp-in"}, "submission": {"smtp-in"}, "submissions": {"smtp-in"},
        "imap": {"imap"}, "imaps": {"imap"}, "pop3": {"pop3"}, "pop3s": {"pop3"},
    }  # fmt: skip


def test_the_ingress_serves_the_webmail_at_its_host(chart):
    ingress = chart.render(base="ingress-proxy-protocol").get("Ingress", "mq-mailquay-webmail-api")
    spec = ingress["spec"]
    hosts = ["webmail.example.com", "autoconfig.example.com"]
    assert [rule["host"] for rule in spec["rules"]] == hosts
    assert spec["tls"] == [{"hosts": hosts, "secretName": "mq-mailquay-web-tls"}]
    backend = spec["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert backend == {"name": "mq-mailquay-webmail-api", "port": {"name": "http"}}
    assert spec["ingressClassName"] == "nginx"


@pytest.mark.parametrize(
    ("name", "service", "port"),
    [
        ("smtp", "smtp-in", 25), ("submission", "smtp-in", 587), ("submissions", "smtp-in", 465),
        ("imap", "imap", 143), ("imaps", "imap", 993), ("pop3", "pop3", 110), ("pop3s", "pop3", 995),
    ],
)  # fmt: skip
def test_a_gateway_s_listener_of_a_port_s_name_leads_to_that_port(chart, name, service, port):
    route = chart.render(base="external-everything").get("TCPRoute", f"mq-mailquay-{name}")
    assert route["spec"]["parentRefs"] == [
        {"name": "public", "namespace": "gateways", "sectionName": name}
    ]
    backend = {"name": f"mq-mailquay-{service}", "port": port}
    assert route["spec"]["rules"] == [{"backendRefs": [backend]}]


def test_routes_and_the_ingress_lead_to_services_that_are_there(rendering):
    services = {
        (service["metadata"]["name"], port["port"])
        for service in rendering.of_kind("Service")
        for port in service["spec"]["ports"]
    }
    for route in rendering.of_kind("HTTPRoute", "TCPRoute"):
        for rule in route["spec"]["rules"]:
            for backend in rule["backendRefs"]:
                assert (backend["name"], backend["port"]) in services
