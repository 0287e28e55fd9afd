"""Reads an image from the file that ``docker save`` and ``make images`` write."""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image, its files unpacked."""

    references: list[str]
    config: dict[str, Any]
    #: The layers' digests, the lowest first.
    layers: list[str]
    size_bytes: int
    root: Path

    @property
    def packages(self) -> Path:
        """Where Python's packages are."""
        return self.root / "opt/mailquay/lib/python3.11/site-packages"

    def files(self) -> Iterator[Path]:
        """All that are neither folders nor links."""
        return (p for p in self.root.rglob("*") if p.is_file() and not p.is_symlink())


def unpack(archive: Path, folder: Path) -> BuiltImage:
    """Unpack an archive of one image; as root, its files keep their owners.

    No layer of ours removes what a lower one has, so that marks of that need no thought.
    """
    with tarfile.open(archive) as tar:
        [manifest] = json.load(_member(tar, "manifest.json"))
        config = json.load(_member(tar, manifest["Config"]))
        size_bytes = 0
        for name in manifest["Layers"]:
            with tarfile.open(fileobj=_member(tar, name)) as layer:
                size_bytes += sum(member.size for member in layer.getmembers())
                layer.extractall(folder, filter="fully_trusted")  # noqa: S202  # we built it
    return BuiltImage(
        manifest["RepoTags"], config["config"], config["rootfs"]["diff_ids"], size_bytes, folder
    )


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    file = tar.extractfile(name)
    if file is None:
        raise tarfile.ReadError(f"{name} is no file")
    return file
