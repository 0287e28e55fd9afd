"""Bytes that a message scanner trips over, strung together by Hypothesis."""

from typing import Final

from hypothesis import strategies as st

__all__ = ["hostile_messages"]

_FRAGMENTS: Final = (
    b"Content-Type: multipart/mixed; boundary=b\r\n",
    b'Content-Type: multipart/alternative;\r\n boundary="c"\r\n',
    b'Content-Type: multipart/digest; boundary="b "\r\n',
    b"Content-Type: multipart/mixed; boundary*0=b; boundary*1=c\r\n",
    b"Content-Type: message/rfc822\r\n",
    b"Content-Type: message/global\n",
    b"Content-Type: message/delivery-status\r\n",
    b"Content-Type: text/html; charset=utf-16 (c\r\n",
    b"Content-Type: text/plain; charset*0*=utf-8''a%20; charset*1=b\r\n",
    b'Content-Type: text/plain; name="=?utf-7?q?+2AA-?="\r\n',
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable (x)\r\n",
    b'Content-Disposition: attachment; filename="=?utf-8?b?w6Q=?="\r\n',
    b"Content-Disposition: inline; filename*=x'y'%00%ff; filename=\"a\\\"(b)\r\n",
    b'Content-Language: de, en\r\nContent-ID: <a\0b>\r\nContent-MD5: "\r\n',
    b"Content-Location: \xe9\r\nContent-Description: =?iso-8859-1?q?=E9?=\r\n",
    b"Subject: =?utf-8?q?=C3?= =?utf-8?q?=A4?= =?x?b?=?=\r\n",
    b"Subject: Re: [x] (fwd)\r\n \r\n\t\r\n",
    b'From: "a (b" <c@d>, g: e@f, ;, (x\r\n',
    b'To: undisclosed-recipients:;, <@a,@b:c@d>, "q\\\r\n',
    b"Reply-To: \xff <\xfe@\xfd>\r\nSender: <>\r\n",
    b"Date: 31 Feb 99 25:00 EST\r\n",
    b"References: <a@b> <c@d>\r\nIn-Reply-To: <\xff>\r\nMessage-ID: <a@b>\r\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"\r",
    b"--b\r\n",
    b"\r\n--b\r\n",
    b"--b \t\n",
    b"--b--\r\n",
    b"\r\n--bc\r\n",
    b"--c\n",
    b"--c--",
    b"text ",
    b"<style><!--",
    b"=3D=\r\n",
    b"SGVsbG8=",
    b"\0",
    b"\xff\xfe",
)

#: Any bytes whatsoever, most of them such as make a scanner stumble.
hostile_messages: Final[st.SearchStrategy[bytes]] = st.lists(
    st.one_of(st.sampled_from(_FRAGMENTS), st.binary(max_size=12)), max_size=40
).map(b"".join)
