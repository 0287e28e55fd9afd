"""COMPRESS=DEFLATE (RFC 4978): the same conversation, and bounds on what is taken."""

import asyncio
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay_imap import deflate as module
from mailquay_imap.deflate import Deflated


class Wire:
    """A stream's other side: chunks that come, and what was written."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = list(chunks)
        self.written = b""
        self.peer = None
        self.tls = None

    async def read(self) -> bytes:
        return self.chunks.pop(0) if self.chunks else b""

    def write(self, data: bytes) -> None:
        self.written += data

    async def drain(self) -> None:
        pass


def deflated(data: bytes) -> bytes:
    maker = zlib.compressobj(wbits=-15)
    return maker.compress(data) + maker.flush(zlib.Z_SYNC_FLUSH)


def inflated(data: bytes) -> bytes:
    return zlib.decompressobj(-15).decompress(data)


async def everything(stream: Deflated) -> list[bytes]:
    found = []
    while data := await stream.read():
        found.append(data)
    return found


@given(st.binary(max_size=2000), st.lists(st.integers(0, 2000)), st.integers(0, 50))
async def test_what_comes_does_not_depend_on_packets(data, cuts, already):
    packed = deflated(data)
    ends = sorted({min(cut, len(packed)) for cut in cuts} | {len(packed)})
    starts = [0, *ends[:-1]]
    chunks = [packed[a:b] for a, b in zip(starts, ends, strict=True) if a < b]
    received = b"".join(chunks[:1]) if already % 2 else b""
    stream = Deflated(Wire(*chunks[bool(received) :]), received)
    assert b"".join(await everything(stream)) == data


@given(st.lists(st.binary(max_size=3000)))
async def test_what_is_written_comes_out_in_its_order(pieces):
    wire = Wire()
    stream = Deflated(wire, b"")
    for piece in pieces:
        stream.write(piece)
    await stream.drain()
    assert inflated(wire.written) == b"".join(pieces)


async def test_what_is_large_keeps_its_place():
    wire = Wire()
    stream = Deflated(wire, b"")
    large = random.Random(1).randbytes(500_000)
    for piece in (b"before", large, b"between", large[:200_000], b"behind"):
        stream.write(piece)
    await stream.drain()
    assert inflated(wire.written) == b"before" + large + b"between" + large[:200_000] + b"behind"


async def test_a_bomb_is_taken_a_piece_at_a_time():
    bomb = deflated(bytes(20_000_000))
    assert len(bomb) < 25_000
    pieces = await everything(Deflated(Wire(bomb), b""))
    assert sum(map(len, pieces)) == 20_000_000
    assert max(map(len, pieces)) <= module._PIECE_BYTES


async def test_what_is_no_deflate_ends_the_connection():
    with pytest.raises(ConnectionAbortedError):
        await Deflated(Wire(b"\xff\xff\xff\xff"), b"").read()


async def test_an_ended_stream_is_an_ended_connection():
    maker = zlib.compressobj(wbits=-15)
    packed = maker.compress(b"a NOOP\r\n") + maker.flush(zlib.Z_FINISH)
    assert await everything(Deflated(Wire(packed, b"more"), b"")) == [b"a NOOP\r\n"]


class Compressing:
    """A client that has said COMPRESS."""

    def __init__(self, client) -> None:
        self._client = client
        self._pack = zlib.compressobj(wbits=-15)
        self._unpack = zlib.decompressobj(-15)
        self._text = b""

    def send(self, text: bytes) -> None:
        packed = self._pack.compress(text) + self._pack.flush(zlib.Z_SYNC_FLUSH)
        self._client.writer.write(packed)

    async def line(self) -> bytes:
        async with asyncio.timeout(20):
            while b"\r\n" not in self._text:
                data = await self._client.reader.read(65536)
                if not data:
                    return b""
                self._text += self._unpack.decompress(data)
        line, _, self._text = self._text.partition(b"\r\n")
        return line

    async def say(self, command: bytes) -> list[bytes]:
        self.send(b"t " + command + b"\r\n")
        lines = [await self.line()]
        while lines[-1] and not lines[-1].startswith(b"t "):
            lines.append(await self.line())
        return lines


async def test_a_conversation_goes_on_inside_deflate(start_imap):
    async with start_imap() as imap:
        client = await imap.sign_in()
        assert b" COMPRESS=DEFLATE" in (await client.say(b"CAPABILITY"))[0]
        assert (await client.say(b"COMPRESS LZ"))[-1] == b"t BAD that compression is not known\r\n"
        assert (await client.say(b"COMPRESS DEFLATE"))[-1] == b"t OK DEFLATE active\r\n"
        inside = Compressing(client)
        assert b"COMPRESS" not in (await inside.say(b"CAPABILITY"))[0]
        again = (await inside.say(b"COMPRESS DEFLATE"))[-1]
        assert again == b"t NO [COMPRESSIONACTIVE] DEFLATE is active already"
        body = random.Random(2).randbytes(300_000).hex().encode()
        literal = b"Subject: x\r\n\r\n" + body + b"\r\n"
        lines = await inside.say(b"APPEND INBOX {%d+}\r\n%b" % (len(literal), literal))
        assert lines[-1].startswith(b"t OK [APPENDUID ")
        await inside.say(b"SELECT INBOX")
        assert body in await inside.say(b"FETCH 1 BODY.PEEK[TEXT]")
        assert (await inside.say(b"LOGOUT"))[-1] == b"t OK LOGOUT completed"


async def test_compression_ends_when_the_client_is_nobody_again(start_imap):
    # RFC 8437 §4.1: for the server behind the OK, for the client behind the command.
    async with start_imap() as imap:
        client = await imap.sign_in(b"COMPRESS DEFLATE")
        inside = Compressing(client)
        assert (await inside.say(b"UNAUTHENTICATE"))[-1].startswith(b"t OK [CAPABILITY ")
        assert (await client.say(b"NOOP"))[-1] == b"t OK NOOP completed\r\n"
        assert (await client.say(b"LOGIN ann@example.org secret"))[-1].startswith(b"t OK")
        assert (await client.say(b"COMPRESS DEFLATE"))[-1] == b"t OK DEFLATE active\r\n"
        again = Compressing(client)
        # What is pipelined behind the end of the client's stream is in the clear (RFC 8437 §3).
        unauthenticate = again._pack.compress(b"u UNAUTHENTICATE\r\n") + again._pack.flush()
        client.send(unauthenticate + b"v NOOP\r\n")
        plain = b"v OK NOOP completed\r\n"
        async with asyncio.timeout(20):
            said = await client.reader.readuntil(plain)
        assert again._unpack.decompress(said.removesuffix(plain)).startswith(b"u OK [CAPABILITY ")
        assert (await client.say(b"LOGIN ann@example.org secret"))[-1].startswith(b"t OK")
        await client.say(b"COMPRESS DEFLATE")
        again = Compressing(client)
        assert (await again.say(b"LOGOUT"))[-1] == b"t OK LOGOUT completed"


@pytest.mark.parametrize("ending", [b"", b"\x03\x00"], ids=["flushed", "ended behind a flush"])
async def test_plain_text_may_follow_a_flush_with_which_compression_ends(start_imap, ending):
    async with start_imap() as imap:
        client = await imap.sign_in(b"COMPRESS DEFLATE")
        inside = Compressing(client)
        command = inside._pack.compress(b"u UNAUTHENTICATE\r\n")
        client.send(command + inside._pack.flush(zlib.Z_SYNC_FLUSH) + ending + b"v NOOP\r\n")
        plain = b"v OK NOOP completed\r\n"
        async with asyncio.timeout(20):
            said = await client.reader.readuntil(plain)
        assert inside._unpack.decompress(said.removesuffix(plain)).startswith(b"u OK [CAPABILITY ")


async def test_what_comes_with_the_command_is_compressed_already(start_imap):
    async with start_imap() as imap:
        client = await imap.sign_in()
        inside = Compressing(client)
        client.send(b"a COMPRESS DEFLATE\r\n" + inside._pack.compress(b"b NOOP\r\n")
                    + inside._pack.flush(zlib.Z_SYNC_FLUSH))  # fmt: skip
        assert await client.line() == b"a OK DEFLATE active\r\n"
        assert await inside.line() == b"b OK NOOP completed"


async def test_limits_hold_inside_deflate(start_imap):
    async with start_imap(max_command_bytes=8192) as imap:
        client = await imap.sign_in(b"COMPRESS DEFLATE")
        inside = Compressing(client)
        inside.send(b"a NOOP " + bytes([120]) * 3_000_000)
        assert await inside.line() == b"* BYE [TOOBIG] The command line is too long"
        garbage = await imap.sign_in(b"COMPRESS DEFLATE")
        garbage.send(b"\xff\xff\xff\xff NOOP\r\n")
        assert await garbage.rest() == b""
