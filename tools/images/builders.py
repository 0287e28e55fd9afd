"""docker, podman and buildah, as far as they differ."""

import os
import shutil
import stat
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path


class BuilderError(Exception):
    """The images cannot be built; the message says why, and what to do."""


class Builder(ABC):
    """A program that builds images and keeps them."""

    name: str
    #: Ends well when the program does what it is for: a client whose daemon is missing does not.
    probe: Sequence[str] = ("info",)

    def is_usable(self) -> bool:
        """Whether it is installed and works."""
        return shutil.which(self.name) is not None and self.try_run(*self.probe)

    def run(self, *arguments: str | Path) -> str:
        """Run it, its messages passed on; returns what it printed.

        Raises:
            BuilderError: it failed.
        """
        command = [self.name, *map(str, arguments)]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, check=False, env=self.environment()
        )
        if done.returncode:
            raise BuilderError(f"failed: {' '.join(command)}\n{done.stdout[-4000:]}")
        return done.stdout

    def try_run(self, *arguments: str | Path) -> bool:
        """Whether it can do something; says nothing."""
        command = [self.name, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, check=False, env=self.environment())
        return done.returncode == 0

    def environment(self) -> dict[str, str]:
        """What it is run in."""
        return dict(os.environ)

    @abstractmethod
    def has(self, reference: str) -> bool:
        """Whether it keeps that image."""

    def pull(self, reference: str) -> bool:
        """Fetch an image; False when it cannot be had."""
        return self.try_run("pull", reference)

    def build(
        self,
        context: Path,
        *,
        target: str,
        reference: str,
        labels: Mapping[str, str],
        arguments: Mapping[str, str],
        secrets: Mapping[str, Path],
        epoch: int,
    ) -> None:
        """Build a target of the services' Dockerfile.

        Args:
            context: the folder with the sources and a .dockerignore.
            target: the stage that is wanted.
            reference: the name and tag to give it.
            labels: on the image, whatever its stage says besides.
            arguments: of the build; none of them is kept.
            secrets: files that steps of the build may read, by id.
            epoch: the time of everything in it, in seconds.

        Raises:
            BuilderError: a step failed.
        """
        self.run(
            "build",
            *self.build_options(epoch),
            *(word for k, v in labels.items() for word in ("--label", f"{k}={v}")),
            *(word for k, v in arguments.items() for word in ("--build-arg", f"{k}={v}")),
            *(word for k, v in secrets.items() for word in ("--secret", f"id={k},src={v}")),
            *("--file", context / "services" / "Dockerfile"),
            *("--target", target, "--tag", reference, context),
        )

    @abstractmethod
    def build_options(self, epoch: int) -> Sequence[str]:
        """How a build is told to use its cache, and one time for all files."""

    @abstractmethod
    def load_root(self, root: Path, reference: str, *, epoch: int) -> None:
        """Make an image of a tar file that holds a root file system."""

    @abstractmethod
    def save(self, reference: str, file: Path) -> None:
        """Write an image to a file, as ``docker save`` does, with its full name in it."""

    @abstractmethod
    def size_bytes(self, reference: str) -> int:
        """The size of an image's files."""


class Docker(Builder):
    """Docker with BuildKit, which has been the default since version 23."""

    name = "docker"
    probe: Sequence[str] = ("version", "--format", "{{.Server.Version}}")

    def environment(self) -> dict[str, str]:
        """Not the old builder: it knows no secrets."""
        return {**os.environ, "DOCKER_BUILDKIT": "1"}

    def has(self, reference: str) -> bool:
        """See `Builder.has`."""
        return self.try_run("image", "inspect", reference)

    def build_options(self, epoch: int) -> Sequence[str]:
        """See `Builder.build_options`: the image's own time; files keep those of their build."""
        return ("--quiet", "--build-arg", f"SOURCE_DATE_EPOCH={epoch}")

    def load_root(self, root: Path, reference: str, *, epoch: int) -> None:
        """See `Builder.load_root`."""
        self.run("import", root, reference)

    def save(self, reference: str, file: Path) -> None:
        """See `Builder.save`."""
        self.run("save", "--output", file, reference)

    def size_bytes(self, reference: str) -> int:
        """See `Builder.size_bytes`."""
        return int(self.run("image", "inspect", "--format", "{{.Size}}", reference))


class Podman(Docker):
    """Podman, which is docker but for the options of a build."""

    name = "podman"
    probe: Sequence[str] = ("info",)

    def build_options(self, epoch: int) -> Sequence[str]:
        """See `Builder.build_options`."""
        return ("--quiet", "--layers", "--timestamp", str(epoch))

    def save(self, reference: str, file: Path) -> None:
        """See `Builder.save`."""
        self.run("save", "--quiet", "--format", "docker-archive", "--output", file, reference)


class Buildah(Builder):
    """Buildah, which needs no daemon; nor namespaces or cgroups, by its isolation ``chroot``."""

    name = "buildah"

    def environment(self) -> dict[str, str]:
        """The least isolation, which works inside a container and as any user."""
        return {"BUILDAH_ISOLATION": "chroot", **os.environ}

    def has(self, reference: str) -> bool:
        """See `Builder.has`."""
        return self.try_run("inspect", "--type", "image", reference)

    def build_options(self, epoch: int) -> Sequence[str]:
        """See `Builder.build_options`."""
        return ("--quiet", "--layers", "--timestamp", str(epoch))

    def load_root(self, root: Path, reference: str, *, epoch: int) -> None:
        """See `Builder.load_root`."""
        container = self.run("from", "scratch").strip()
        try:
            self.run("add", "--quiet", container, root, "/")
            self.run("config", "--cmd", "bash", container)
            self.run("commit", "--quiet", "--timestamp", str(epoch), container, reference)
        finally:
            self.run("rm", container)

    def save(self, reference: str, file: Path) -> None:
        """See `Builder.save`."""
        self.run("push", "--quiet", reference, f"docker-archive:{file}:{reference}")

    def size_bytes(self, reference: str) -> int:
        """See `Builder.size_bytes`: mounted and counted, as it tells the size as text alone."""
        container = self.run("from", "--pull-never", reference).strip()
        try:
            mounted = Path(self.run("mount", container).strip())
            found = (path.lstat() for path in mounted.rglob("*"))
            return sum(file.st_size for file in found if not stat.S_ISDIR(file.st_mode))
        finally:
            self.run("rm", container)


def find_builder(wanted: str | None) -> Builder:
    """The first one that works, or the one that is asked for.

    Raises:
        BuilderError: there is none.
    """
    known: tuple[Builder, ...] = (Docker(), Podman(), Buildah())
    for builder in known:
        if wanted in (None, builder.name) and builder.is_usable():
            return builder
    names = wanted or "docker, podman or buildah"
    raise BuilderError(f"{names} is needed, installed and usable by you (docker: its daemon too)")
