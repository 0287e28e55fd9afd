r"""SMTP smuggling: what is not ended by ``\r\n.\r\n`` never becomes two messages.

The ends are those of https://sec-consult.com/blog/detail/smtp-smuggling-spoofing-e-mails-worldwide/
(CVE-2023-51764 Postfix, -51765 Sendmail, -51766 Exim).
"""

import pytest

FALSE_ENDS = [
    b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r.\r\n", b"\r\n.\n", b"\r\n.\rX", b"\r.\n", b"\n\n.\r\n",
]  # fmt: skip
UNEVEN = [b"\r\n\x00.\r\n", b"\r\n.\x00\r\n", b"\n..\r\n", b"\r\r\n", b"\n", b"\r", b"\x00"]


def begin(client) -> None:
    assert client.ask(b"MAIL FROM:<attacker@example.net>").startswith(b"250 ")
    assert client.ask(b"RCPT TO:<alice@example.org>").startswith(b"250 ")
    assert client.ask(b"DATA").startswith(b"354 ")


SMUGGLED = (
    b"MAIL FROM:<admin@example.org>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n"
    b"Subject: smuggled\r\n\r\nsmuggled\r\n"
)


@pytest.mark.parametrize("port", ["smtp", "lmtp"])
@pytest.mark.parametrize("end", FALSE_ENDS)
def test_behind_a_false_end_nothing_is_read(site, port, end):
    hello = b"LHLO x" if port == "lmtp" else b"EHLO x"
    boxes = ("alice@example.org", "bob@example.org")
    before = [site.inbox(address) for address in boxes]
    with site.client(port, hello=hello) as client:
        begin(client)
        client.send(b"Subject: one\r\n\r\nhello" + end + SMUGGLED + b".\r\nNOOP\r\n")
        assert client.rest() == (
            b"550 5.6.0 Bare <CR> or <LF> in the message\r\n"
            b"421 4.7.0 It is not clear where the message ends\r\n"
        )
    assert [site.inbox(address) for address in boxes] == before


@pytest.mark.parametrize("piece", UNEVEN)
def test_a_message_with_uneven_line_ends_is_refused_whole(site, piece):
    boxes = ("alice@example.org", "bob@example.org")
    before = [site.inbox(address) for address in boxes]
    with site.client() as client:
        begin(client)
        client.send(b"Subject: one\r\n\r\nhello" + piece + SMUGGLED + b".\r\n")
        assert client.reply().startswith(b"550 5.6.0 ")
        assert client.ask(b"NOOP") == b"250 2.0.0 Ok", "the dialogue is in step"
    assert [site.inbox(address) for address in boxes] == before


def test_a_client_that_ends_its_message_in_lf_alone_is_told_at_once(site):
    with site.client() as client:
        begin(client)
        client.send(b"Subject: x\n\nhello\n.\n")
        assert client.reply() == b"550 5.6.0 Bare <CR> or <LF> in the message"


def test_an_end_in_pieces_is_an_end(site):
    with site.client() as client:
        begin(client)
        for byte in b"Subject: pieces\r\n\r\nhello\r\n.\r\n":
            client.send(bytes([byte]))
        assert client.reply().startswith(b"250 2.6.0 ")
    assert site.inbox("alice@example.org")[-1].endswith(b"Subject: pieces\r\n\r\nhello\r\n")


def test_dots_come_through_as_they_were(site):
    text = b"..\r\n.one\r\n...two\r\nthree.\r\n. \r\n"
    with site.client() as client:
        begin(client)
        stuffed = b"".join(
            b"." + line if line.startswith(b".") else line for line in text.splitlines(True)
        )
        client.send(b"Subject: dots\r\n\r\n" + stuffed + b".\r\n")
        assert client.reply().startswith(b"250 ")
    assert site.inbox("alice@example.org")[-1].endswith(b"Subject: dots\r\n\r\n" + text)


def test_commands_injected_before_starttls_are_not_run_inside_it(site):
    with site.client() as client:
        client.send(b"STARTTLS\r\nEHLO injected.example\r\nMAIL FROM:<attacker@example.net>\r\n")
        assert client.reply().startswith(b"220 2.0.0 ")
        client.start_tls(site.tls)
        assert client.ask(b"RCPT TO:<alice@example.org>").startswith(b"503 5.5.1 ")
        assert client.ask(b"MAIL FROM:<a@example.net>").startswith(b"503 5.5.1 "), "EHLO is void"
        assert client.ask(b"EHLO real.example").startswith(b"250-")


def test_bytes_that_come_right_behind_the_command_end_the_handshake(site):
    with site.client() as client:
        client.send(b"STARTTLS\r\n")
        assert client.reply().startswith(b"220 ")
        client.send(b"NOOP\r\nRSET\r\nMAIL FROM:<attacker@example.net>\r\n")
        rest = client.rest()
    assert b"250" not in rest
