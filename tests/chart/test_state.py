"""Where Postgres, NATS and the bodies are; what is secret, and what is kept."""

import base64
import re

import pytest
from cryptography import x509

KEEP = {"helm.sh/resource-policy": "keep"}


def variables(container):
    return {variable["name"]: variable for variable in container["env"]}


def source(container, name):
    """Secret and key that a variable is taken from."""
    reference = variables(container)[name]["valueFrom"]["secretKeyRef"]
    return reference["name"], reference["key"]


def service(rendering, name="imap"):
    return rendering.pod("Deployment", f"mq-mailquay-{name}").container(name)


def settings(rendering):
    return rendering.get("ConfigMap", "mq-mailquay-settings")["data"]


def job(rendering, name):
    (found,) = [
        pod
        for pod in rendering.pods
        if pod.owner["kind"] == "Job" and re.fullmatch(f"Job mq-mailquay-{name}(-\\w+)?", pod.name)
    ]
    return found


def test_a_trial_keeps_all_state_itself(chart):
    rendering = chart.render()
    assert rendering.has("StatefulSet", "mq-mailquay-trial-postgres")
    assert rendering.has("StatefulSet", "mq-mailquay-trial-nats")
    assert rendering.has("PersistentVolumeClaim", "mq-mailquay-trial-blobs")
    for name in ("smtp-in", "smtp-out", "imap", "pop3", "webmail-api"):
        container = service(rendering, name)
        assert source(container, "MAILQUAY_DATABASE__URL") == (
            "mq-mailquay-secrets",
            "database-url",
        )
        assert source(container, "MAILQUAY_NATS__URL") == ("mq-mailquay-secrets", "nats-url")
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert settings(rendering)["MAILQUAY_BLOBS__URL"] == f"file://{mounts['blobs']}"


@pytest.mark.parametrize(
    ("over", "gone"),
    [
        ({"database": {"existingSecret": "d"}}, ("StatefulSet", "mq-mailquay-trial-postgres")),
        ({"nats": {"url": "nats://n:4222"}}, ("StatefulSet", "mq-mailquay-trial-nats")),
        ({"blobs": {"url": "s3://b/p"}}, ("PersistentVolumeClaim", "mq-mailquay-trial-blobs")),
    ],
)
def test_a_trial_keeps_no_state_that_is_elsewhere(chart, over, gone):
    rendering = chart.render(over)
    assert not rendering.has(*gone)
    kept = rendering.of_kind("StatefulSet", "PersistentVolumeClaim")
    assert len(kept) == 2


def test_a_trial_s_servers_are_one_pod_that_is_replaced_before_another_starts(chart):
    rendering = chart.render()
    for name, program, port in (("trial-postgres", "postgres", 5432), ("trial-nats", "nats", 4222)):
        stateful = rendering.get("StatefulSet", f"mq-mailquay-{name}")
        assert stateful["spec"]["replicas"] == 1
        container = rendering.pod("StatefulSet", f"mq-mailquay-{name}").container(program)
        assert container["args"] == [program]
        assert container["image"] == "mailquay/trial:0.1.0"
        assert container["ports"] == [{"name": program, "containerPort": port}]
        secret = ("mq-mailquay-secrets", f"{program}-password")
        assert source(container, "MAILQUAY_TRIAL_PASSWORD") == secret


def test_the_urls_of_a_trial_have_its_passwords_and_its_services(chart):
    rendering = chart.render()
    secret = rendering.secret("mq-mailquay-secrets")
    for name, scheme, port in (("postgres", "postgresql", 5432), ("nats", "nats", 4222)):
        key = "database-url" if name == "postgres" else "nats-url"
        host = f"mq-mailquay-trial-{name}"
        assert rendering.has("Service", host)
        start = f"{scheme}://mailquay:{secret[f'{name}-password']}@{host}:{port}"
        assert secret[key].startswith(start)


def test_passwords_are_long_and_differ(chart):
    secret = chart.render().secret("mq-mailquay-secrets")
    passwords = [value for key, value in secret.items() if key.endswith("-password")]
    assert len(set(passwords)) == 4
    assert all(re.fullmatch(r"[A-Za-z0-9]{24}", password) for password in passwords)


def test_what_is_made_up_is_kept(chart):
    rendering = chart.render()
    for kind, name in (
        ("Secret", "mq-mailquay-secrets"),
        ("Secret", "mq-mailquay-tls"),
        ("PersistentVolumeClaim", "mq-mailquay-trial-blobs"),
    ):
        assert rendering.get(kind, name)["metadata"]["annotations"].items() >= KEEP.items()
    cluster = chart.render(base="external-everything").get("Cluster", "mq-mailquay-db")
    assert cluster["metadata"]["annotations"].items() >= KEEP.items()


def test_nothing_is_made_up_where_all_secrets_are_named(chart):
    assert chart.render(base="minimal").of_kind("Secret") == []


def secrets_in(rendering):
    for secret in rendering.of_kind("Secret"):
        # With server-side apply, what stands in `stringData` is not brought up to date.
        assert "stringData" not in secret
        yield from rendering.secret(secret["metadata"]["name"]).values()


def test_no_secret_stands_in_a_config_map_or_a_pod(rendering):
    open_text = "\n".join(str(each) for each in rendering.manifests if each["kind"] != "Secret")
    for secret in secrets_in(rendering):
        if "BEGIN CERTIFICATE" not in secret and len(secret) >= 8:
            assert secret not in open_text
    for each in rendering.of_kind("ConfigMap"):
        for name, value in each["data"].items():
            assert not re.search(r"://[^/@]*:[^/@]*@", value), name


def test_variables_that_are_secret_come_from_secrets(rendering):
    for pod in rendering.pods:
        for container in pod.containers:
            for name, variable in variables(container).items():
                if re.search("PASSWORD", name):
                    assert "secretKeyRef" in variable["valueFrom"], f"{pod.name}: {name}"


def test_every_secret_and_config_map_that_is_used_is_made_or_named(rendering, chart):
    """A pod with a reference into nowhere never starts."""
    made = {each["metadata"]["name"] for each in rendering.of_kind("Secret", "ConfigMap")}
    made |= {cert["spec"]["secretName"] for cert in rendering.of_kind("Certificate")}
    made |= {f"{each['metadata']['name']}-app" for each in rendering.of_kind("Cluster")}
    used = set()
    for pod in rendering.pods:
        for volume in pod.spec["volumes"]:
            used.add(volume.get("secret", {}).get("secretName"))
            used.add(volume.get("configMap", {}).get("name"))
        for container in pod.containers:
            for each in container.get("envFrom", []):
                used.add(each.get("configMapRef", each.get("secretRef"))["name"])
            for variable in container["env"]:
                reference = variable.get("valueFrom", {}).get("secretKeyRef", {})
                used.add(reference.get("name"))
                if rendering.has("Secret", reference.get("name")):
                    assert reference["key"] in rendering.secret(reference["name"])
    given = {
        "mailquay-database", "mailquay-s3", "mailquay-passwords", "mail-example-com-tls",
        "mailquay-nats", "smarthost", "mailquay-nats-url", "mailquay-azure", "mailquay-config",
        "own-ca",
    }  # fmt: skip
    assert used - {None} - given <= made


def test_a_url_in_the_values_is_put_into_a_secret_and_jobs_go_past_the_pooler(chart):
    rendering = chart.render(base="ingress-proxy-protocol")
    assert source(service(rendering), "MAILQUAY_DATABASE__URL") == (
        "mq-mailquay-urls",
        "database-url",
    )
    admin = job(rendering, "admin").container("admin")
    assert source(admin, "MAILQUAY_DATABASE__URL") == ("mq-mailquay-urls", "database-direct-url")
    data = rendering.secret("mq-mailquay-urls")
    assert "pooler.example.com" in data["database-url"]
    assert "postgres.example.com" in data["database-direct-url"]


def test_a_secret_of_one_s_own_is_taken_with_its_keys(chart):
    rendering = chart.render(base="custom-metric-hpa")
    database = ("mailquay-database", "uri")
    assert source(service(rendering), "MAILQUAY_DATABASE__URL") == database
    migrate = job(rendering, "migrate").container("migrate")
    assert source(migrate, "MAILQUAY_DATABASE__URL") == ("mailquay-database", "direct-uri")
    assert {"secretRef": {"name": "mailquay-azure"}} in service(rendering)["envFrom"]


def test_cloudnativepg_makes_the_database_and_a_pooler_before_it(chart):
    rendering = chart.render(base="external-everything")
    cluster = rendering.get("Cluster", "mq-mailquay-db")["spec"]
    assert cluster["instances"] == 3
    assert cluster["monitoring"] == {"enablePodMonitor": True}
    assert cluster["walStorage"] == {"size": "10Gi"}
    pooler = rendering.get("Pooler", "mq-mailquay-db-pooler-rw")["spec"]
    assert pooler["cluster"]["name"] == "mq-mailquay-db"
    assert pooler["pgbouncer"]["poolMode"] == "transaction"
    env = variables(service(rendering))
    assert env["MAILQUAY_DATABASE__URL"]["value"] == (
        "postgresql://$(POSTGRES_USER):$(POSTGRES_PASSWORD)@mq-mailquay-db-pooler-rw:5432/mailquay"
    )
    assert source(service(rendering), "POSTGRES_PASSWORD") == ("mq-mailquay-db-app", "password")
    admin = job(rendering, "admin").container("admin")
    assert source(admin, "MAILQUAY_DATABASE__URL") == ("mq-mailquay-db-app", "uri")


def test_a_pooler_is_told_of_all_that_the_services_ask_for_on_a_connection(chart):
    import inspect

    from mailquay.store import engine

    source_text = inspect.getsource(engine.Engine._connect)
    asked = set(re.findall(r'"(\w+)":', source_text.partition("server_settings")[2]))
    asked -= {"application_name"}  # which PgBouncer knows
    pooler = chart.render(base="external-everything").get("Pooler", "mq-mailquay-db-pooler-rw")
    parameters = pooler["spec"]["pgbouncer"]["parameters"]
    assert asked
    assert set(parameters["ignore_startup_parameters"].split(",")) == asked
    (cached,) = re.findall(r"statement_cache_size=(\d+)", source_text)
    assert int(parameters["max_prepared_statements"]) >= int(cached)
    # What the pooler ignores is the server's own instead.
    cluster = chart.render(base="external-everything").get("Cluster", "mq-mailquay-db")
    assert asked <= set(cluster["spec"]["postgresql"]["parameters"])


def test_a_cluster_that_is_there_already_is_used(chart):
    over = {
        "database": {"cloudnativepg": {"enabled": True, "existingCluster": "shared"}},
        "trial": {"enabled": True},
    }
    rendering = chart.render(over)
    assert not rendering.of_kind("Cluster", "Pooler")
    assert source(service(rendering), "MAILQUAY_DATABASE__URL") == ("shared-app", "uri")


def test_nats_is_by_url_by_secret_and_with_credentials(chart):
    plain = chart.render(base="external-everything")
    assert settings(plain)["MAILQUAY_NATS__URL"] == "nats://nats.nats:4222"
    file = settings(plain)["MAILQUAY_NATS__CREDENTIALS_FILE"]
    mounts = {mount["name"]: mount["mountPath"] for mount in service(plain)["volumeMounts"]}
    assert file == f"{mounts['nats']}/nats.creds"
    secret = chart.render(base="ingress-proxy-protocol")
    assert "MAILQUAY_NATS__URL" not in settings(secret)
    assert source(service(secret), "MAILQUAY_NATS__URL") == ("mailquay-nats-url", "url")
    none = chart.render(base="minimal")
    assert "MAILQUAY_NATS__URL" not in {**settings(none), **variables(service(none))}


def test_the_certificate_is_a_folder_that_the_services_read_again(rendering):
    data = settings(rendering)
    for deployment in rendering.of_kind("Deployment"):
        spec = deployment["spec"]["template"]["spec"]
        (volume,) = [each for each in spec["volumes"] if each["name"] == "tls"]
        assert volume["secret"]["secretName"]
        (mount,) = [m for m in spec["containers"][0]["volumeMounts"] if m["name"] == "tls"]
        assert mount["readOnly"] is True
        assert data["MAILQUAY_TLS__CERTIFICATE_FILE"] == f"{mount['mountPath']}/tls.crt"
        assert data["MAILQUAY_TLS__KEY_FILE"] == f"{mount['mountPath']}/tls.key"


def test_cert_manager_makes_it_for_all_names(chart):
    spec = chart.render(base="external-everything").get("Certificate", "mq-mailquay-tls")["spec"]
    assert spec["dnsNames"] == ["mail.example.com", "smtp.example.com", "imap.example.com"]
    assert spec["secretName"] == "mq-mailquay-tls"
    assert spec["issuerRef"] == {
        "name": "letsencrypt", "kind": "ClusterIssuer", "group": "cert-manager.io"
    }  # fmt: skip


def test_a_trial_s_own_certificate_is_for_its_name_and_by_its_authority(chart):
    data = chart.render().get("Secret", "mq-mailquay-tls")["data"]
    certificate, authority = (
        x509.load_pem_x509_certificate(base64.b64decode(data[key])) for key in ("tls.crt", "ca.crt")
    )
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "mail.mailquay.test" in names.get_values_for_type(x509.DNSName)
    certificate.verify_directly_issued_by(authority)


def test_tls_can_be_left_out(chart):
    rendering = chart.render({"tls": {"selfSigned": False}})
    assert not any(name.startswith("MAILQUAY_TLS") for name in settings(rendering))
    assert not rendering.has("Secret", "mq-mailquay-tls")
