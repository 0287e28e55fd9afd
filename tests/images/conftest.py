"""The images as they were built: read from the archives that a cluster imports."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from tools.images.__main__ import ROOT
from tools.images.archives import BuiltImage, unpack

ARCHIVES = ROOT / ".cache" / "images"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], BuiltImage]]:
    """An image by its name, unpacked the first time."""
    folder = tmp_path_factory.mktemp("images")
    unpacked: dict[str, BuiltImage] = {}

    def get(name: str) -> BuiltImage:
        if name not in unpacked:
            archive = ARCHIVES / f"{name}.tar"
            if not archive.exists():
                pytest.fail(f"there is no {archive}: make images ARGS='--archive .cache/images'")
            unpacked[name] = unpack(archive, folder / name)
        return unpacked[name]

    yield get
    shutil.rmtree(folder)
