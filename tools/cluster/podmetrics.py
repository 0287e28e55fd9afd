"""Pods' own metrics for autoscalers: ``python -m tools.cluster.podmetrics FOLDER PORT``.

Serves `custom.metrics.k8s.io`, as a Prometheus adapter does, but reads the pods' ``/metrics``
when it is asked, without a Prometheus between them. Series of a name are summed for each pod.
"""

import datetime
import json
import re
import ssl
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, quote, unquote, urlsplit

import httpx
from prometheus_client.parser import text_string_to_metric_families
from tools.cluster.addresses import CONTROL_PLANE
from tools.cluster.api import Api
from tools.cluster.errors import ClusterError
from tools.cluster.state import State

_GROUP_VERSION: Final = "custom.metrics.k8s.io/v1beta2"
_ROOT: Final = f"/apis/{_GROUP_VERSION}"
#: A metric of all pods of a namespace that a selector takes, which is what autoscalers ask for.
_PODS: Final = re.compile(rf"{_ROOT}/namespaces/(?P<namespace>[^/]+)/pods/\*/(?P<metric>[^/]+)")
_PORT_NAME: Final = "metrics"
_SCRAPE_SECONDS: Final = 2


def main() -> None:
    """Serve until the cluster ends."""
    state, port = State(Path(sys.argv[1])), int(sys.argv[2])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=state.pki / "ca.crt")
    # The API server has asked who the client is, and comes with a certificate itself.
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(state.pki / "pod-metrics.crt", state.pki / "pod-metrics.key")
    with Api(state) as api:
        _Handler.api = api
        server = ThreadingHTTPServer((CONTROL_PLANE, port), _Handler)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.serve_forever()


class _Handler(BaseHTTPRequestHandler):
    api: Api

    def do_GET(self) -> None:
        """Answer what the API server hands on."""
        url = urlsplit(self.path)
        path = unquote(url.path)
        if path == _ROOT:
            self._answer(
                {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": _GROUP_VERSION,
                 "resources": []}
            )  # fmt: skip
        elif asked := _PODS.fullmatch(path):
            selector = parse_qs(url.query).get("labelSelector", [""])[0]
            try:
                self._answer(pod_metric(self.api, asked["namespace"], asked["metric"], selector))
            except ClusterError as error:
                self.send_error(HTTPStatus.BAD_GATEWAY, explain=str(error))
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _answer(self, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def pod_metric(api: Api, namespace: str, metric: str, selector: str) -> dict[str, Any]:
    """A metric's values, of the running pods that have it."""
    pods = api.items(f"/api/v1/namespaces/{namespace}/pods?labelSelector={quote(selector)}")
    running = [pod for pod in pods if pod["status"].get("phase") == "Running"]
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with ThreadPoolExecutor() as threads:
        values = threads.map(lambda pod: sum_of(metric, scrape(pod)), running)
    return {
        "kind": "MetricValueList",
        "apiVersion": _GROUP_VERSION,
        "metadata": {},
        "items": [
            {
                "describedObject": {
                    "kind": "Pod", "apiVersion": "/v1", "namespace": namespace,
                    "name": pod["metadata"]["name"],
                },
                "metric": {"name": metric},
                "timestamp": now,
                # A quantity has no exponent of ours: thousandths are exact enough.
                "value": f"{round(value * 1000)}m",
            }
            for pod, value in zip(running, values, strict=True)
            if value is not None
        ],
    }  # fmt: skip


def scrape(pod: dict[str, Any]) -> str:
    """What a pod says of itself; nothing if it does not answer."""
    for port in _metrics_ports(pod):
        try:
            return httpx.get(
                f"http://{pod['status']['podIP']}:{port}/metrics", timeout=_SCRAPE_SECONDS
            ).text
        except httpx.TransportError:
            continue
    return ""


def sum_of(metric: str, exposition: str) -> float | None:
    """The sum of a metric's series; None if there is none.

    Args:
        metric: its whole name, such as ``http_requests_total``.
        exposition: in Prometheus' text format.
    """
    values = [
        sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if sample.name == metric
    ]
    return sum(values) if values else None


def _metrics_ports(pod: dict[str, Any]) -> Iterator[int]:
    for container in pod["spec"]["containers"]:
        for port in container.get("ports", []):
            if port.get("name") == _PORT_NAME:
                yield port["containerPort"]


if __name__ == "__main__":
    main()
