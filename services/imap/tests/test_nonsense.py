"""Commands put together at random: each is answered, and none finds a fault of ours."""

import random

import pytest

_WORDS = [
    b"SELECT", b"EXAMINE", b"CREATE", b"DELETE", b"RENAME", b"SUBSCRIBE", b"UNSUBSCRIBE", b"LIST",
    b"LSUB", b"STATUS", b"APPEND", b"FETCH", b"STORE", b"SEARCH", b"COPY", b"MOVE", b"EXPUNGE",
    b"SORT", b"THREAD", b"REPLACE", b"ESEARCH", b"LANGUAGE", b"UID", b"ENABLE", b"ID", b"GETQUOTA", b"GETQUOTAROOT", b"CLOSE", b"NAMESPACE", b"NOOP",
]  # fmt: skip
_ARGUMENTS = [
    b"INBOX", b"a", b"a/b", b'"a b"', b'""', b'"&"', b'"&AOk-"', b'"x\xc3\xa9"', b'"\xff"',
    b'"a\x01b"', b'"&2D3cAA-"', b"&AAA-", b"&AA0ACg-", b"{3+}\r\na\xc3\xa9", b"{2+}\r\n\xc3(",
    b"{1+}\r\n\0", b"~{1+}\r\n\0", b"{14+}\r\nSubject: x\r\n\r\n", b"1", b"*", b"1:*", b"$", b"9:1",
    b"4294967295", b"()", b"(FLAGS)", b"(UID BODY[])", b"(BODY[1.MIME]<0.9>)", b"BINARY[1]",
    b"BODY[HEADER.FIELDS (Subject)]", b"BINARY.SIZE[]", b"FULL", b"+FLAGS", b"-FLAGS.SILENT",
    b"FLAGS", b"(\\Seen \\Deleted)", b"(a B)", b"\\Answered", b"(CHANGEDSINCE 1)", b"ALL",
    b"(UNCHANGEDSINCE 9223372036854775807)", b"RETURN (SAVE)", b"RETURN (MIN MAX COUNT)",
    b"CHARSET utf-7 SUBJECT +2AA-", b"SUBJECT \"%_\\\\\"", b"HEADER x \"\"", b"NOT", b"OR", b"(",
    b"SENTON 1-Jan-0001", b"SINCE 31-Dec-9999", b"BEFORE 1-Jan-0001", b"LARGER 9223372036854775807",
    b"TEXT x", b"KEYWORD a", b"EMAILID E1", b"THREADID T999999999999999999", b"MODSEQ 1", b"NIL",
    b"(MESSAGES RECENT HIGHESTMODSEQ)", b"(STATUS)", b"RETURN (STATUS (SIZE) CHILDREN)", b"%",
    b"(SUBSCRIBED RECURSIVEMATCH)", b'"01-Jan-0001 00:00:00 +0000"', b"IMAP4rev2", b"CONDSTORE",
    b'"31-Dec-9999 23:59:59 +0000"', b"(USE (\\Sent))", b"(CONDSTORE)", b'("name" NIL)', b"\0",
    b"QRESYNC", b"(QRESYNC (1 1 1:9 (1 1)))", b"(CHANGEDSINCE 1 VANISHED)", b"(PARTIAL -1:-2)",
    b"(REVERSE DATE SUBJECT)", b"(DISPLAYFROM CC SIZE)", b"UTF-8", b"REFERENCES", b"REFS",
    b"ORDEREDSUBJECT", b"RETURN (PARTIAL 2:9 SAVE)", b"RETURN (ALL)", b"OLDER 1", b"YOUNGER 9",
    b"SAVEDON 1-Jan-2026", b"(SAVEDATE PREVIEW (LAZY))", b"PREVIEW", b"SAVEDATESUPPORTED",
    b"IN (selected personal)", b"IN (subtree INBOX)", b"IN (mailboxes (a INBOX))",
    b"FETCH", b"STORE", b"EXPUNGE", b"SORT", b"THREAD", b"\r", b'"', b"\\", b"]", b"\x7f", b"\xe9",
]  # fmt: skip


#: What is enabled before, by seed.
_ENABLED = [b"IMAP4rev2", b"QRESYNC", b"QRESYNC UIDONLY", b"CONDSTORE"]


@pytest.mark.parametrize("seed", range(8))
async def test_every_command_is_answered(start_imap, seed):
    chance = random.Random(seed)
    async with start_imap() as imap:
        client = await imap.sign_in(
            b"ENABLE " + _ENABLED[seed % 4], b"APPEND INBOX {14+}\r\nSubject: x\r\n\r\n",
            b"SELECT INBOX",
        )  # fmt: skip
        for _ in range(400):
            words = [chance.choice(_WORDS)]
            words += [chance.choice(_ARGUMENTS) for _ in range(chance.randint(0, 5))]
            command = b" ".join(words)
            lines = await client.say(command)
            assert lines[-1].startswith((b"t OK", b"t NO", b"t BAD")), (command, lines)
            assert not any(b"SERVERBUG" in line for line in lines), (command, lines)
            assert (await client.say(b"NOOP"))[-1] == b"t OK NOOP completed\r\n", command
