"""The TRANSACTION and UPDATE states over a socket (RFC 1939 §5 to §7)."""

import asyncio
import poplib

import pytest

from mailquay.events import AccountChanged, Bus
from mailquay.runtime.settings import NatsSettings
from mailquay.store.ids import email_object_id
from mailquay.testing.deployment import PASSWORD

ONE = b"Subject: one\r\n\r\nfirst\r\n"
TWO = b"Subject: two\r\nX-Long: a\r\n b\r\n\r\n.dot\r\n..\r\n.\r\nline 4\r\n"
THREE = b"Subject: three\r\n\r\n" + (b"x" * 70 + b"\r\n") * 80


@pytest.fixture
def account(site):
    return site.account(ONE, TWO, THREE)


@pytest.fixture
def client(site, account):
    with site.sign_in(account) as client:
        yield client


def ask(client, command: bytes) -> bytes:
    client.send(command + b"\r\n")
    return client.line()


def test_stat_and_list_tell_numbers_and_sizes(client):
    sizes = [len(ONE), len(TWO), len(THREE)]
    assert ask(client, b"STAT") == b"+OK 3 %d" % sum(sizes)
    assert ask(client, b"LIST") == b"+OK 3 messages"
    assert client.multiline() == [b"%d %d" % (n, size) for n, size in enumerate(sizes, 1)]
    assert ask(client, b"LIST 2") == b"+OK 2 %d" % len(TWO)


def test_uidl_is_the_object_id(site, account, client):
    ids = [email_object_id(place.email_id).encode() for place in site.places(account)]
    assert ask(client, b"UIDL") == b"+OK unique-ids follow"
    assert client.multiline() == [b"%d %s" % (n, i) for n, i in enumerate(ids, 1)]
    assert ask(client, b"UIDL 3") == b"+OK 3 " + ids[2]


@pytest.mark.parametrize(("number", "message"), [(1, ONE), (2, TWO), (3, THREE)])
def test_retr_gives_the_message_byte_for_byte(client, number, message):
    assert ask(client, b"RETR %d" % number) == b"+OK %d octets" % len(message)
    assert b"".join(line + b"\r\n" for line in client.multiline()) == message


def test_top_gives_the_header_and_some_lines(client):
    for lines, expected in ((0, []), (1, [b".dot"]), (3, [b".dot", b"..", b"."])):
        assert ask(client, b"TOP 2 %d" % lines).startswith(b"+OK")
        head = [b"Subject: two", b"X-Long: a", b" b", b""]
        assert client.multiline() == head + expected


ERRORS = [
    b"RETR", b"RETR 0", b"RETR 4", b"RETR x", b"RETR -1", b"RETR 1 2", b"RETR 99999999999",
    b"LIST 0", b"LIST 4", b"LIST x", b"LIST 1 2", b"UIDL 4", b"TOP 1", b"TOP 4 1", b"TOP 1 x",
    b"DELE", b"DELE 4", b"STAT 1", b"NOOP 1", b"RSET 1", b"USER alice", b"PASS x", b"AUTH PLAIN",
    b"STLS", b"APOP alice 00", b"LAST", b"UTF8", b"XYZZY", b"",
]  # fmt: skip


@pytest.mark.parametrize("command", ERRORS)
def test_what_makes_no_sense_is_an_error_and_changes_nothing(client, command):
    assert ask(client, command).startswith(b"-ERR ")
    assert ask(client, b"NOOP") == b"+OK"


def test_a_message_that_is_marked_is_gone_for_this_session(site, account, client):
    assert ask(client, b"DELE 2") == b"+OK message 2 is marked as deleted"
    for command in (b"DELE 2", b"RETR 2", b"TOP 2 0", b"LIST 2", b"UIDL 2"):
        assert ask(client, command) == b"-ERR no such message"
    assert ask(client, b"STAT") == b"+OK 2 %d" % (len(ONE) + len(THREE))
    assert ask(client, b"LIST") == b"+OK 2 messages"
    assert [line.split()[0] for line in client.multiline()] == [b"1", b"3"]
    ask(client, b"UIDL")
    assert [line.split()[0] for line in client.multiline()] == [b"1", b"3"]
    assert ask(client, b"RSET") == b"+OK 3 messages"
    assert ask(client, b"LIST 2") == b"+OK 2 %d" % len(TWO)


def test_quit_removes_what_was_marked_before_it_says_so(site, account, client):
    for number in (1, 3):
        ask(client, b"DELE %d" % number)
    assert len(site.places(account)) == 3
    assert ask(client, b"QUIT") == b"+OK see you"
    assert client.line() == b""
    assert [place.size for place in site.places(account)] == [len(TWO)]


@pytest.mark.parametrize("ending", ["drop", "rset", "half-closed"])
def test_without_quit_nothing_is_removed(site, account, client, ending):
    ask(client, b"DELE 1")
    if ending == "rset":
        ask(client, b"RSET")
        assert ask(client, b"QUIT") == b"+OK see you"
    elif ending == "half-closed":
        client.finish_sending()
        assert client.rest() == b""
    client.socket.close()
    with site.sign_in(account) as again:
        assert ask(again, b"STAT").startswith(b"+OK 3 ")


def test_quit_that_was_said_counts_though_nobody_waits_for_the_answer(site, account):
    with site.sign_in(account) as client:
        client.send(b"DELE 1\r\nQUIT\r\n")
        client.finish_sending()
        assert client.rest() == b"+OK message 1 is marked as deleted\r\n+OK see you\r\n"
    assert len(site.places(account)) == 2


def test_the_removal_is_announced(site, account, client):
    async def hear() -> AccountChanged:
        bus = await Bus.open(NatsSettings(url=site.deployment.nats_url))
        await bus.wait_connected(10)
        heard: asyncio.Future[AccountChanged] = asyncio.get_running_loop().create_future()
        bus.subscribe_account(account.id, heard.set_result)
        async with asyncio.timeout(20):
            await bus._client.flush()
            await asyncio.to_thread(ask, client, b"DELE 1")
            await asyncio.to_thread(ask, client, b"QUIT")
            event = await heard
        await bus.close()
        return event

    event = asyncio.run(hear())
    assert (event.account_id, len(event.mailbox_ids)) == (account.id, 1)


def test_the_snapshot_does_not_change(site, account, client):
    site.deliver(account, b"Subject: late\r\n\r\nx\r\n")
    assert ask(client, b"STAT").startswith(b"+OK 3 ")
    assert ask(client, b"RETR 4") == b"-ERR no such message"
    with site.sign_in(account) as other:
        assert ask(other, b"STAT").startswith(b"+OK 4 ")


def test_a_message_that_imap_expunged_meanwhile_is_an_error(site, account, client):
    site.expunge(account, site.places(account)[1].uid)
    assert ask(client, b"STAT").startswith(b"+OK 3 "), "numbers stay what they were"
    assert ask(client, b"RETR 2") == b"-ERR no such message"
    assert ask(client, b"RETR 3").startswith(b"+OK")
    client.multiline()
    for number in (1, 2):
        assert ask(client, b"DELE %d" % number).startswith(b"+OK")
    assert ask(client, b"QUIT") == b"+OK see you"
    assert [place.size for place in site.places(account)] == [len(THREE)]


def test_two_sessions_may_share_a_maildrop(site, account):
    with site.sign_in(account) as first, site.sign_in(account) as second:
        for client in (first, second):
            assert ask(client, b"DELE 1").startswith(b"+OK")
        assert ask(first, b"QUIT") == b"+OK see you"
        assert ask(second, b"STAT").startswith(b"+OK 2 ")
        assert ask(second, b"QUIT") == b"+OK see you"
    assert len(site.places(account)) == 2


def test_unique_ids_survive_and_are_unique(site, account, client):
    ask(client, b"UIDL")
    before = dict(line.split() for line in client.multiline())

    async def copy(store) -> None:
        inbox = await store.mailboxes.find(account.id, "INBOX")
        await store.emails.copy(account.id, inbox.id, [1], inbox.id)

    site.store(copy)
    site.deliver(account, b"Subject: new\r\n\r\nx\r\n")
    with site.sign_in(account) as again:
        ask(again, b"UIDL")
        after = [line.split()[1] for line in again.multiline()]
        assert after[:3] == list(before.values())
        assert len(set(after)) == 5
        assert all(len(unique) <= 70 and unique.isascii() for unique in after)
        assert ask(again, b"UIDL 4") == b"+OK 4 " + after[3]


ODD = [
    b"Subject: lf\n\n.\n..\nend\n",
    b"Subject: cr\r\r.\r..\r",
    b"Subject: mixed\r\n\n.\r\n.\n.\r.",
    b"\n.\n",
    b".",
    b"no header at all",
    b"Subject: no end",
    b"Subject: 8bit \xff\xfe\r\n\r\n\x00\x80\r\n",
]


def test_messages_with_odd_line_ends_do_not_end_a_reply_early(site):
    account = site.account(*ODD)
    with site.sign_in(account) as client:
        client.send(b"".join(b"RETR %d\r\nTOP %d 9\r\n" % (n, n) for n in range(1, len(ODD) + 1)))
        for message in ODD:
            even = message.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            assert client.line() == b"+OK %d octets" % len(message)
            assert client.multiline() == even.removesuffix(b"\n").split(b"\n")
            assert client.line().startswith(b"+OK top")
            assert b"".join(client.multiline()).replace(b"\n", b"") == even.replace(b"\n", b"")
        assert ask(client, b"NOOP") == b"+OK", "the dialogue is in step"


def test_an_empty_maildrop_is_one(site):
    with site.sign_in(site.account()) as client:
        assert ask(client, b"STAT") == b"+OK 0 0"
        assert ask(client, b"LIST") == b"+OK 0 messages"
        assert client.multiline() == []
        assert ask(client, b"RETR 1") == b"-ERR no such message"


def test_a_whole_session_in_one_packet_is_answered_in_order(site, account):
    with site.connect() as client:
        client.send(
            b"USER " + account.address.encode() + b"\r\nPASS " + PASSWORD.encode() + b"\r\n"
            b"STAT\r\nRETR 1\r\nDELE 1\r\nRSET\r\nQUIT\r\n"
        )  # fmt: skip
        assert [client.line()[:3] for _ in range(4)] == [b"+OK"] * 4
        assert b"\r\n".join(client.multiline()) + b"\r\n" == ONE
        assert [client.line()[:3] for _ in range(3)] == [b"+OK"] * 3
        assert client.line() == b""


def test_ten_thousand_messages_are_listed_and_pipelined(site):
    account = site.account()
    count = 10_000

    async def fill(store) -> None:
        """The same body ten thousand times, as ten thousand messages of one mailbox."""
        inbox = await store.mailboxes.find(account.id, "INBOX")
        uids = [1]
        while len(uids) < count:
            chosen = uids[: count - len(uids)]
            copied = await store.emails.copy(account.id, inbox.id, chosen, inbox.id)
            uids += copied.target

    site.deliver(account, ONE)
    site.store(fill)
    with site.sign_in(account) as client:
        assert ask(client, b"STAT") == b"+OK %d %d" % (count, count * len(ONE))
        assert ask(client, b"LIST") == b"+OK %d messages" % count
        assert len(client.multiline()) == count
        assert ask(client, b"UIDL").startswith(b"+OK")
        assert len(set(client.multiline())) == count
        client.send(b"".join(b"UIDL %d\r\nDELE %d\r\n" % (n, n) for n in range(1, count + 1)))
        for number in range(1, count + 1):
            assert client.line().startswith(b"+OK %d E" % number)
            assert client.line() == b"+OK message %d is marked as deleted" % number
        assert ask(client, b"QUIT") == b"+OK see you"
    assert site.places(account) == []


def test_a_large_message_comes_through_and_leaves_others_their_turn(site):
    large = b"Subject: large\r\n\r\n" + (b"." + b"y" * 75 + b"\r\n") * 200_000
    account = site.account(large)
    with site.sign_in(account) as client, site.sign_in(account) as other:
        client.send(b"RETR 1\r\n")
        assert client.line() == b"+OK %d octets" % len(large)
        assert ask(other, b"NOOP") == b"+OK", "while nobody reads the first"
        assert b"".join(line + b"\r\n" for line in client.multiline()) == large


def test_poplib_fetches_all(site, account):
    client = poplib.POP3("localhost", site.port())
    client.stls(site.tls)
    client.user(account.address)
    client.pass_(PASSWORD)
    assert client.stat() == (3, len(ONE) + len(TWO) + len(THREE))
    assert len(client.list()[1]) == len(client.uidl()[1]) == 3
    for number, message in enumerate((ONE, TWO, THREE), 1):
        lines = client.retr(number)[1]
        assert b"".join(line + b"\r\n" for line in lines) == message
        head = message.partition(b"\r\n\r\n")[0]
        assert client.top(number, 0)[1] == [*head.split(b"\r\n"), b""]
    client.dele(1)
    client.rset()
    client.dele(2)
    client.quit()
    assert [place.size for place in site.places(account)] == [len(ONE), len(THREE)]
