"""``python3 -m tools.images``: build the images with docker, podman or buildah.

The Dockerfile builds without this too, one target at a time, where the registries are at hand. Here
is what a release and a machine without a registry need besides: all of them, tagged and labelled
alike, from a base that is made if it cannot be had, and written to files for a cluster.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

from tools.images.builders import Builder, BuilderError, find_builder
from tools.images.debian_base import BASE, make_base
from tools.images.registries import build_arguments, secrets

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ("smtp-in", "smtp-out", "imap", "pop3", "webmail-api", "tools", "trial")
#: All files' times, so that a layer whose files are the same is the same layer: 1980-01-01.
EPOCH = 315532800


def main() -> None:
    """Build what is asked for."""
    parser = argparse.ArgumentParser(prog="make images", description=__doc__.split("\n")[0])
    parser.add_argument("images", nargs="*", metavar="IMAGE", help=f"of {', '.join(IMAGES)}")
    parser.add_argument("--tag", default=version(), help="instead of the version, %(default)s")
    parser.add_argument("--repository", default="docker.io/mailquay", help="default: %(default)s")
    parser.add_argument("--builder", choices=("docker", "podman", "buildah"))
    parser.add_argument(
        "--fresh", action="store_true", help="take the newest base and updates, as for a release"
    )
    parser.add_argument("--archive", type=Path, metavar="FOLDER", help="write IMAGE.tar there, too")
    options = parser.parse_args()
    if unknown := set(options.images).difference(IMAGES):
        parser.error(f"there is no image {', '.join(sorted(unknown))}")
    try:
        builder = find_builder(options.builder)
        provide_base(builder, is_fresh=options.fresh)
        arguments = build_arguments() | ({"FRESH": str(time.time())} if options.fresh else {})
        with tempfile.TemporaryDirectory(prefix="mailquay-images-") as folder:
            context = copy_sources(Path(folder) / "context")
            for name in options.images or IMAGES:
                reference = f"{options.repository}/{name}:{options.tag}"
                build(builder, context, name, reference, arguments)
                if options.archive:
                    archive(builder, name, reference, options.archive)
    except BuilderError as error:
        sys.exit(f"make images: {error}")


def version() -> str:
    """The version of all our packages."""
    project = tomllib.loads((ROOT / "shared" / "pyproject.toml").read_text())["project"]
    return str(project["version"])


def provide_base(builder: Builder, *, is_fresh: bool) -> None:
    """See that the base is there: pulled, or made where there is nothing to pull it from."""
    if (not is_fresh and builder.has(BASE)) or builder.pull(BASE):
        return
    print(f"{BASE} cannot be pulled: making it by debootstrap.", flush=True)
    with tempfile.TemporaryDirectory(prefix="mailquay-base-") as folder:
        builder.load_root(make_base(Path(folder), epoch=EPOCH), BASE, epoch=EPOCH)


def copy_sources(target: Path) -> Path:
    """Copy what the images are made from: all are of one moment, whoever edits meanwhile."""
    target.mkdir()
    for path in (ROOT / ".dockerignore", *ROOT.glob("requirements-*.lock")):
        shutil.copy2(path, target)
    unwanted = shutil.ignore_patterns("__pycache__", "node_modules", "dist", "tests")
    for name in ("shared", "services", "tools/images/container"):
        shutil.copytree(ROOT / name, target / name, ignore=unwanted)
    return target


def build(
    builder: Builder, context: Path, name: str, reference: str, arguments: dict[str, str]
) -> None:
    """Build one image."""
    started = time.monotonic()
    labels = {"version": reference.rpartition(":")[2], "revision": revision()}
    with tempfile.TemporaryDirectory(prefix="mailquay-secrets-") as folder:
        builder.build(
            context,
            target=name,
            reference=reference,
            labels={f"org.opencontainers.image.{k}": v for k, v in labels.items() if v},
            arguments=arguments,
            secrets=secrets(Path(folder)),
            epoch=EPOCH,
        )
    size = builder.size_bytes(reference) / 1e6
    print(f"{reference}  {size:.1f} MB  {time.monotonic() - started:.0f} s", flush=True)


def archive(builder: Builder, name: str, reference: str, folder: Path) -> None:
    """Write one image to a file, for ``ctr images import`` or ``docker load``."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{name}.{os.getpid()}.tar"
    builder.save(reference, partial)
    partial.replace(folder / f"{name}.tar")


def revision() -> str:
    """The commit that is built; empty outside a repository."""
    command = ("git", "-C", ROOT, "rev-parse", "HEAD")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
