"""The chart, rendered by Helm itself (as a library): no cluster, no `helm` on the machine."""

import base64
import copy
import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import helm_python
import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "charts" / "mailquay"
VALUE_SETS = sorted(path.name.removesuffix("-values.yaml") for path in FOLDER.glob("ci/*.yaml"))
#: Kinds that have pods, and where their templates are.
TEMPLATES = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Pod": (),
}

Manifest = dict[str, Any]


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Two trees of values in one, as `helm -f a -f b` makes it."""
    result = copy.deepcopy(base)
    for key, value in over.items():
        is_tree = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if is_tree else copy.deepcopy(value)
    return result


@functools.cache
def _rendered(values: str, namespace: str, is_upgrade: bool) -> dict[str, str]:
    with helm_python.Chart.load(FOLDER) as chart:
        return chart.render(
            json.loads(values), name="mq", namespace=namespace, is_upgrade=is_upgrade
        )


@dataclass(frozen=True)
class Pod:
    """A pod of a manifest: its own labels and spec."""

    owner: Manifest
    labels: dict[str, str]
    spec: Manifest

    @property
    def name(self) -> str:
        return f"{self.owner['kind']} {self.owner['metadata']['name']}"

    @property
    def containers(self) -> list[Manifest]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    def container(self, name: str) -> Manifest:
        return next(each for each in self.containers if each["name"] == name)


def decoded(secret: Manifest) -> dict[str, str]:
    """What is in a Secret."""
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


class Rendering:
    """What the chart makes of some values."""

    def __init__(self, files: dict[str, str]) -> None:
        self.notes = next(text for name, text in files.items() if name.endswith("NOTES.txt"))
        self.files = {
            name.partition("/templates/")[2]: [d for d in yaml.safe_load_all(text) if d]
            for name, text in files.items()
            if name.endswith(".yaml")
        }
        self.manifests = [each for documents in self.files.values() for each in documents]

    def of_kind(self, *kinds: str) -> list[Manifest]:
        return [each for each in self.manifests if each["kind"] in kinds]

    def get(self, kind: str, name: str) -> Manifest:
        found = [each for each in self.of_kind(kind) if each["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} of {kind} {name}"
        return found[0]

    def secret(self, name: str) -> dict[str, str]:
        """What is in a Secret of that name."""
        return decoded(self.get("Secret", name))

    def has(self, kind: str, name: str) -> bool:
        return any(each["metadata"]["name"] == name for each in self.of_kind(kind))

    @property
    def pods(self) -> Iterator[Pod]:
        for each in self.of_kind(*TEMPLATES):
            template = each
            for step in TEMPLATES[each["kind"]]:
                template = template[step]
            yield Pod(each, template["metadata"]["labels"], template["spec"])

    def pod(self, kind: str, name: str) -> Pod:
        return next(pod for pod in self.pods if pod.name == f"{kind} {name}")


class Chart:
    """The chart, and the values of its `ci/`."""

    folder = FOLDER
    value_sets = VALUE_SETS

    @staticmethod
    def values_of(name: str) -> dict[str, Any]:
        return yaml.safe_load((FOLDER / "ci" / f"{name}-values.yaml").read_text()) or {}

    def render(
        self,
        over: dict[str, Any] | None = None,
        *,
        base: str = "default-trial",
        namespace: str = "mail",
        is_upgrade: bool = False,
    ) -> Rendering:
        """Render a value set with something more."""
        values = merged(self.values_of(base), over or {})
        return Rendering(_rendered(json.dumps(values, sort_keys=True), namespace, is_upgrade))

    def refusal(self, over: dict[str, Any], *, base: str = "default-trial") -> str:
        """What is said to values that are refused."""
        with pytest.raises(helm_python.HelmError) as told:
            self.render(over, base=base)
        return str(told.value)


@pytest.fixture(scope="session")
def chart() -> Chart:
    return Chart()


@pytest.fixture(scope="session", params=VALUE_SETS)
def rendering(request: pytest.FixtureRequest, chart: Chart) -> Rendering:
    """Each value set in turn."""
    return chart.render(base=request.param)
