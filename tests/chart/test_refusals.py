"""Values that are wrong are refused, with a sentence that says what to do."""

import json

import pytest

PRODUCTION = "minimal"


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"imap": {"replica": 2}}, "at '/imap': additional properties 'replica' not allowed"),
        ({"repliccas": 2}, "additional properties 'repliccas' not allowed"),
        ({"imap": {"replicas": -1}}, "at '/imap/replicas'"),
        ({"imap": {"replicas": "two"}}, "at '/imap/replicas': got string, want integer"),
        ({"image": {"pullPolicy": "Sometimes"}}, "at '/image/pullPolicy'"),
        ({"imap": {"image": {"digest": "latest"}}}, "at '/imap/image/digest'"),
        ({"imap": {"service": {"type": "ExternalName"}}}, "at '/imap/service/type'"),
        ({"imap": {"ports": {"imap": {"port": 99999}}}}, "at '/imap/ports/imap/port'"),
        ({"imap": {"ports": {"smtp": {"enabled": True}}}}, "'smtp' not allowed"),
        ({"imap": {"autoscaling": {"by": "hand"}}}, "at '/imap/autoscaling/by'"),
        ({"trial": {"blobs": {"accessModes": []}}}, "at '/trial/blobs/accessModes'"),
        ({"trial": {"postgres": {"size": "lots"}}}, "at '/trial/postgres/size'"),
        ({"schedules": {"collect": {"schedule": "daily"}}}, "at '/schedules/collect/schedule'"),
        ({"fullnameOverride": "m" * 41}, "at '/fullnameOverride'"),
        ({"defaults": {"drainMarginSeconds": 2}}, "at '/defaults/drainMarginSeconds'"),
    ],
)
def test_what_is_no_value_is_refused_where_it_stands(chart, over, said):
    assert said in chart.refusal(over)


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"hostname": "mail"}, 'hostname: "mail" is not a whole name in the DNS'),
        ({"hostname": "https://mail.example.com"}, "such as mail.example.com"),
        ({"hostname": ""}, "say what this server is called"),
        ({"domain": "Example.com"}, "in small letters"),
        ({"web": {"host": "webmail"}}, "web.host: "),
        ({"admin": {"address": "admin"}}, 'admin.address: "admin" is not an address'),
        ({"tests": {"address": "a@b@c"}}, "tests.address: "),
        ({"database": {"url": "mysql://me:hidden@db"}}, "database.url is not postgresql://"),
        ({"database": {"direct": {"url": "db:5432"}}}, "database.direct.url is not postgresql://"),
        ({"nats": {"url": "nats:4222"}}, 'nats.url: "nats:4222" is not nats://host:4222'),
        ({"blobs": {"url": "/var/mail"}}, 'blobs.url: "/var/mail" is not object storage: s3://'),
        ({"proxyProtocol": {"from": ["10.0.0.1"]}}, "of one address, 192.0.2.1/32"),
        ({"web": {"trustedProxies": ["proxy"]}}, 'web.trustedProxies: "proxy" is not a network'),
        ({"web": {"publicUrl": "https://example.com/mail"}}, "without a path"),
        (
            {"keda": {"prometheusAddress": "prometheus"}},
            "such as http://prometheus.monitoring:9090",
        ),
    ],
)
def test_text_of_another_form_is_refused_with_what_is_wanted(chart, over, said):
    refusal = chart.refusal(over)
    assert said in refusal
    assert "hidden" not in refusal, "a password"


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"database": {"existingSecret": ""}}, "database.existingSecret (or database.url)"),
        ({"database": {"existingSecret": ""}}, "database.cloudnativepg.enabled"),
        ({"database": {"url": "postgresql://db/m"}}, "give one of them"),
        ({"database": {"cloudnativepg": {"enabled": True}}}, "names another: give one of them"),
        ({"blobs": {"url": ""}}, "set blobs.url, such as s3://bucket/prefix"),
        ({"blobs": {"url": "memory://x"}}, "lost with its pod"),
        ({"blobs": {"url": "file:///mail"}}, "no storage that pods share"),
        ({"nats": {"url": "nats://n", "existingSecret": "n"}}, "give one of them"),
        ({"nats": {"url": "nats://me:secret@n:4222"}}, "name it by nats.existingSecret"),
        ({"blobs": {"environment": {"AWS_SECRET_ACCESS_KEY": "x"}}}, "blobs.existingSecret"),
        ({"blobs": {"environment": {"AZURE_STORAGE_ACCOUNT_KEY": "x"}}}, "blobs.existingSecret"),
        ({"tls": {"existingSecret": ""}}, "tls.certManager"),
        ({"tls": {"certManager": {"enabled": True}}}, "both give a certificate"),
        (
            {"tls": {"existingSecret": "", "certManager": {"enabled": True}}},
            "tls.certManager.issuerRef.name",
        ),
        ({"mailService": {"enabled": True, "externalTrafficPolicy": "Local"}}, "proxyProtocol.from"),
        (
            {"smtpIn": {"ports": {"lmtp": {"enabled": True}}, "service": {"type": "LoadBalancer"}}},
            "nobody signs in there",
        ),
        ({"gateway": {"httpRoute": {"enabled": True}}}, "gateway.httpRoute.parentRefs"),
        ({"gateway": {"tcpRoutes": {"enabled": True}}}, "gateway.tcpRoutes.parentRefs"),
        (
            {"metrics": {"podMonitor": {"enabled": True}, "serviceMonitor": {"enabled": True}}},
            "scrape everything twice",
        ),
        (
            {"imap": {"autoscaling": {"enabled": True, "minReplicas": 5, "maxReplicas": 3}}},
            "minReplicas is 5, which is more than maxReplicas, 3",
        ),
        (
            {"imap": {"autoscaling": {"enabled": True, "targets": {"cpuPercent": 0}}}},
            "there is nothing to scale by",
        ),
        (
            {"imap": {"autoscaling": {"enabled": True, "targets": {"cpuPercent": None}}}},
            "there is nothing to scale by",
        ),
        (
            {"imap": {"autoscaling": {"enabled": True, "targets": {"queueLateSeconds": 5}}}},
            "only smtpOut has a queue",
        ),
        (
            {
                "smtpOut": {
                    "autoscaling": {
                        "enabled": True, "by": "keda", "targets": {"queueLateSeconds": 5}
                    }
                }
            },
            "keda.prometheusAddress",
        ),
        (
            {"pop3": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}},
            "no pod can ever be replaced",
        ),
    ],
)  # fmt: skip
def test_values_that_contradict_each_other_are_refused_with_what_to_do(chart, over, said):
    assert said in chart.refusal(over, base=PRODUCTION)


def test_production_as_it_should_be_is_taken(chart):
    assert chart.render(base=PRODUCTION).of_kind("StatefulSet") == []


def closed(schema, where=""):
    """Paths of objects in a schema that would take anything."""
    if isinstance(schema, list):
        for number, each in enumerate(schema):
            yield from closed(each, f"{where}/{number}")
    elif isinstance(schema, dict):
        if schema.get("type") == "object" and "additionalProperties" not in schema:
            yield where
        for key, each in schema.items():
            yield from closed(each, f"{where}/{key}")


def test_the_schema_is_closed_but_where_kubernetes_own_types_stand(chart):
    schema = json.loads((chart.folder / "values.schema.json").read_text())
    open_places = {path.removesuffix("/items") for path in closed(schema)}
    names = {path.rpartition("/")[2] for path in open_places}
    assert names <= {
        "global",  # Helm's own, for subcharts
        "config",  # `mailquay apply` knows it
        "objects",  # lists of Kubernetes' own types
        "affinity", "behavior",
        # CloudNativePG's, cert-manager's and KEDA's own
        "initdb", "storage", "walStorage", "extraSpec", "privateKey", "authenticationRef",
        # lists of Kubernetes' own types, again
        "claims", "extraEnv", "extraEnvFrom", "extraVolumes", "extraVolumeMounts", "tolerations",
        "relabelings", "metricRelabelings", "to", "from", "extraIngress", "extraEgress",
        "constraints", "metrics", "triggers",
    }  # fmt: skip
