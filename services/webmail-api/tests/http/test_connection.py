"""What one connection may do, over raw sockets."""

import socket
import time

import httpx
import pytest


@pytest.fixture
def connection(web):
    with socket.create_connection(("127.0.0.1", web.ports["http"]), timeout=20) as connection:
        yield connection


def read_all(connection: socket.socket) -> bytes:
    data = b""
    try:
        while chunk := connection.recv(65536):
            data += chunk
    except ConnectionResetError:
        pass
    return data


def test_a_head_that_does_not_end_is_not_held(connection):
    connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
    with_all_sent = 0
    try:
        while with_all_sent < 16 * 1024 * 1024:
            connection.sendall(b"X: " + b"y" * 4096 + b"\r\n")
            with_all_sent += 4101
    except (BrokenPipeError, ConnectionResetError):
        pass
    assert with_all_sent < 16 * 1024 * 1024
    answer = read_all(connection)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")


def test_pipelined_requests_are_answered_in_order(connection):
    request = b"GET /auth/session HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    connection.sendall(request * 20 + last)
    answer = read_all(connection)
    assert answer.count(b"HTTP/1.1 401 ") == 20
    assert answer.count(b"HTTP/1.1 404 ") == 1
    assert answer.rindex(b"HTTP/1.1 404 ") > answer.rindex(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nNo colon\r\n\r\n"]
)
def test_what_is_no_http_is_refused(connection, garbage):
    connection.sendall(garbage + b"\r\n\r\n")
    assert read_all(connection).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"GET / HTTP/1.1\r\nHo",
        b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 99\r\n\r\n{",
    ],
)
def test_a_request_that_never_arrives_is_given_up(deployment, start):
    web = deployment.start("webmail-api", WEB__REQUEST_TIMEOUT_SECONDS="0.5")
    with socket.create_connection(("127.0.0.1", web.ports["http"]), timeout=20) as connection:
        connection.sendall(start)
        answer = read_all(connection)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")


def test_more_connections_than_may_be_are_told_so(deployment):
    web = deployment.start("webmail-api", NET__MAX_CONNECTIONS_PER_ADDRESS="2")
    address = ("127.0.0.1", web.ports["http"])
    with socket.create_connection(address) as one, socket.create_connection(address) as two:
        for connection in (one, two):
            connection.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 404 ")
        with socket.create_connection(address, timeout=20) as three:
            assert read_all(three).startswith(b"HTTP/1.1 503 ")


def test_a_service_that_stops_tells_a_kept_connection_with_its_next_answer(deployment):
    web = deployment.start("webmail-api", NET__DRAIN_SECONDS="60")
    request = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", web.ports["http"]), timeout=20) as connection:
        connection.sendall(request)
        first = b""
        while not first.endswith(b"}"):
            first += connection.recv(65536)
        assert b"\r\nconnection: close\r\n" not in first.lower()
        web.child.ask_to_stop()
        until_not_ready(web.ports["metrics"])
        connection.sendall(request)
        answer = read_all(connection)
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert b"\r\nconnection: close\r\n" in answer.lower()
    web.stop()
    assert web.child.poll() == 0


def until_not_ready(port):
    deadline = time.monotonic() + 20
    while httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_workers_share_the_port_and_one_that_stops_loses_nothing(deployment):
    first = deployment.start("webmail-api")
    port = first.ports["http"]
    second = deployment.start("webmail-api", WEB__PORT=str(port))
    assert second.ports["http"] == port
    first.stop()
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert read_all(connection).startswith(b"HTTP/1.1 404 ")
