"""The probe's JMAP client (RFC 8620, RFC 8621)."""

import http.client
import json
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote, urlsplit

from mailquay.cli.probe.failures import ProbeFailed
from mailquay.cli.probe.letters import Letter, Way
from mailquay.cli.probe.login import Login
from mailquay.cli.probe.servers import Server, Trust
from mailquay.cli.probe.waiting import Found, wait_for

__all__ = ["delete_by_jmap", "read_by_jmap"]

_CORE: Final = "urn:ietf:params:jmap:core"
_MAIL: Final = "urn:ietf:params:jmap:mail"
#: More than any answer here may have; a message of ours is a few kilobytes.
_ANSWER_BYTES: Final = 4 * 1024 * 1024


def read_by_jmap(
    server: Server, trust: Trust, login: Login, letters: Sequence[Letter], timeout_seconds: float
) -> Found:
    """Wait for the messages, and download them.

    Raises:
        mailquay.cli.probe.failures.FAILURES: they cannot be read, or not as they were sent.
    """
    client = _Client(server, trust, login, timeout_seconds)

    def look() -> Found:
        found = client.find(letters)
        return {way: client.download(blob_id) for way, (_, blob_id) in found.items()}

    return wait_for(letters, look, timeout_seconds)


def delete_by_jmap(
    server: Server, trust: Trust, login: Login, letters: Sequence[Letter], timeout_seconds: float
) -> None:
    """Destroy those of the messages that are there.

    Raises:
        mailquay.cli.probe.failures.FAILURES: one is there still.
    """
    client = _Client(server, trust, login, timeout_seconds)
    ids = [email_id for email_id, _ in client.find(letters).values()]
    answer = client.call("Email/set", {"destroy": ids})
    if answer.get("notDestroyed"):
        raise ProbeFailed(f"answers Email/set with {json.dumps(answer['notDestroyed'])}")
    if left := client.find(letters):
        raise ProbeFailed(f"{', '.join(left)}: still there after Email/set")


class _Client:
    """An account's JMAP, found by its Session object (RFC 8620 §2).

    The session's URLs are those of the name that users know; a probe asks the server it was given.
    """

    def __init__(self, server: Server, trust: Trust, login: Login, timeout_seconds: float) -> None:
        self._server = server
        self._trust = trust
        self._authorization = login.http_basic
        self._timeout_seconds = timeout_seconds
        path = server.path if server.path.strip("/") else "/.well-known/jmap"
        session = json.loads(self._ask("GET", path))
        try:
            self._account_id: str = session["primaryAccounts"][_MAIL]
            self._api: str = session["apiUrl"]
            self._download: str = session["downloadUrl"]
        except (KeyError, TypeError) as error:
            raise ProbeFailed(f"its Session object has no {error}") from error

    def _ask(self, method: str, url: str, body: bytes | None = None) -> bytes:
        """What is answered to a request; its origin is always the server's."""
        server, parts = self._server, urlsplit(url)
        connection: http.client.HTTPConnection
        if server.is_tls:
            connection = http.client.HTTPSConnection(
                server.host, server.port, timeout=self._timeout_seconds, context=self._trust
            )
        else:
            connection = http.client.HTTPConnection(
                server.host, server.port, timeout=self._timeout_seconds
            )
        headers = {"Authorization": self._authorization, "Accept": "*/*"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            answer = response.read(_ANSWER_BYTES)
        finally:
            connection.close()
        if response.status != http.client.OK:
            location = response.getheader("Location")
            told = f"to {location}" if location else answer[:300].decode("utf-8", "replace")
            raise ProbeFailed(
                f"answers {method} {parts.path} with {response.status} {response.reason} {told}"
            )
        return answer

    def call(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """One method call.

        Raises:
            ProbeFailed: it is answered by an error.
        """
        calls = [[method, {"accountId": self._account_id, **arguments}, "0"]]
        request = {"using": [_CORE, _MAIL], "methodCalls": calls}
        answer = json.loads(self._ask("POST", self._api, json.dumps(request).encode()))
        try:
            name, result, _ = answer["methodResponses"][0]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise ProbeFailed(f"answers {method} with no method response") from error
        if name != method:
            raise ProbeFailed(f"answers {method} with {json.dumps(result)}")
        found: dict[str, Any] = result
        return found

    def find(self, letters: Sequence[Letter]) -> dict[Way, tuple[str, str]]:
        """Ids and blob ids of those messages that are there."""
        if not letters:
            return {}
        found = self.call("Email/query", {"filter": {"subject": letters[0].token}})
        emails = self.call(
            "Email/get", {"ids": found["ids"], "properties": ["id", "blobId", "messageId"]}
        )
        ways = {letter.message_id.strip("<>"): letter.way for letter in letters}
        return {
            ways[message_id]: (email["id"], email["blobId"])
            for email in emails["list"]
            for message_id in email["messageId"] or ()
            if message_id in ways
        }

    def download(self, blob_id: str) -> bytes:
        """A message's bytes (RFC 8620 §6.2)."""
        url = self._download
        for name, value in {
            "accountId": self._account_id,
            "blobId": blob_id,
            "name": "message.eml",
            "type": "message/rfc822",
        }.items():
            url = url.replace(f"{{{name}}}", quote(value, safe=""))
        return self._ask("GET", url)
