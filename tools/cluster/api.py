"""The cluster's API, as its administrator."""

import ssl
from types import TracebackType
from typing import Any, Final

import httpx
from tools.cluster.addresses import CONTROL_PLANE
from tools.cluster.errors import ClusterError
from tools.cluster.state import State

__all__ = ["API_SERVER", "Api"]

API_SERVER: Final = f"https://{CONTROL_PLANE}:6443"
_TIMEOUT_SECONDS: Final = 10


class Api:
    """Objects go in and come out as JSON; a path is one of the API's own."""

    def __init__(self, state: State) -> None:
        context = ssl.create_default_context(cafile=state.pki / "ca.crt")
        context.load_cert_chain(state.pki / "admin.crt", state.pki / "admin.key")
        self._client = httpx.Client(base_url=API_SERVER, verify=context, timeout=_TIMEOUT_SECONDS)

    def __enter__(self) -> "Api":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()

    def is_ready(self) -> bool:
        """Whether it answers, and is able to."""
        try:
            return self._client.get("/readyz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def items(self, path: str) -> list[dict[str, Any]]:
        """The objects of a collection, such as ``/api/v1/nodes``."""
        found: list[dict[str, Any]] = self._send("GET", path)["items"]
        return found

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Add an object to a collection."""
        return self._send("POST", path, body)

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Merge into an object what is given (RFC 7396)."""
        return self._send("PATCH", path, body, {"Content-Type": "application/merge-patch+json"})

    def delete(self, path: str) -> None:
        """Delete an object."""
        self._send("DELETE", path)

    def _send(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        try:
            response = self._client.request(method, path, json=body, headers=headers)
        except httpx.TransportError as error:
            raise ClusterError(f"the API does not answer {method} {path}: {error!r}") from error
        if response.is_error:
            raise ClusterError(f"the API refuses {method} {path}: {response.text}")
        answer: dict[str, Any] = response.json()
        return answer
