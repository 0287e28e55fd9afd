"""Bounds: errors, silence, connections; drain; the PROXY protocol; storage that is away."""

import os
import shutil
import struct
import time

import pytest

from mailquay.testing.lines import LineClient


@pytest.fixture(scope="module")
def site_settings():
    return {"SMTP_IN__MAX_ERRORS": "5", "SMTP_IN__MAX_MESSAGE_BYTES": "100000"}


def begin(client, name: bytes = b"alice") -> None:
    assert client.ask(b"MAIL FROM:<a@example.net>").startswith(b"250 ")
    assert client.ask(b"RCPT TO:<" + name + b"@example.org>").startswith(b"250 ")


def test_too_many_errors_end_the_conversation(site):
    with site.client() as client:
        for _ in range(4):
            assert client.ask(b"NONSENSE").startswith(b"500 ")
        client.send(b"NONSENSE\r\nNOOP\r\n")
        assert client.rest() == (
            b"500 5.5.2 Command not recognized\r\n421 4.7.0 Too many errors\r\n"
        )


def test_guessing_recipients_is_an_error_each(site):
    with site.client() as client:
        client.ask(b"MAIL FROM:<a@example.net>")
        for _ in range(5):
            assert client.ask(b"RCPT TO:<nobody@example.org>").startswith(b"550 ")
        assert client.reply() == b"421 4.7.0 Too many errors"


def test_a_client_that_delivers_is_forgiven(site):
    with site.client() as client:
        for _ in range(3):
            for _ in range(4):
                client.ask(b"NONSENSE")
            begin(client)
            client.ask(b"DATA")
            assert client.ask(b"Subject: x\r\n\r\nx\r\n.").startswith(b"250 ")


def test_a_list_with_some_dead_addresses_gets_through(site):
    with site.client() as client:
        client.ask(b"MAIL FROM:<a@example.net>")
        for number in range(40):
            assert client.ask(b"RCPT TO:<alice+%d@example.org>" % number).startswith(b"250 ")
            assert client.ask(b"RCPT TO:<nobody@example.org>").startswith(b"550 ")


def test_what_is_too_large_by_its_own_word_is_refused_and_no_mistake(site):
    with site.client() as client:
        for _ in range(10):
            reply = client.ask(b"MAIL FROM:<a@example.net> SIZE=100001")
            assert reply == b"552 5.3.4 The message is too large"
        begin(client)
        client.ask(b"DATA")
        assert client.ask(b"x" * 100_000 + b"\r\n.") == b"552 5.3.4 The message is too large"
        begin(client)
        client.ask(b"DATA")
        assert client.ask(b"x" * 99_998 + b"\r\n.").startswith(b"250 ")


def test_a_line_without_end_is_not_kept(site):
    with site.client() as client:
        for _ in range(200):
            client.send(b"x" * 50_000)
        assert client.ask(b"").startswith(b"500 5.5.2 Command line too long")
        assert client.ask(b"NOOP") == b"250 2.0.0 Ok"


def test_silence_is_ended_in_a_command_and_in_a_message(deployment, site):
    service = deployment.start("smtp-in", SMTP_IN__COMMAND_TIMEOUT_SECONDS="0.5")
    goodbye = b"421 4.4.2 Nothing was heard for too long"
    with LineClient(service.ports["smtp"]) as silent, LineClient(service.ports["smtp"]) as slow:
        assert silent.reply().startswith(b"220 ")
        assert slow.reply().startswith(b"220 ")
        slow.ask(b"EHLO x")
        begin(slow)
        slow.ask(b"DATA")
        slow.send(b"Subject: x\r\n")
        assert silent.reply() == goodbye
        assert silent.line() == b""
        assert slow.reply() == goodbye
        assert slow.line() == b""
    service.stop()


def test_a_drip_does_not_keep_a_line_or_a_message_open(deployment, site):
    service = deployment.start(
        "smtp-in", SMTP_IN__COMMAND_TIMEOUT_SECONDS="1", SMTP_IN__DATA_TIMEOUT_SECONDS="1.5"
    )
    for is_message in (False, True):
        with LineClient(service.ports["smtp"]) as client:
            client.reply()
            if is_message:
                client.ask(b"EHLO x")
                begin(client)
                client.ask(b"DATA")
            client.socket.settimeout(0.2)
            deadline = time.monotonic() + 20
            reply = None
            while reply is None:
                assert time.monotonic() < deadline
                try:
                    client.send(b"x")
                    reply = client.line()
                except TimeoutError:
                    continue
                except OSError:
                    break
            assert reply in (b"421 4.4.2 Nothing was heard for too long", b"", None)
    service.stop()


def test_connections_of_one_client_are_limited(deployment, site):
    service = deployment.start("smtp-in", NET__MAX_CONNECTIONS_PER_ADDRESS="2")
    clients = [LineClient(service.ports["smtp"]) for _ in range(2)]
    assert all(client.reply().startswith(b"220 ") for client in clients)
    with LineClient(service.ports["submission"]) as refused:
        assert refused.rest() == b"421 4.7.0 Too many connections, try again later\r\n"
    for client in clients:
        client.socket.close()
    service.stop()


def header_v1(source: str) -> bytes:
    return f"PROXY TCP4 {source} 198.51.100.1 4711 25\r\n".encode()


def header_v2(source: str) -> bytes:
    packed = bytes(int(n) for n in source.split(".")) * 2 + struct.pack("!HH", 4711, 25)
    return b"\r\n\r\n\x00\r\nQUIT\n" + struct.pack("!BBH", 0x21, 0x11, 12) + packed


@pytest.mark.parametrize("header", [header_v1, header_v2])
def test_behind_a_balancer_the_client_is_known(deployment, site, header):
    service = deployment.start("smtp-in", NET__PROXY_PROTOCOL_FROM='["127.0.0.0/8"]')
    for port, greeting, address in (
        ("smtp", b"EHLO real.example", "192.0.2.77"),
        ("lmtp", b"LHLO front.example", "192.0.2.79"),
    ):
        with LineClient(service.ports[port]) as client:
            client.send(header(address) + greeting + b"\r\n")
            assert client.reply().startswith(b"220 ")
            assert client.reply().startswith(b"250-")
            begin(client)
            client.ask(b"DATA")
            assert client.ask(b"Subject: %s\r\n\r\nx\r\n." % greeting).startswith(b"250 ")
        told = b"from %s ([%s])" % (greeting.split()[1], address.encode())
        assert told in site.inbox("alice@example.org")[-1]
    with LineClient(service.ports["submissions"]) as client:
        client.send(header("192.0.2.78"))
        client.start_tls(site.tls)
        assert client.reply().startswith(b"220 ")
    with LineClient(service.ports["smtp"]) as client:
        client.send(b"EHLO direct.example\r\n")
        assert client.rest() == b""
    service.stop()


# drain


def test_an_idle_client_is_told_that_the_service_goes(deployment, site):
    service = deployment.start("smtp-in", NET__DRAIN_SECONDS="10")
    clients = [LineClient(service.ports[name]) for name in ("smtp", "submission", "lmtp")]
    for client in clients:
        assert client.reply().startswith(b"220 ")
    service.child.ask_to_stop()
    for client in clients:
        assert client.reply() == b"421 4.3.2 Service is restarting, please come back"
        assert client.line() == b""
        client.socket.close()
    service.stop()


def test_a_message_on_its_way_is_finished_before_the_service_goes(deployment, site):
    service = deployment.start("smtp-in", NET__DRAIN_SECONDS="20")
    idle = LineClient(service.ports["smtp"])
    idle.reply()
    with LineClient(service.ports["smtp"]) as client:
        client.reply()
        client.ask(b"EHLO x")
        begin(client, b"bob")
        client.ask(b"DATA")
        client.send(b"Subject: last\r\n\r\n")
        service.child.ask_to_stop()
        assert idle.reply().startswith(b"421 "), "it drains"
        client.send(b"words\r\n.\r\n")
        assert client.reply().startswith(b"250 2.6.0 ")
        assert client.reply() == b"421 4.3.2 Service is restarting, please come back"
        assert client.line() == b""
    idle.socket.close()
    assert site.inbox("bob@example.org")[-1].endswith(b"Subject: last\r\n\r\nwords\r\n")
    service.stop()


def test_a_transaction_that_has_begun_is_finished_before_the_service_goes(deployment, site):
    service = deployment.start("smtp-in", NET__DRAIN_SECONDS="20")
    idle = LineClient(service.ports["smtp"])
    idle.reply()
    with LineClient(service.ports["smtp"]) as client:
        client.reply()
        client.ask(b"EHLO x")
        begin(client, b"bob")
        service.child.ask_to_stop()
        assert idle.reply().startswith(b"421 "), "it drains"
        assert client.ask(b"DATA").startswith(b"354 ")
        assert client.ask(b"Subject: begun\r\n\r\nwords\r\n.").startswith(b"250 2.6.0 ")
        assert client.reply() == b"421 4.3.2 Service is restarting, please come back"
        assert client.line() == b""
    idle.socket.close()
    assert site.inbox("bob@example.org")[-1].endswith(b"Subject: begun\r\n\r\nwords\r\n")
    service.stop()
    assert service.child.poll() == 0


def test_who_does_not_finish_in_time_is_told_to_come_back(deployment, site):
    service = deployment.start("smtp-in", NET__DRAIN_SECONDS="0.5")
    with LineClient(service.ports["smtp"]) as client:
        client.reply()
        client.ask(b"EHLO x")
        begin(client)
        client.ask(b"DATA")
        client.send(b"Subject: never\r\n\r\n")
        service.child.ask_to_stop()
        assert client.rest() == b"421 4.3.2 Service is restarting, please come back\r\n"
    service.stop()


def test_handshakes_that_fail_do_not_hold_the_drain_up(deployment, site):
    service = deployment.start("smtp-in", NET__DRAIN_SECONDS="60")
    for _ in range(5):
        with LineClient(service.ports["submissions"]) as client:
            client.send(b"this is no TLS\r\n")
            client.rest()
    hanging = LineClient(service.ports["submissions"])
    service.child.ask_to_stop()
    deadline = time.monotonic() + 20
    while service.child.is_running:
        assert time.monotonic() < deadline, "it waits for what is no session"
        time.sleep(0.02)
    hanging.socket.close()


# storage


def test_a_store_of_bodies_that_is_away_is_451_and_nothing_is_acknowledged(deployment, site):
    folder = deployment.folder / "away"
    service = deployment.start("smtp-in", BLOBS__URL=f"file://{folder}/blobs")
    shutil.rmtree(folder)
    folder.write_text("no folder")
    before = site.inbox("alice@example.org")
    with LineClient(service.ports["smtp"]) as client:
        client.reply()
        client.ask(b"EHLO x")
        begin(client)
        client.ask(b"DATA")
        reply = client.ask(b"Subject: lost\r\n\r\nx\r\n.")
        assert reply == b"451 4.3.0 Cannot store mail at the moment, try again later"
        assert client.ask(b"NOOP") == b"250 2.0.0 Ok"
    assert site.inbox("alice@example.org") == before
    os.unlink(folder)
    service.stop()
