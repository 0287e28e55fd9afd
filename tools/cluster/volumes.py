"""Persistent volumes for claims, as a cloud's storage gives them: folders that all nodes share."""

import shutil
from pathlib import Path
from typing import Any, Final

from tools.cluster.api import Api

__all__ = ["STORAGE_CLASS", "Volumes", "make_storage_class"]

STORAGE_CLASS: Final = "local"
_PROVISIONER: Final = "mailquay.test/local"
_VOLUMES: Final = "/api/v1/persistentvolumes"


class Volumes:
    """Those of a cluster; `reconcile` is called again and again."""

    def __init__(self, api: Api, folder: Path, nodes: list[str]) -> None:
        self._api = api
        self._folder = folder
        self._nodes = nodes

    def reconcile(self) -> None:
        """Make what is claimed, and remove what is claimed no more."""
        volumes = {volume["metadata"]["name"]: volume for volume in self._api.items(_VOLUMES)}
        for claim in self._api.items("/api/v1/persistentvolumeclaims"):
            name = f"pvc-{claim['metadata']['uid']}"
            if claim["spec"].get("storageClassName") == STORAGE_CLASS and name not in volumes:
                (self._folder / name).mkdir(exist_ok=True)
                self._api.create(_VOLUMES, self._volume(name, claim))
        for name, volume in volumes.items():
            is_ours = volume["spec"].get("storageClassName") == STORAGE_CLASS
            if is_ours and volume["status"].get("phase") == "Released":
                self._api.delete(f"{_VOLUMES}/{name}")
                shutil.rmtree(self._folder / name)

    def _volume(self, name: str, claim: dict[str, Any]) -> dict[str, Any]:
        hosts = {"key": "kubernetes.io/hostname", "operator": "In", "values": self._nodes}
        metadata = claim["metadata"]
        return {
            # Who is named here removes the volume; Kubernetes itself knows not how.
            "metadata": {
                "name": name,
                "annotations": {"pv.kubernetes.io/provisioned-by": _PROVISIONER},
            },
            "spec": {
                "storageClassName": STORAGE_CLASS,
                "accessModes": claim["spec"]["accessModes"],
                "capacity": claim["spec"]["resources"]["requests"],
                "persistentVolumeReclaimPolicy": "Delete",
                # Unlike a hostPath, a local volume is given to the pod's fsGroup.
                "local": {"path": str(self._folder / name)},
                "nodeAffinity": {
                    "required": {"nodeSelectorTerms": [{"matchExpressions": [hosts]}]}
                },
                "claimRef": {
                    "kind": "PersistentVolumeClaim",
                    "apiVersion": "v1",
                    "namespace": metadata["namespace"],
                    "name": metadata["name"],
                    "uid": metadata["uid"],
                },
            },
        }


def make_storage_class(api: Api) -> None:
    """Make the class of volumes, which is the default one."""
    api.create(
        "/apis/storage.k8s.io/v1/storageclasses",
        {
            "metadata": {
                "name": STORAGE_CLASS,
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            "provisioner": _PROVISIONER,
        },
    )
