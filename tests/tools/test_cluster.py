"""What the real cluster's harness decides without a cluster."""

import hashlib
import json
import os
import re
import tarfile
from pathlib import Path

import pytest
from tools.cluster import requirements
from tools.cluster.binaries import kubernetes_version
from tools.cluster.errors import ClusterError
from tools.cluster.images import archive
from tools.cluster.podmetrics import sum_of
from tools.cluster.requirements import check_requirements

GO_MOD = Path(requirements.__file__).parent / "go.mod"


def test_all_of_kubernetes_is_of_one_version():
    staging = set(re.findall(r"^\s*k8s\.io/\S+ => k8s\.io/\S+ (\S+)$", GO_MOD.read_text(), re.M))
    assert staging == {kubernetes_version().replace("v1.", "v0.")}


@pytest.fixture
def root(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)


def test_a_machine_without_go_is_told_so(root, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClusterError, match="needs Go"):
        check_requirements()


def test_debian_packages_that_are_missing_are_named(root, monkeypatch, tmp_path):
    go = tmp_path / "go"
    go.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClusterError, match=r"apt-get install .*\bcontainerd .*\betcd-server "):
        check_requirements()


def test_nobody_but_root_is_let_in(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ClusterError, match="needs root"):
        check_requirements()


def test_an_image_is_named_by_what_is_in_it(tmp_path):
    program = tmp_path / "pause"
    program.write_bytes(b"\x7fELF")
    file = archive("mailquay.test/pause:1", program, tmp_path / "image.tar", arguments=["-v"])
    with tarfile.open(file) as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar}
    (manifest,) = json.loads(files["manifest.json"])
    config = json.loads(files[manifest["Config"]])
    digests = [hashlib.sha256(files[layer]).hexdigest() for layer in manifest["Layers"]]
    assert manifest["RepoTags"] == ["mailquay.test/pause:1"]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{digest}" for digest in digests]
    assert config["config"] == {"Entrypoint": ["/pause"], "Cmd": ["-v"]}


EXPOSITION = """\
# TYPE connections_open gauge
connections_open{listener="imap"} 3
connections_open{listener="imaps"} 4.5
# TYPE messages counter
messages_total 9
"""


@pytest.mark.parametrize(
    ("metric", "value"), [("connections_open", 7.5), ("messages_total", 9), ("absent", None)]
)
def test_a_pods_series_of_a_metric_are_summed(metric, value):
    assert sum_of(metric, EXPOSITION) == value
