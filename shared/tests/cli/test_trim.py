"""``mailquay trim``: what is old goes, and what went is told."""

from mailquay.store.types import EmailId, ThreadId


async def test_what_is_old_goes_and_is_counted(mailquay, deployment, deployed_store, domain):
    account = await deployed_store.accounts.add(f"ada@{domain}", "hash", "scram")
    await deployed_store.mailboxes.create(account.id, "Brief")
    await deployed_store.mailboxes.delete(account.id, "Brief")
    await deployed_store.submissions.add(
        account.id, identity_id=1, email_id=EmailId(1), thread_id=ThreadId(1), envelope={},
        queue_message_id=None,
    )  # fmt: skip
    assert not any(mailquay("trim", "--json").data.values())
    env = deployment.settings() | {
        "MAILQUAY_RETENTION__HISTORY_SECONDS": "0",
        "MAILQUAY_RETENTION__SUBMISSIONS_SECONDS": "0",
    }
    told = mailquay("trim", env=env).output
    assert "Mailboxes removed" in told
    assert mailquay("trim", "--json", env=env).data["submissions"] == 0
    assert await deployed_store.submissions.list_submissions(account.id) == []
    assert (await deployed_store.tasks.last())["trim"].result["removed_mailboxes"] == 0
