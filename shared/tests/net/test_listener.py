"""Listeners over sockets: the true peer, limits, and what does not become a connection."""

import asyncio
import contextlib
import socket
import ssl
import struct

import pytest

from mailquay.net.limits import ConnectionCounter
from mailquay.net.listener import Listener
from mailquay.net.stream import Stream
from mailquay.net.tls import TlsContexts
from mailquay.runtime.settings import NetSettings, TlsSettings

LOOPBACK = {"proxy_protocol_from": ("127.0.0.0/8",)}


async def tell_peer(stream):
    """Serve: the peer's address, then an echo of what comes."""
    stream.write(f"{stream.peer.address} {stream.peer.port} {stream.tls or 'clear'}\r\n".encode())
    while data := await stream.read():
        stream.write(data)
        await stream.drain()


@pytest.fixture
def tls(certificates):
    return TlsContexts(
        TlsSettings(certificate_file=certificates.certificate_file, key_file=certificates.key_file)
    )


async def connect(listener, *, context: ssl.SSLContext | None = None):
    return await asyncio.open_connection(
        "127.0.0.1",
        listener.port,
        ssl=context,
        server_hostname="localhost" if context else None,
    )


async def test_a_client_is_served_as_itself(listen):
    listener = listen(tell_peer)
    reader, writer = await connect(listener)
    port = writer.get_extra_info("sockname")[1]
    assert await reader.readline() == f"127.0.0.1 {port} clear\r\n".encode()
    writer.close()


def v2_header(source: str, port: int) -> bytes:
    addresses = socket.inet_aton(source) * 2 + struct.pack("!HH", port, 25)
    return b"\r\n\r\n\x00\r\nQUIT\n" + struct.pack("!BBH", 0x21, 0x11, 12) + addresses


HEADERS = [b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 25\r\n", v2_header("192.0.2.7", 4711)]


@pytest.mark.parametrize("header", HEADERS, ids=["v1", "v2"])
@pytest.mark.parametrize("is_split", [False, True], ids=["whole", "in pieces"])
async def test_a_balancer_tells_who_the_client_is(listen, header, is_split):
    listener = listen(tell_peer, **LOOPBACK)
    reader, writer = await connect(listener)
    if is_split:
        for byte in header:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
    writer.write(b"" if is_split else header)
    writer.write(b"hello\r\n")
    assert await reader.readline() == b"192.0.2.7 4711 clear\r\n"
    assert await reader.readline() == b"hello\r\n", "not a byte more was taken than the header"
    writer.close()


LOCAL = b"\r\n\r\n\x00\r\nQUIT\n" + struct.pack("!BBH", 0x20, 0x00, 0)


@pytest.mark.parametrize("check", [b"PROXY UNKNOWN\r\n", LOCAL], ids=["v1", "v2"])
async def test_the_balancers_own_check_is_served(listen, check):
    listener = listen(tell_peer, **LOOPBACK)
    reader, writer = await connect(listener)
    writer.write(check)
    assert (await reader.readline()).startswith(b"127.0.0.1 ")
    writer.close()


async def test_a_balancer_without_header_is_cut_off(listen):
    listener = listen(tell_peer, **LOOPBACK)
    reader, writer = await connect(listener)
    writer.write(b"EHLO client.example\r\n")
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b""
    writer.close()


async def test_a_header_of_anyone_else_is_not_believed(listen):
    listener = listen(tell_peer, proxy_protocol_from=("192.0.2.0/24",))
    reader, writer = await connect(listener)
    writer.write(HEADERS[0])
    assert (await reader.readline()).startswith(b"127.0.0.1 ")
    assert await reader.readline() == HEADERS[0]
    writer.close()


async def test_the_header_comes_before_tls(listen, tls, certificates):
    listener = listen(tell_peer, tls=tls, **LOOPBACK)
    context = ssl.create_default_context(cafile=str(certificates.ca_file))

    def talk() -> bytes:
        with socket.create_connection(("127.0.0.1", listener.port), timeout=10) as plain:
            plain.sendall(HEADERS[1])
            with context.wrap_socket(plain, server_hostname="localhost") as secure:
                return secure.recv(1000)

    answer = await asyncio.to_thread(talk)
    assert answer.startswith(b"192.0.2.7 4711 TLSv1.3 cipher ")


async def test_too_many_connections_are_told_so(listen):
    listener = listen(tell_peer, max_connections_per_address=1)
    reader, writer = await connect(listener)
    await reader.readline()
    refused, other = await connect(listener)
    assert await refused.read() == b"421 busy\r\n"
    other.close()
    writer.close()
    await writer.wait_closed()
    async with asyncio.timeout(10):
        while True:  # the slot is free again as soon as the server has seen the end
            reader, writer = await connect(listener)
            if (await reader.readline()).startswith(b"127.0.0.1 "):
                break
            writer.close()
    writer.close()


async def test_limits_count_the_client_and_not_the_balancer(listen):
    listener = listen(tell_peer, max_connections_per_address=1, **LOOPBACK)
    writers = []
    for number in range(3):
        reader, writer = await connect(listener)
        writer.write(f"PROXY TCP4 192.0.2.{number} 198.51.100.1 1 25\r\n".encode())
        assert (await reader.readline()).startswith(f"192.0.2.{number} ".encode())
        writers.append(writer)
    for writer in writers:
        writer.close()


async def test_a_failed_handshake_gives_its_slot_back(listen, tls):
    listener = listen(tell_peer, tls=tls, max_connections_per_address=1)
    for _ in range(3):
        reader, writer = await connect(listener)
        writer.write(b"this is no TLS\r\n")
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()
    async with asyncio.timeout(10):
        while listener._counter.total:
            await asyncio.sleep(0.01)


async def test_stopping_ends_what_is_still_opening(listen, tls):
    listener = listen(tell_peer, tls=tls)
    reader, writer = await connect(listener)
    async with asyncio.timeout(10):
        while not listener._opening:
            await asyncio.sleep(0.01)
    await listener.stop()
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    assert listener._counter.total == 0
    writer.close()


@pytest.mark.parametrize("inside_tls", [False, True], ids=["clear", "tls"])
async def test_stopping_serves_whom_the_kernel_has_connected(listen, tls, certificates, inside_tls):
    listener = listen(tell_peer, tls=tls if inside_tls else None, drain_seconds=60)
    context = ssl.create_default_context(cafile=str(certificates.ca_file))
    late = [socket.create_connection(("127.0.0.1", listener.port)) for _ in range(100)]

    def greeting(client: socket.socket) -> bytes:
        client.settimeout(20)
        if inside_tls:
            client = context.wrap_socket(client, server_hostname="localhost")
        with client:
            return client.recv(1000)

    stopping = asyncio.create_task(listener.stop())  # before any of them was taken
    greetings = await asyncio.gather(*(asyncio.to_thread(greeting, each) for each in late))
    await stopping
    assert [each.partition(b" ")[0] for each in greetings] == [b"127.0.0.1"] * 100
    with pytest.raises(ConnectionRefusedError):
        await connect(listener)


def test_a_port_that_is_taken_is_named():
    settings = NetSettings()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}"):
            Listener(
                "smtp",
                lambda peer, slot: Stream(peer, slot, tell_peer),
                settings=settings,
                counter=ConnectionCounter(settings),
                port=port,
                tls=None,
                busy=b"",
            )


async def test_ipv4_through_an_ipv6_socket_is_served_as_ipv4(listen):
    try:
        listener = listen(tell_peer, bind="::")
    except OSError:
        pytest.skip("there is no IPv6 here")
    reader, writer = await connect(listener)
    assert (await reader.readline()).startswith(b"127.0.0.1 ")
    writer.close()
