"""The service as clients of other people see it: smtplib, aiosmtplib."""

import email.message
import email.policy
import smtplib

import aiosmtplib
import pytest

from mailquay.testing.deployment import PASSWORD

ALICE, BOB = "alice@example.org", "bob@example.org"


def letter(subject: str, text: str = "Hello.\n", **fields: str) -> email.message.EmailMessage:
    message = email.message.EmailMessage()
    message["From"], message["To"], message["Subject"] = ALICE, BOB, subject
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


def test_smtplib_delivers_to_the_mx(site):
    with smtplib.SMTP("127.0.0.1", site.port("smtp")) as client:
        assert client.send_message(letter("mx")) == {}
        assert client.vrfy(ALICE)[0] == 252
        assert client.noop() == (250, b"2.0.0 Ok")
        refused = client.sendmail(
            "x@example.net", [ALICE, "nobody@example.org"], b"Subject: x\r\n\r\nx"
        )
        assert refused == {"nobody@example.org": (550, b"5.1.1 No such user here")}
        with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
            client.sendmail("x@example.net", ["x@example.com"], b"x")
        assert caught.value.recipients["x@example.com"][0] == 550
    assert b"Subject: mx" in site.inbox(BOB)[-1]


@pytest.mark.parametrize("mechanism", ["plain", "login"])
@pytest.mark.parametrize("is_implicit", [False, True])
def test_smtplib_submits(site, mechanism, is_implicit):
    if is_implicit:
        client = smtplib.SMTP_SSL("localhost", site.port("submissions"), context=site.tls)
    else:
        client = smtplib.SMTP("localhost", site.port("submission"))
        client.starttls(context=site.tls)
    with client:
        client.ehlo()
        client.user, client.password = ALICE, PASSWORD
        assert client.auth(mechanism, getattr(client, f"auth_{mechanism}"))[0] == 235
        assert client.send_message(letter(f"smtplib {mechanism} {is_implicit}", Bcc=ALICE)) == {}
    stored = site.inbox(BOB)[-1]
    assert f"Subject: smtplib {mechanism} {is_implicit}".encode() in stored
    assert b"Bcc" not in stored


def test_smtplib_is_told_of_a_wrong_password(site):
    with smtplib.SMTP("localhost", site.port("submission")) as client:
        client.starttls(context=site.tls)
        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            client.login(ALICE, "wrong")
        assert (caught.value.smtp_code, caught.value.smtp_error[:5]) == (535, b"5.7.8")
        with pytest.raises(smtplib.SMTPSenderRefused) as refused:
            client.sendmail(ALICE, [BOB], b"x")
        assert refused.value.smtp_code == 530


def test_smtplib_speaks_lmtp(site):
    with smtplib.LMTP("127.0.0.1", site.port("lmtp")) as client:
        client.ehlo_or_helo_if_needed()
        assert client.mail("x@example.net")[0] == 250
        assert client.rcpt(ALICE)[0] == 250
        assert client.data(b"Subject: lmtp\r\n\r\nx\r\n")[0] == 250
    assert b"Subject: lmtp" in site.inbox(ALICE)[-1]


def test_smtplib_sends_internationalised_mail(site):
    """RFC 6531, and headers as RFC 6532 has them."""
    message = letter("Grüße", "ä\n")
    with smtplib.SMTP("127.0.0.1", site.port("smtp")) as client:
        assert client.sendmail(
            "jürgen@bücher.example", [BOB], message.as_bytes(policy=email.policy.SMTP), ["SMTPUTF8", "BODY=8BITMIME"]
        ) == {}  # fmt: skip
    assert "Return-Path: <jürgen@xn--bcher-kva.example>".encode() in site.inbox(BOB)[-1]


@pytest.mark.parametrize("mode", ["starttls", "implicit"])
async def test_aiosmtplib_submits(site, mode):
    port = site.port("submission" if mode == "starttls" else "submissions")
    client = aiosmtplib.SMTP(
        hostname="localhost",
        port=port,
        start_tls=mode == "starttls",
        use_tls=mode == "implicit",
        tls_context=site.tls,
        username=ALICE,
        password=PASSWORD,
    )
    async with client:
        errors, reply = await client.send_message(letter(f"aiosmtplib {mode}"))
        assert errors == {}
        assert reply.startswith("2.6.0 Ok, ")
    assert f"Subject: aiosmtplib {mode}".encode() in site.inbox(BOB)[-1]


async def test_aiosmtplib_sends_many_on_one_connection(site):
    before = len(site.inbox(BOB))
    async with aiosmtplib.SMTP(
        hostname="127.0.0.1", port=site.port("smtp"), start_tls=False
    ) as client:
        for number in range(20):
            await client.send_message(letter("many", Message_ID=f"<many{number}@example.org>"))
    assert len(site.inbox(BOB)) == before + 20
