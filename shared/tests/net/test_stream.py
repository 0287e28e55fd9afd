"""Streams over sockets: half-closed clients, slow ones, floods, and TLS in the middle."""

import asyncio
import ssl

import pytest

from mailquay.net import stream as stream_module
from mailquay.net.tls import TlsContexts
from mailquay.runtime.settings import TlsSettings


async def connect(listener):
    return await asyncio.open_connection("127.0.0.1", listener.port)


async def test_a_half_closed_client_is_answered(listen):
    async def serve(stream):
        heard = b""
        while data := await stream.read():
            heard += data
        stream.write(b"you said " + heard)
        await stream.drain()

    reader, writer = await connect(listen(serve))
    writer.write(b"all at once")
    writer.write_eof()
    assert await reader.read() == b"you said all at once"
    writer.close()


async def test_a_flood_is_read_no_further_than_the_bound(listen):
    sizes: list[int] = []
    go_on = asyncio.Event()

    async def serve(stream):
        await go_on.wait()
        total = 0
        while data := await stream.read():
            sizes.append(len(data))
            total += len(data)
        stream.write(str(total).encode())

    reader, writer = await connect(listen(serve))
    flood = bytes(20 * 1024 * 1024)
    writer.write(flood)
    writer.write_eof()
    async with asyncio.timeout(10):
        while writer.transport.get_write_buffer_size() == len(flood):
            await asyncio.sleep(0.01)
    go_on.set()
    assert await reader.read() == str(len(flood)).encode()
    assert max(sizes) < 2 * 1024 * 1024
    writer.close()


async def test_a_client_that_takes_nothing_is_cut_off(listen, monkeypatch):
    monkeypatch.setattr(stream_module, "WRITE_SECONDS", 0.2)
    ended: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()

    async def serve(stream):
        try:
            for _ in range(1000):
                stream.write(bytes(1024 * 1024))
                await stream.drain()
        except TimeoutError as error:
            ended.set_result(error)
        else:
            ended.set_result(None)

    listener = listen(serve)
    _, writer = await connect(listener)
    writer.transport.pause_reading()
    async with asyncio.timeout(20):
        assert isinstance(await ended, TimeoutError)
        while listener._counter.total:
            await asyncio.sleep(0.01)
    writer.transport.abort()


async def test_what_is_written_last_is_not_waited_for_without_end(listen, monkeypatch):
    monkeypatch.setattr(stream_module, "CLOSE_SECONDS", 0.2)

    async def serve(stream):
        stream.write(bytes(50 * 1024 * 1024))
        stream.close()

    listener = listen(serve)
    _, writer = await connect(listener)
    writer.transport.pause_reading()
    async with asyncio.timeout(20):
        while not listener._counter.total:
            await asyncio.sleep(0.01)
        while listener._counter.total:
            await asyncio.sleep(0.01)
    writer.transport.abort()


async def test_several_may_wait_for_a_slow_client(listen):
    done = asyncio.Event()

    async def serve(stream):
        stream.write(bytes(20 * 1024 * 1024))
        await asyncio.gather(stream.drain(), stream.drain(), stream.drain())
        done.set()

    reader, writer = await connect(listen(serve))
    assert len(await reader.readexactly(20 * 1024 * 1024)) == 20 * 1024 * 1024
    async with asyncio.timeout(10):
        await done.wait()
    writer.close()


async def test_nothing_said_in_the_clear_is_heard_inside_tls(listen, certificates):
    contexts = TlsContexts(
        TlsSettings(certificate_file=certificates.certificate_file, key_file=certificates.key_file)
    )

    async def serve(stream):
        while b"go\r\n" not in await stream.read():
            pass
        stream.write(b"now\r\n")
        await stream.start_tls(contexts.server_context())
        stream.write(f"{stream.tls}\r\n".encode())
        while data := await stream.read():
            stream.write(b"heard " + data)

    reader, writer = await connect(listen(serve))
    writer.write(b"go\r\ninjected\r\n")
    assert await reader.readline() == b"now\r\n"
    context = ssl.create_default_context(cafile=str(certificates.ca_file))
    await writer.start_tls(context, server_hostname="localhost")
    assert (await reader.readline()).startswith(b"TLSv1.3 cipher TLS_")
    writer.write(b"secret\r\n")
    assert await reader.readline() == b"heard secret\r\n"
    writer.close()


async def test_a_failed_upgrade_ends_the_connection(listen, certificates):
    contexts = TlsContexts(
        TlsSettings(certificate_file=certificates.certificate_file, key_file=certificates.key_file)
    )
    failed: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

    async def serve(stream):
        await stream.read()
        stream.write(b"now\r\n")
        try:
            await stream.start_tls(contexts.server_context())
        except (OSError, ssl.SSLError) as error:
            failed.set_result(error)

    listener = listen(serve)
    reader, writer = await connect(listener)
    writer.write(b"go\r\n")
    assert await reader.readline() == b"now\r\n"
    writer.write(b"this is no handshake, but long enough to be looked at\r\n")
    async with asyncio.timeout(10):
        assert await failed
        while listener._counter.total:
            await asyncio.sleep(0.01)
    writer.transport.abort()


@pytest.mark.parametrize("method", ["close", "abort"])
async def test_what_is_said_after_the_end_is_dropped(listen, method):
    ended = asyncio.Event()

    async def serve(stream):
        stream.write(b"before")
        await stream.read()
        getattr(stream, method)()
        stream.write(b"after")
        await stream.drain()
        assert await stream.read() == b""
        ended.set()

    reader, writer = await connect(listen(serve))
    assert await reader.readexactly(6) == b"before"
    writer.write(b"x")
    try:
        assert await reader.read() == b""
    except ConnectionError:
        assert method == "abort"
    async with asyncio.timeout(10):
        await ended.wait()
    writer.close()
