"""Senders are told what became of their mail (RFC 3461, RFC 3464), over sockets."""

import email
import email.policy
import itertools

import pytest

from mailquay.delivery import RemoteRecipient

_NAMES = itertools.count(1)
MESSAGE = b"From: me\r\nSubject: hello\r\n\r\nthe text of it\r\n"


@pytest.fixture(scope="module", autouse=True)
def worker(start_worker):
    return start_worker(SMTP_OUT__RETRY_STEPS_SECONDS="[3600]")


@pytest.fixture
def sender(deployment):
    """An account of the test's own."""
    return deployment.add_account(f"sender{next(_NAMES)}@example.org")


def parse(raw):
    return email.message_from_bytes(raw, policy=email.policy.default)


def fields(report):
    """The delivery-status part's groups of fields: the message's, then each recipient's."""
    return [dict(group.items()) for group in report.get_payload()[1].get_payload()]


async def wait_until_told(world, queue_id):
    """Wait until no report of the message is due any more."""

    async def is_told():
        async with world.store.reports.claim(queue_id - 1) as claim:
            return not claim.reports or claim.reports[0].message_id != queue_id

    await world.until(is_told)


async def test_a_failure_comes_back_to_the_senders_mailbox(world, hosts, sender):
    host = hosts.odd(
        replies={"RCPT TO:<never": "550 5.1.1 no such user", "RCPT TO:<not": "554 5.7.1 spam"}
    )
    domain = world.publish(host)
    queue_id = await world.submit(
        sender.address, f"never@{domain}", f"not@{domain}", f"yes@{domain}", message=MESSAGE
    )
    (raw,) = await world.mail(sender)
    assert raw.startswith(b"Return-Path: <>\r\n")
    report = parse(raw)
    assert report["to"] == sender.address
    assert report["from"].endswith("<MAILER-DAEMON@mail.mailquay.test>")
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"
    assert "550 5.1.1 no such user" in report.get_payload()[0].get_content()
    message, *recipients = fields(report)
    assert message["Reporting-MTA"] == "dns; mail.mailquay.test"
    assert recipients[0]["Final-Recipient"] == f"rfc822; never@{domain}"
    assert [r["Status"] for r in recipients] == ["5.1.1", "5.7.1"]
    assert {r["Action"] for r in recipients} == {"failed"}
    assert recipients[0]["Remote-MTA"] == f"dns; mx0.{domain}"
    assert recipients[0]["Diagnostic-Code"] == "smtp; 550 5.1.1 no such user"
    returned = report.get_payload()[2].get_payload()[0]
    assert returned["subject"] == "hello"
    assert returned["return-path"] is None
    assert (await world.finished(queue_id))["yes"].state == "delivered"


async def test_what_we_found_out_ourselves_is_not_said_to_be_a_hosts_word(world, sender):
    domain = world.publish(MX=[[0, "."]])
    await world.submit(sender.address, f"bob@{domain}")
    (raw,) = await world.mail(sender)
    (_, recipient) = fields(parse(raw))
    assert recipient["Status"] == "5.1.10"
    assert "Remote-MTA" not in recipient
    assert recipient["Diagnostic-Code"].startswith("x-mailquay; 5.1.10 the domain")


async def test_only_the_header_comes_back_where_the_sender_asked_for_that(world, hosts, sender):
    domain = world.publish(hosts.odd(replies={"RCPT": "550 5.1.1 no"}))
    await world.submit(
        sender.address, f"bob@{domain}", message=MESSAGE, ret="HDRS", envelope_id="A+2BB"
    )
    (raw,) = await world.mail(sender)
    report = parse(raw)
    assert report.get_payload()[2].get_content_type() == "text/rfc822-headers"
    assert b"the text of it" not in raw
    assert fields(report)[0]["Original-Envelope-Id"] == "A+B"


@pytest.mark.parametrize("notify", ["NEVER", "SUCCESS", "DELAY"])
async def test_nobody_is_told_of_a_failure_who_did_not_ask(world, hosts, sender, notify):
    host = hosts.odd(replies={"RCPT": "550 5.1.1 no"})
    domain = world.publish(host)
    quiet = await world.submit(sender.address, RemoteRecipient(f"a@{domain}", domain, notify))
    assert (await world.finished(quiet))["a"].state == "failed"
    loud = await world.submit(sender.address, RemoteRecipient(f"b@{domain}", domain, "FAILURE"))
    await world.mail(sender)
    await wait_until_told(world, loud)
    (raw,) = await world.inbox(sender)
    assert fields(parse(raw))[1]["Final-Recipient"] == f"rfc822; b@{domain}"


async def test_a_success_is_told_where_the_next_host_cannot(world, hosts, sender):
    able, unable = hosts.odd(extensions=("DSN",)), hosts.odd()
    passed, relayed = world.publish(able), world.publish(unable)
    recipients = [
        RemoteRecipient(f"a@{domain}", domain, "SUCCESS", "rfc822;orig@x.example")
        for domain in (passed, relayed)
    ]
    queue_id = await world.submit(sender.address, *recipients)
    (raw,) = await world.mail(sender)
    await world.finished(queue_id)
    await wait_until_told(world, queue_id)
    assert len(await world.inbox(sender)) == 1
    (_, recipient) = fields(parse(raw))
    assert recipient["Action"] == "relayed"
    assert recipient["Final-Recipient"] == f"rfc822; a@{relayed}"
    assert recipient["Original-Recipient"] == "rfc822;orig@x.example"


async def test_a_message_that_grew_too_old_comes_back(world, hosts, sender):
    host = hosts.odd(replies={"RCPT": "451 4.2.0 not today"})
    domain = world.publish(host)
    queue_id = await world.submit(sender.address, f"bob@{domain}")
    await world.finished(queue_id)
    await world.age(queue_id, days=6)
    await world.queue.retry(queue_id)
    mail = await world.mail(sender, 1)
    assert (await world.finished(queue_id, attempts=2))["bob"].state == "failed"
    (_, recipient) = fields(parse(mail[-1]))
    assert (recipient["Action"], recipient["Status"]) == ("failed", "4.4.7")
    assert recipient["Diagnostic-Code"] == "smtp; 451 4.2.0 not today"


async def test_a_delay_is_told_of_once(world, hosts, sender):
    host = hosts.odd(replies={"RCPT": "451 4.2.0 not today"})
    domain = world.publish(host)
    queue_id = await world.submit(sender.address, f"bob@{domain}")
    await world.finished(queue_id)
    await world.age(queue_id, hours=5)
    for attempts in (2, 3):
        await world.queue.retry(queue_id)
        await world.finished(queue_id, attempts=attempts)
    (raw,) = await world.mail(sender)
    await wait_until_told(world, queue_id)
    assert len(await world.inbox(sender)) == 1
    report = parse(raw)
    (_, recipient) = fields(report)
    assert recipient["Action"] == "delayed"
    assert "Will-Retry-Until" in recipient
    assert "delayed" in report["subject"]


async def test_a_sender_elsewhere_is_told_through_the_queue(world, hosts):
    theirs, host = hosts.mail(), hosts.odd(replies={"RCPT": "550 5.1.1 no"})
    home, domain = world.publish(theirs), world.publish(host)
    await world.submit(f"Sender@{home}", f"bob@{domain}")

    async def has_report():
        return theirs.envelopes

    (envelope,) = await world.until(has_report)
    assert envelope.mail_from == "<>", "as aiosmtpd calls the null reverse-path"
    assert envelope.rcpt_tos == [f"Sender@{home}"]
    assert b"\r\nReturn-Path:" not in b"\r\n" + envelope.original_content
    assert parse(envelope.original_content).get_content_type() == "multipart/report"


async def test_an_alias_as_sender_is_told_where_it_leads(world, hosts, sender):
    theirs = hosts.mail()
    home = world.publish(theirs)
    domain = world.publish(hosts.odd(replies={"RCPT": "550 5.1.1 no"}))
    alias = f"team{next(_NAMES)}@example.org"
    await world.store.accounts.add_alias(alias, [sender.address, f"far@{home}"])
    await world.submit(alias, f"bob@{domain}")
    await world.mail(sender)

    async def has_report():
        return theirs.envelopes

    (envelope,) = await world.until(has_report)
    assert envelope.rcpt_tos == [f"far@{home}"]


@pytest.mark.parametrize("reverse_path", ["", "nobody@example.org"])
async def test_what_has_no_sender_here_is_never_returned(world, hosts, reverse_path):
    domain = world.publish(hosts.odd(replies={"RCPT": "550 5.1.1 no"}))
    queue_id = await world.submit(reverse_path, f"bob@{domain}")
    assert (await world.finished(queue_id))["bob"].state == "failed"
    await wait_until_told(world, queue_id)
    waiting = await world.queue.list_messages()
    assert [m.id for m, _ in waiting if m.reverse_path == ""] == []


async def test_a_mailbox_that_is_full_still_gets_reports(world, deployment, hosts):
    full = deployment.add_account(f"full{next(_NAMES)}@example.org", quota_bytes=1)
    domain = world.publish(hosts.odd(replies={"RCPT": "550 5.1.1 no"}))
    await world.submit(full.address, f"bob@{domain}")
    assert len(await world.mail(full)) == 1


async def test_an_internationalised_sender_gets_an_internationalised_report(world, hosts):
    theirs = hosts.mail(enable_SMTPUTF8=True)
    home = world.publish(theirs)
    domain = world.publish(hosts.odd(replies={"RCPT": "550 5.1.1 no"}, extensions=("SMTPUTF8",)))
    await world.submit(f"jürgen@{home}", f"dörte@{domain}", smtputf8=True)

    async def has_report():
        return theirs.envelopes

    (envelope,) = await world.until(has_report)
    assert envelope.rcpt_tos == [f"jürgen@{home}"]
    status = parse(envelope.original_content).get_payload()[1]
    assert status.get_content_type() == "message/global-delivery-status"
    assert f"Final-Recipient: utf-8; dörte@{domain}".encode() in envelope.original_content
