"""The service as a process, its accounts, and clients of it."""

import smtplib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from mailquay.store.accounts import Account
from mailquay.testing.deployment import PASSWORD, Deployment, ServiceProcess

USING = [
    "urn:ietf:params:jmap:core",
    "urn:ietf:params:jmap:mail",
    "urn:ietf:params:jmap:submission",
]


class Jmap:
    """One account's JMAP client, signed in by HTTP Basic."""

    def __init__(self, port: int, account: Account, password: str = PASSWORD) -> None:
        self.account = account
        self.account_id = f"A{account.id}"
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", auth=(account.address, password), timeout=20
        )

    def post(self, request: dict[str, Any]) -> httpx.Response:
        """Send a request as it is."""
        return self.http.post("/jmap/api", json=request)

    def calls(self, *calls: tuple[str, dict[str, Any]], **more: Any) -> list[list[Any]]:
        """Make calls with ids "0", "1", …; returns the responses."""
        methods = [
            [name, {"accountId": self.account_id, **arguments}, str(number)]
            for number, (name, arguments) in enumerate(calls)
        ]
        response = self.post({"using": USING, "methodCalls": methods, **more})
        assert response.status_code == 200, response.text
        return response.json()["methodResponses"]

    def call(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Make one call that succeeds; returns the arguments of its response."""
        answer, result, _ = self.calls((name, arguments))[0]
        assert answer == name, result
        return result

    def error(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Make one call that fails; returns its error."""
        answer, result, _ = self.calls((name, arguments))[0]
        assert answer == "error", result
        return result


@pytest.fixture(scope="module")
def web(deployment: Deployment) -> ServiceProcess:
    """The service."""
    return deployment.start("webmail-api")


@pytest.fixture(scope="module")
def smtp(deployment: Deployment) -> ServiceProcess:
    """Mail comes in here."""
    return deployment.start("smtp-in")


@pytest.fixture(scope="module")
def base_url(web: ServiceProcess) -> str:
    """Where the service is."""
    return f"http://127.0.0.1:{web.ports['http']}"


@pytest.fixture
def client(base_url: str) -> Iterator[httpx.Client]:
    """A client that has not signed in."""
    with httpx.Client(base_url=base_url, timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def anna(deployment: Deployment, web: ServiceProcess) -> Iterator[Jmap]:
    """Anna's client."""
    account = deployment.add_account("anna@example.org", display_name="Anna")
    jmap = Jmap(web.ports["http"], account)
    yield jmap
    jmap.http.close()


@pytest.fixture(scope="module")
def bert(deployment: Deployment, web: ServiceProcess) -> Iterator[Jmap]:
    """Bert's client."""
    account = deployment.add_account("bert@example.org", display_name="Bert")
    jmap = Jmap(web.ports["http"], account)
    yield jmap
    jmap.http.close()


@pytest.fixture
def sign_in(base_url: str) -> Iterator[Callable[..., httpx.Client]]:
    """Sign in as a browser: a client with the cookie that shows its CSRF token."""
    clients: list[httpx.Client] = []

    def sign_in(address: str, password: str = PASSWORD, *, url: str = base_url) -> httpx.Client:
        client = httpx.Client(base_url=url, timeout=20)
        clients.append(client)
        answer = client.post("/auth/login", json={"address": address, "password": password})
        assert answer.status_code == 200, answer.text
        client.headers["X-CSRF-Token"] = answer.json()["csrfToken"]
        return client

    yield sign_in
    for client in clients:
        client.close()


@pytest.fixture
def deliver(smtp: ServiceProcess) -> Callable[..., None]:
    """Hand a message to the MX."""

    def deliver(recipient: str, message: bytes, sender: str = "friend@elsewhere.example") -> None:
        with smtplib.SMTP("127.0.0.1", smtp.ports["smtp"], timeout=20) as client:
            refused = client.sendmail(sender, [recipient], message)
        assert not refused

    return deliver
