"""Commands as values: known answers, any bytes, and what is no command."""

import contextlib
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.errors import BadCharset, ProtocolError
from mailquay_imap.protocol.fetch import SimpleItem
from mailquay_imap.protocol.fragments import ClientData, Limits, RawCommand
from mailquay_imap.protocol.parser import parse_command, split_tag
from mailquay_imap.protocol.resync import Resync
from mailquay_imap.protocol.returns import Partial, Returns
from mailquay_imap.protocol.search import (
    AndKey,
    DateKey,
    FlagKey,
    HeaderKey,
    NotKey,
    OrKey,
    SearchProgram,
    SetKey,
    TextKey,
    WithinKey,
)
from mailquay_imap.protocol.sequence import SequenceSet
from mailquay_imap.protocol.sort import Algorithm, Criterion, SortKey
from mailquay_imap.protocol.sources import Source

MANY = 10_000_000


def commands(wire: bytes, *, is_utf8: bool = False) -> list[c.Command]:
    data = ClientData(Limits(MANY, MANY))
    data.receive_data(wire)
    found = []
    while isinstance(event := data.next_event(), RawCommand):
        found.append(parse_command(event, is_utf8=is_utf8).command)
    assert event is None
    return found


def numbers(*ranges: tuple[int, int]) -> SequenceSet:
    return SequenceSet(ranges)


MESSAGE = c.AppendMessage(("\\Seen", "$a"), datetime(2026, 2, 1, 9, tzinfo=UTC), b"hi")
KNOWN = [
    (b"a CAPABILITY", c.Capability()),
    (b"a noop ", c.Noop()),
    (b'a LOGIN "a\\"\\\\b" p]w', c.Login('a"\\b', "p]w")),
    (b"a LOGIN {3+}\r\na b {0+}\r\n", c.Login("a b", "")),
    (b"a AUTHENTICATE PLAIN", c.Authenticate("PLAIN", None)),
    (b"a AUTHENTICATE plain =", c.Authenticate("PLAIN", b"=")),
    (b"a ENABLE imap4rev2 X", c.Enable(("IMAP4REV2", "X"))),
    (b"a SELECT iNbOx", c.Select("INBOX", read_only=False, condstore=False)),
    (b"a EXAMINE &AOk- (condstore)", c.Select("é", read_only=True, condstore=True)),
    (b"a CREATE foo/ (USE (\\Sent \\Junk))", c.Create("foo/", ("\\SENT", "\\JUNK"))),
    (b'a RENAME "a b" c', c.Rename("a b", "c")),
    (b"a UNSUBSCRIBE x", c.Subscribe("x", on=False)),
    (b'a LIST "" *', c.List("", ("*",))),
    (
        b'a LIST (SUBSCRIBED RECURSIVEMATCH) r (a% "b") RETURN (CHILDREN STATUS (SIZE))',
        c.List(
            "r", ("a%", "b"), only_subscribed=True, recursive=True, is_extended=True,
            returns=c.ListReturn(children=True, status=("SIZE",)),
        ),
    ),
    (b'a LSUB "" %', c.Lsub("", "%")),
    (b"a STATUS x (messages UIDNEXT)", c.Status("x", ("MESSAGES", "UIDNEXT"))),
    (
        b'a APPEND x (\\Seen $a) " 1-Feb-2026 10:00:00 +0100" {2+}\r\nhi',
        c.Append("x", (MESSAGE,)),
    ),
    (b"a APPEND x ~{2+}\r\n\0\0", c.Append("x", (c.AppendMessage((), None, b"\0\0"),))),
    (
        b'a APPEND x (\\Seen $a) " 1-Feb-2026 10:00:00 +0100" {2+}\r\nhi {1+}\r\nx',
        c.Append("x", (MESSAGE, c.AppendMessage((), None, b"x"))),
    ),
    (
        b'a UID REPLACE 7 x (\\Seen $a) " 1-Feb-2026 10:00:00 +0100" {2+}\r\nhi',
        c.Replace(numbers((7, 7)), "x", MESSAGE, by_uid=True),
    ),
    (
        b"a SELECT x (QRESYNC (7 9 1:5,9 (1,3 1,4)) CONDSTORE)",
        c.Select(
            "x", read_only=False, condstore=True,
            resync=Resync(
                7, 9, numbers((1, 5), (9, 9)),
                (numbers((1, 1), (3, 3)), numbers((1, 1), (4, 4))),
            ),
        ),
    ),
    (b"a EXAMINE x (QRESYNC (7 9))", c.Select("x", read_only=True, resync=Resync(7, 9))),
    (
        b"a UID SORT RETURN (COUNT PARTIAL -9:-3) (REVERSE DATE SUBJECT) UTF-8 OLDER 60",
        c.Sort(
            (Criterion(SortKey.DATE, is_reverse=True), Criterion(SortKey.SUBJECT)),
            SearchProgram(
                WithinKey(60, is_older=True),
                Returns(frozenset(("COUNT", "PARTIAL")), Partial(9, 3, is_last=True)),
                has_modseq=False,
            ),
            by_uid=True,
        ),
    ),
    (
        b"a THREAD REFS US-ASCII SAVEDON 1-Feb-2026",
        c.Thread(
            Algorithm.REFS,
            SearchProgram(DateKey("ON", date(2026, 2, 1), "SAVED"), None, has_modseq=False),
            by_uid=False,
        ),
    ),
    (
        b"a UID FETCH 1 (PREVIEW (LAZY) SAVEDATE) (PARTIAL 1:2 VANISHED CHANGEDSINCE 3)",
        c.Fetch(
            numbers((1, 1)), (SimpleItem("PREVIEW"), SimpleItem("SAVEDATE")), 3, by_uid=True,
            vanished=True, partial=Partial(1, 2, is_last=False),
        ),
    ),
    (b"a COMPRESS deflate", c.Compress("DEFLATE")),
    (b"a UNAUTHENTICATE", c.Unauthenticate()),
    (
        b"a APPEND x UTF8 (~{2+}\r\nhi)",
        c.Append("x", (c.AppendMessage((), None, b"hi", is_utf8=True),)),
    ),
    (
        b'a ESEARCH IN (mailboxes "x" subtree (y z) personal) RETURN (COUNT) SEEN',
        c.MultiSearch(
            (
                Source("MAILBOXES", ("x",)), Source("SUBTREE", ("y", "z")), Source("PERSONAL"),
            ),
            SearchProgram(FlagKey("SEEN"), Returns(frozenset(("COUNT",))), has_modseq=False),
        ),
    ),
    (
        b"a ESEARCH SEEN",
        c.MultiSearch(None, SearchProgram(FlagKey("SEEN"), None, has_modseq=False)),
    ),
    (
        b'a APPEND x (\\Seen) CATENATE (TEXT {2+}\r\nhi URL "/y/;UID=1") {1+}\r\nz',
        c.Append(
            "x",
            (
                c.AppendMessage(("\\Seen",), None, b"", parts=(b"hi", "/y/;UID=1")),
                c.AppendMessage((), None, b"z"),
            ),
        ),
    ),
    (b"a LANGUAGE en *", c.Language(("en", "*"))),
    (b"a UID EXPUNGE 1:2", c.Expunge(numbers((1, 2)))),
    (b"a EXPUNGE", c.Expunge(None)),
    (
        b"a UID FETCH 1,3:* (FLAGS UID) (CHANGEDSINCE 12)",
        c.Fetch(
            numbers((1, 1), (3, -1)), (SimpleItem("FLAGS"), SimpleItem("UID")), 12, by_uid=True
        ),
    ),
    (
        b"A003 STORE 2:4 +FLAGS (\\Deleted)",
        c.Store(numbers((2, 4)), "+", ("\\Deleted",), False, None, by_uid=False),
    ),
    (
        b"a UID STORE $ (UNCHANGEDSINCE 7) -flags.silent a b",
        c.Store(SequenceSet((), is_saved=True), "-", ("a", "b"), True, 7, by_uid=True),
    ),
    (b"a MOVE 1 x", c.Copy(numbers((1, 1)), "x", move=True, by_uid=False)),
    (b'a ID ("name" "x" "y" NIL)', c.Id((("name", "x"), ("y", "")))),
    (b"a ID nil", c.Id(None)),
    (b'a GETQUOTA ""', c.GetQuota("")),
    (b'a SETQUOTA "" (STORAGE 1 MESSAGE 2)', c.SetQuota("")),
    (
        b'a SEARCH RETURN (MIN SAVE) CHARSET utf-8 OR NOT SEEN (2:3 FROM "x") SINCE 1-Feb-1994',
        c.Search(
            SearchProgram(
                AndKey((
                    OrKey(
                        NotKey(FlagKey("SEEN")),
                        AndKey((SetKey(numbers((2, 3)), by_uid=False), HeaderKey("FROM", "x"))),
                    ),
                    DateKey("SINCE", date(1994, 2, 1), "RECEIVED"),
                )),
                Returns(frozenset(("MIN", "SAVE"))),
                has_modseq=False, has_charset=True,
            ),
            by_uid=False,
        ),
    ),
    (
        "a UID SEARCH TEXT {6+}\r\nмать".encode()[:-2],
        c.Search(SearchProgram(TextKey("мат", with_header=True), None, False), by_uid=True),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("wire", "command"), KNOWN)
def test_known_answers(wire, command):
    assert commands(wire + b"\r\n") == [command]


def test_only_ascii_letters_have_another_case_in_inbox():
    (command,) = commands('a SELECT "ınbox"\r\n'.encode())
    assert command == c.Select("ınbox", read_only=False, condstore=False)


def test_names_are_utf8_once_that_is_enabled():
    (command,) = commands('a SELECT "é & &AOk-"\r\n'.encode(), is_utf8=True)
    assert command == c.Select("é & &AOk-", read_only=False, condstore=False)
    with pytest.raises(ProtocolError):
        commands(b'a SELECT "\xe9"\r\n', is_utf8=True)


WORDS = st.one_of(
    st.sampled_from(
        [wire.partition(b" ")[2] for wire, _ in KNOWN]
        + [b" ", b"(", b")", b'"', b"\\", b"*", b"$", b"1:*", b"NIL", b"RETURN", b"CHARSET utf-16 "]
        + [b"BODY[", b"]", b"<0.5>", b"{3+}\r\nabc", b"~{1+}\r\n\0", b"UID ", b"\r", b"\0", b"\xc3"]
    ),
    st.binary(max_size=6),
)


@given(st.lists(WORDS, max_size=6).map(b"".join), st.booleans())
def test_any_bytes_are_a_command_or_an_error(body, is_utf8):
    data = ClientData(Limits(MANY, MANY))
    data.receive_data(b"t " + body + b"\r\n")
    while isinstance(event := data.next_event(), RawCommand):
        with contextlib.suppress(ProtocolError, BadCharset):
            parse_command(event, is_utf8=is_utf8)


@given(st.binary(max_size=20), st.lists(st.binary(max_size=5)))
def test_any_tag_is_one_or_an_error(text, literals):
    raw = RawCommand(text.replace(b"\0", b""), ())
    try:
        tag, _ = split_tag(raw)
    except ProtocolError:
        return
    assert tag
    assert not set(tag) & set(b'(){%*"\\+ ')
    assert tag.isascii()
    assert tag.decode().isprintable()


@pytest.mark.parametrize(
    "wire",
    [
        b'a LOGIN "a\\n" b', b'a LOGIN "a" b c', b"a LOGIN ~{1+}\r\na b", b"a LOGIN {1+}\r\n\0 b",
        b"a LOGIN \xc3\xa9 b", b'a LOGIN "\xff" b', b'a SELECT "a\0b"', b"a SELECT a%b",
        b"a SELECT {3+}\r\n&&&", b'a LIST "" \xc3\xa9', b"a STORE 1 FLAGS (a\\b)",
        b"a STORE 1 ++FLAGS (a)", b"a FETCH 1 (FLAGS)(UID)", b"a FETCH 1 (FLAGS  UID",
        b"a FETCH 1 FLAGS (CHANGEDSINCE 99999999999999999999)", b"a APPEND x {1+}\r\na b",
        b'a APPEND x "01-Jan-0001 00:00:00 +1400" {1+}\r\na', b"a APPEND x (a {1+}\r\na",
        b'a APPEND x "31-Dec-9999 23:59:59 -0100" {1+}\r\na', b"a UID", b"a UID UID FETCH 1 UID",
        b"a SEARCH RETURN MIN ALL", b"a SEARCH SINCE 1-Feb-94", b'a SEARCH FROM "a',
        b"a SEARCH CHARSET utf-16 FROM {3+}\r\nabc", b"a SETQUOTA x (A)", b"a ENABLE (",
        b"a CREATE x (USE (\\))", b"a STATUS x (MESSAGES", b"a SELECT " + b"a" * 20_000,
    ],
)  # fmt: skip
def test_what_is_no_command(wire):
    with pytest.raises(ProtocolError):
        commands(wire + b"\r\n")


@pytest.mark.parametrize("charset", ["x-moon", "zlib", "rot13", "idna", "unicode_escape", "a" * 99])
def test_charsets_that_are_none(charset):
    with pytest.raises(BadCharset) as caught:
        commands(b"a SEARCH RETURN (SAVE) CHARSET %b ALL\r\n" % charset.encode())
    assert caught.value.saves
    with pytest.raises(BadCharset) as caught:
        commands(b"a SEARCH CHARSET %b ALL\r\n" % charset.encode())
    assert not caught.value.saves


def test_secrets_are_in_no_representation():
    for command in commands(b"a LOGIN me secret\r\nb APPEND x {6+}\r\nsecret\r\n"):
        assert "secret" not in repr(command)


#: So much that anything which looks at each byte again for each other one never ends.
LARGE = 1_000_000


@pytest.mark.parametrize(
    "wire",
    [
        b'a LOGIN "' + b"x" * LARGE, b'a LOGIN "' + b'\\"' * LARGE, b"a " + b"x" * LARGE,
        b"a" * LARGE, b"a FETCH " + b"1," * LARGE, b"a FETCH 1 (" + b"UID " * LARGE,
        b"a FETCH 1 BODY[" + b"1." * LARGE + b"]", b"a STORE 1 FLAGS (" + b"a " * LARGE,
        b"a FETCH 1 BODY[HEADER.FIELDS (" + b"a " * LARGE, b"a SEARCH " + b"NOT " * LARGE,
        b"a SEARCH " + b"(" * LARGE, b"a SEARCH " + b"SEEN " * LARGE, b"a ENABLE" + b" a" * LARGE,
        b'a LIST "" (' + b"% " * LARGE, b"a SELECT " + b"&-" * LARGE, b"a NOOP" + b" " * LARGE,
        b'a SETQUOTA "" (' + b"a 1 " * LARGE, b"a STATUS x (" + b"SIZE " * LARGE,
    ],
    ids=lambda wire: wire[:20].decode(),
)  # fmt: skip
def test_time_is_linear(wire):
    with contextlib.suppress(ProtocolError):
        commands(wire + b"\r\n")
