"""Images of a single static program, made here, and how images come to the nodes."""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tools.cluster.namespaces import Host

__all__ = [
    "COREDNS_IMAGE",
    "NETWORK_POLICIES_IMAGE",
    "PAUSE_IMAGE",
    "PROBE_IMAGE",
    "archive",
    "import_archive",
    "tag",
]

PAUSE_IMAGE: Final = "mailquay.test/pause:1"
PROBE_IMAGE: Final = "mailquay.test/probe:1"
COREDNS_IMAGE: Final = "mailquay.test/coredns:1"
NETWORK_POLICIES_IMAGE: Final = "mailquay.test/network-policies:1"
#: Go's names, which images use, for the kernel's.
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}


def archive(image: str, program: Path, output: Path, *, arguments: Sequence[str] = ()) -> Path:
    """Write an image, in the format of `docker save`, that holds one program and nothing else.

    Args:
        image: its name and tag.
        program: a static binary; it is the entry point.
        output: the file to write.
        arguments: with which it is run, if a pod says no others.
    """
    layer = _tar({program.name: program.read_bytes()}, mode=0o755)
    config = json.dumps(
        {
            "architecture": _ARCHITECTURES[platform.machine()],
            "os": "linux",
            "config": {"Entrypoint": [f"/{program.name}"], "Cmd": list(arguments)},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_digest(layer)}"]},
        }
    ).encode()
    config_name = f"{_digest(config)}.json"
    manifest = [{"Config": config_name, "RepoTags": [image], "Layers": ["layer.tar"]}]
    files = {
        config_name: config,
        "layer.tar": layer,
        "manifest.json": json.dumps(manifest).encode(),
    }
    output.write_bytes(_tar(files, mode=0o644))
    return output


def import_archive(node: Host, file: Path) -> list[str]:
    """Import every image of an archive, Docker's or OCI's, into a node's containerd.

    Returns:
        The images' names.
    """
    output = node.run("ctr", "--namespace=k8s.io", "images", "import", file)
    return [line.split()[1] for line in output.splitlines() if line.startswith("unpacking ")]


def tag(node: Host, image: str, new: str) -> None:
    """Give an image that a node has another name."""
    node.run("ctr", "--namespace=k8s.io", "images", "tag", "--force", image, new)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _tar(files: dict[str, bytes], *, mode: int) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.mode = mode
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return whole.getvalue()
