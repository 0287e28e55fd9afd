"""The commands over a socket: each reply with its code and enhanced status, in each state.

SMTP (RFC 5321) with SIZE (RFC 1870), PIPELINING (RFC 2920), 8BITMIME (RFC 6152), SMTPUTF8
(RFC 6531), LIMITS (RFC 9422) and enhanced status codes (RFC 2034, RFC 3463).
"""

import pytest

from mailquay.testing.lines import LineClient


@pytest.fixture
def client(site):
    with site.client() as client:
        yield client


def test_ehlo_offers_what_there_is(site):
    with site.client(hello=None) as client:
        lines = client.ask(b"EHLO client.example").split(b"\n")
    assert lines == [
        b"250-mail.mailquay.test",
        b"250-PIPELINING",
        b"250-SIZE 52428800",
        b"250-STARTTLS",
        b"250-8BITMIME",
        b"250-SMTPUTF8",
        b"250-LIMITS RCPTMAX=1000",
        b"250 ENHANCEDSTATUSCODES",
    ]


def test_helo_offers_nothing(site):
    with site.client(hello=None) as client:
        assert client.ask(b"HELO client.example") == b"250 mail.mailquay.test"
        assert (
            client.ask(b"MAIL FROM:<a@example.net> SIZE=1") == b"555 5.5.4 Parameter not recognized"
        )
        assert client.ask(b"MAIL FROM:<a@example.net>").startswith(b"250 ")


ALONE = [
    (b"NOOP", b"250 2.0.0"),
    (b"noop with text", b"250 2.0.0"),
    (b"HELP", b"214 2.0.0"),
    (b"HELP MAIL", b"214 2.0.0"),
    (b"VRFY alice", b"252 2.5.0"),
    (b"VRFY", b"501 5.5.4"),
    (b"EXPN list", b"502 5.5.1"),
    (b"RSET", b"250 2.0.0"),
    (b"RSET now", b"501 5.5.4"),
    (b"QUIT now", b"501 5.5.4"),
    (b"DATA", b"503 5.5.1"),
    (b"DATA now", b"501 5.5.4"),
    (b"RCPT TO:<alice@example.org>", b"503 5.5.1"),
    (b"EHLO", b"501 5.5.4"),
    (b"EHLO two words", b"501 5.5.4"),
    (b"EHLO " + b"x" * 300, b"501 5.5.4"),
    ("EHLO x\u0085y".encode(), b"501 5.5.4"),
    (b"LHLO client.example", b"500 5.5.1"),
    (b"STARTTLS now", b"501 5.5.4"),
    (b"AUTH PLAIN", b"502 5.5.1"),
    (b"TURN", b"500 5.5.2"),
    (b"", b"500 5.5.2"),
    (b" NOOP", b"500 5.5.2"),
    (b"NOOP \x00", b"500 5.5.2"),
    (b"NOOP a\rb", b"500 5.5.2"),
    (b"NOOP \xff", b"500 5.5.2"),
    (b"NOOP " + b"x" * 5000, b"500 5.5.2"),
    (b"NOOP " + b"x" * 100_000, b"500 5.5.2"),
    (b"MAIL FROM:<a@example.net>", b"250 2.1.0"),
    (b"mail from:<a@example.net> size=1000 body=8bitmime smtputf8", b"250 2.1.0"),
    (b"MAIL FROM:<>", b"250 2.1.0"),
    (b"MAIL FROM:<a@example.net> BODY=7BIT", b"250 2.1.0"),
    (b"MAIL FROM:<a@example.net> SIZE=0", b"250 2.1.0"),
    (b"MAIL FROM:<@relay.example:a@example.net>", b"250 2.1.0"),
    (b"MAIL FROM:<a@[192.0.2.1]>", b"250 2.1.0"),
    (b"MAIL", b"501 5.1.7"),
    (b"MAIL FROM:<a", b"501 5.1.7"),
    (b"MAIL TO:<a@example.net>", b"501 5.1.7"),
    (b"MAIL FROM:<a>", b"553 5.1.7"),
    (b"MAIL FROM:<a@exa..mple.net>", b"553 5.1.7"),
    (b"MAIL FROM:<a,b@example.net>", b"553 5.1.7"),
    (b"MAIL FROM:<a@example.net> SIZE=many", b"501 5.5.4"),
    (b"MAIL FROM:<a@example.net> SIZE=52428801", b"552 5.3.4"),
    (b"MAIL FROM:<a@example.net> SIZE=99999999999999999999", b"552 5.3.4"),
    (b"MAIL FROM:<a@example.net> BODY=BINARYMIME", b"501 5.5.4"),
    (b"MAIL FROM:<a@example.net> SIZE=1 SIZE=2", b"501 5.5.4"),
    (b"MAIL FROM:<a@example.net> RET=FULL", b"555 5.5.4"),
    (b"MAIL FROM:<a@example.net> SMTPUTF8=yes", b"555 5.5.4"),
    (b"MAIL FROM:<a@example.net> AUTH=<>", b"555 5.5.4"),
    ("MAIL FROM:<ä@example.net>".encode(), b"553 5.6.7"),
    ("MAIL FROM:<ä@bücher.example> SMTPUTF8".encode(), b"250 2.1.0"),
]


@pytest.mark.parametrize(("command", "reply"), ALONE)
def test_each_command_has_its_reply(client, command, reply):
    assert client.ask(command).startswith(reply + b" ")
    assert client.ask(b"NOOP") == b"250 2.0.0 Ok", "and the conversation goes on"


RECIPIENTS = [
    (b"RCPT TO:<alice@example.org>", b"250 2.1.5"),
    (b"rcpt to:<ALICE@Example.ORG>", b"250 2.1.5"),
    (b"RCPT TO:<@relay.example:alice@example.org>", b"250 2.1.5"),
    (b'RCPT TO:<"alice"@example.org>', b"250 2.1.5"),
    (b"RCPT TO:<nobody@example.org>", b"550 5.1.1"),
    (b"RCPT TO:<alice@example.net>", b"550 5.7.1"),
    (b"RCPT TO:<alice%example.net@example.org>", b"550 5.1.1"),
    (b'RCPT TO:<"alice@example.net"@example.org>', b"550 5.1.1"),
    (b"RCPT TO:<alice>", b"553 5.1.3"),
    (b"RCPT TO:<alice@>", b"553 5.1.3"),
    (b"RCPT TO:<>", b"553 5.1.3"),
    (b"RCPT TO:<a(b)@example.org>", b"553 5.1.3"),
    (b"RCPT TO:alice example", b"501 5.1.3"),
    (b"RCPT FROM:<alice@example.org>", b"501 5.1.3"),
    (b"RCPT TO:<alice@example.org> NOTIFY=NEVER", b"555 5.5.4"),
    (b"RCPT TO:<alice@example.org> X==", b"501 5.5.4"),
    ("RCPT TO:<älice@example.org>".encode(), b"553 5.6.7"),
    (b"MAIL FROM:<b@example.net>", b"503 5.5.1"),
    (b"STARTTLS", b"503 5.5.1"),
    (b"DATA", b"503 5.5.1"),
]


@pytest.mark.parametrize(("command", "reply"), RECIPIENTS)
def test_each_command_in_a_transaction_has_its_reply(client, command, reply):
    assert client.ask(b"MAIL FROM:<a@example.net>").startswith(b"250 ")
    assert client.ask(command).startswith(reply + b" ")


def test_every_reply_that_may_have_one_has_an_enhanced_status(client):
    for command in (b"NOOP", b"HELP", b"VRFY x", b"MAIL FROM:<a@b>", b"RSET", b"X", b"QUIT"):
        reply = client.ask(command)
        assert reply[3:5] == b" " + reply[:1], reply
        assert reply[5:6] == b"."


def test_before_hello_there_is_no_mail(site):
    with site.client(hello=None) as client:
        assert client.ask(b"MAIL FROM:<a@example.net>").startswith(b"503 5.5.1 ")
        assert client.ask(b"NOOP").startswith(b"250 ")
        assert client.ask(b"QUIT") == b"221 2.0.0 Bye"
        assert client.line() == b""


@pytest.mark.parametrize("command", [b"RSET", b"EHLO again.example", b"HELO again.example"])
def test_a_transaction_is_forgotten(client, command):
    client.ask(b"MAIL FROM:<a@example.net>")
    client.ask(b"RCPT TO:<alice@example.org>")
    assert client.ask(command).startswith(b"250")
    assert client.ask(b"DATA").startswith(b"503 ")
    assert client.ask(b"MAIL FROM:<a@example.net>").startswith(b"250 ")


def test_a_command_that_ends_in_lf_alone_is_refused(client):
    client.send(b"NOOP\n")
    assert client.reply() == b"500 5.5.2 A command must end in <CR><LF>"


def test_a_whole_session_in_one_packet_is_answered_in_order(site):
    before = len(site.inbox("bob@example.org"))
    with site.client(hello=None) as client:
        client.send(
            b"EHLO c.example\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<bob@example.org>\r\n"
            b"RCPT TO:<nobody@example.org>\r\nDATA\r\nSubject: packet\r\n\r\nhello\r\n.\r\nQUIT\r\n"
        )
        client.finish_sending()
        codes = [client.reply()[:3] for _ in range(7)]
        assert codes == [b"250", b"250", b"250", b"550", b"354", b"250", b"221"]
        assert client.line() == b""
    assert len(site.inbox("bob@example.org")) == before + 1


def test_a_client_that_talks_early_is_answered_after_the_greeting(site):
    with LineClient(site.port("smtp")) as client:
        client.send(b"EHLO early.example\r\n")
        assert client.reply().startswith(b"220 ")
        assert client.reply().startswith(b"250-mail.mailquay.test")


@pytest.mark.parametrize("verb", [b"GET / HTTP/1.1", b"POST / HTTP/1.1", b"CONNECT x:25"])
def test_a_browser_is_sent_away(site, verb):
    with site.client(hello=None) as client:
        client.send(verb + b"\r\nHost: x\r\n\r\nMAIL FROM:<a@example.net>\r\n")
        assert client.rest() == b"421 4.7.0 This is no web server\r\n"


def test_many_commands_at_once_leave_others_their_turn(site):
    with site.client() as busy, site.client() as other:
        busy.send(b"NOOP\r\n" * 20_000)
        assert other.ask(b"NOOP") == b"250 2.0.0 Ok"
        for _ in range(20_000):
            assert busy.reply() == b"250 2.0.0 Ok"
