"""A platform under load, and a Prometheus that scrapes it as in a cluster."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import helm_python
import httpx
import pytest
import yaml
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from tools.asked import CHART

from mailquay.standalone.nats import EmbeddedNats
from mailquay.testing.platform import RunningPlatform, start_platform
from mailquay.testing.ports import free_port

NAMESPACE = "mail"
REMOTE = "elsewhere.test"
_START_SECONDS = 30


class Elsewhere:
    """Someone's MX: it takes mail for anyone but `later`, who is to be tried again."""

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("later@"):
            return "451 4.2.0 Greylisted, come back later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return "250 2.0.0 Ok"


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    controller = Controller(Elsewhere(), hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller.port
    controller.stop()


@pytest.fixture(scope="module")
def nats(scratch: Path, elsewhere: int) -> Iterator[EmbeddedNats]:
    """A bus that can be taken away: the platform's own would be started again at once."""
    server = EmbeddedNats(scratch / f"nats-{elsewhere}", port=free_port(), log=None)
    server.prepare()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def watched(scratch: Path, elsewhere: int, nats: EmbeddedNats) -> Iterator[RunningPlatform]:
    """The whole platform, which sends to that MX and listens to that bus."""
    zone = scratch / "watched-dns.json"
    mx = f"mx.{REMOTE}"
    zone.write_text(json.dumps({REMOTE: {"MX": [[10, mx]]}, mx: {"A": ["127.0.0.1"]}}))
    env = {
        **os.environ,
        "MAILQUAY_NATS__URL": nats.url,
        "MAILQUAY_DNS__FIXED_FILE": str(zone),
        "MAILQUAY_SMTP_OUT__PORT": str(elsewhere),
        "MAILQUAY_SMTP_OUT__RETRY_STEPS_SECONDS": "[60]",
        "MAILQUAY_SMTP_OUT__POLL_SECONDS": "1",
        "MAILQUAY_METRICS__MEASURE_SECONDS": "1",
    }
    running = start_platform(scratch / f"watched-{elsewhere}", env=env)
    yield running
    running.stop()


@dataclass
class Prometheus:
    """One that runs."""

    url: str

    def get(self, path: str, **parameters: str) -> Any:
        """Ask its API; what it refuses is an error with its words."""
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, trust_env=False).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def alert(self, name: str) -> str:
        """What an alert is: inactive, pending or firing; the worst where several have the name."""
        groups = self.get("rules", type="alert")["groups"]
        states = {r["state"] for group in groups for r in group["rules"] if r["name"] == name}
        return next(state for state in ("firing", "pending", "inactive") if state in states)

    def numbers(self, expression: str) -> list[float]:
        """The values of an expression now, NaN left out."""
        data = self.get("query", query=expression)
        if data["resultType"] == "scalar":
            values = [float(data["result"][1])]
        else:
            values = [float(each["value"][1]) for each in data["result"]]
        return [value for value in values if value == value]  # NaN is not itself


def _until(look: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def _configuration(facts: dict[str, Any], folder: Path) -> dict[str, Any]:
    """As the chart has Prometheus scrape and alert: its own relabelling, its own rules."""
    metrics = {"podMonitor": {"enabled": True}, "rules": {"enabled": True}}
    with helm_python.Chart.load(CHART) as chart:
        rendered = chart.render({"metrics": metrics}, name="mailquay", namespace=NAMESPACE)
    rules = yaml.safe_load(rendered["mailquay/templates/observability/rules.yaml"])
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules["spec"]))
    monitor = yaml.safe_load(rendered["mailquay/templates/imap/monitor.yaml"])
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    discovered = "__meta_kubernetes_"
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "2s"},
        "rule_files": [str(folder / "rules.yaml")],
        "scrape_configs": [
            {
                "job_name": "mailquay",
                "static_configs": [
                    {
                        "targets": [f"127.0.0.1:{port}"],
                        "labels": {
                            f"{discovered}namespace": NAMESPACE,
                            f"{discovered}pod_name": f"mailquay-{service}-0",
                            f"{discovered}pod_label_app_kubernetes_io_component": service,
                            f"{discovered}pod_label_app_kubernetes_io_instance": "mailquay",
                        },
                    }
                    for service, port in facts["ports"]["metrics"].items()
                ],
                "relabel_configs": [
                    # Those two are the operator's.
                    {"source_labels": [f"{discovered}namespace"], "target_label": "namespace"},
                    {"source_labels": [f"{discovered}pod_name"], "target_label": "pod"},
                    *(
                        {"source_labels": each["sourceLabels"], "target_label": each["targetLabel"]}
                        for each in endpoint["relabelings"]
                    ),
                ],
            }
        ],
    }


@pytest.fixture(scope="module")
def prometheus(watched: RunningPlatform, tmp_path_factory: Any) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    configuration = folder / "prometheus.yaml"
    configuration.write_text(yaml.safe_dump(_configuration(watched.facts, folder)))
    address = f"127.0.0.1:{free_port()}"
    command = [
        "prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}", "--log.level=warn",
    ]  # fmt: skip
    assert shutil.which("prometheus"), "install Debian's package prometheus"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)

    def is_ready() -> bool:
        assert process.poll() is None, (folder / "log").read_text()
        try:
            ready = httpx.get(f"http://{address}/-/ready", trust_env=False)
        except httpx.TransportError:
            return False
        return ready.status_code == 200

    try:
        _until(is_ready, _START_SECONDS, "Prometheus did not start")
        yield Prometheus(f"http://{address}")
    finally:
        process.terminate()
        process.wait(20)
