"""What CATENATE comes to has the limit of any message (RFC 4469 §3)."""


async def test_a_message_of_many_parts_is_not_too_large(start_imap):
    message = b"Subject: x\r\n\r\n" + b"x" * 30_000
    async with start_imap(max_append_bytes=65536) as imap:
        client = await imap.sign_in(
            b"APPEND INBOX {%d+}\r\n%b" % (len(message), message), b"SELECT INBOX"
        )
        url = b' URL "/INBOX/;UID=1"'
        twice = (await client.say(b"APPEND INBOX CATENATE (" + (url * 2)[1:] + b")"))[-1]
        assert twice.startswith(b"t OK [APPENDUID ")
        thrice = (await client.say(b"APPEND INBOX CATENATE (" + (url * 3)[1:] + b")"))[-1]
        assert thrice == b"t NO [TOOBIG] the message would be too large\r\n"
