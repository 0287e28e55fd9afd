"""Ordinary mail is read as it was meant, by us and by Python's own reader alike (RFC 2046, RFC 2047).

A `Letter` says what a message means; it is written by code that shares nothing with the readers.
"""

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

from hypothesis import given, settings

from mailquay.message import Part, scan
from mailquay.message.addresses import flatten
from mailquay.message.content import decode_body, decode_text
from mailquay.testing.letters import Leaf, Letter, Multi, Sent, letters, write_letter


def squeezed(text: str) -> str:
    return " ".join(text.split())


def assert_is_letter(raw: bytes, message: Part, letter: Letter) -> None:
    """The message that begins where ``message`` does is the letter."""
    inner = scan(raw[message.header_start : message.body_end])
    assert inner.subject == letter.subject
    (author,) = flatten(inner.envelope.from_)
    assert (squeezed(author.name), author.addr_spec) == (
        squeezed(letter.author[0]),
        letter.author[1],
    )
    assert_is(raw, message, letter.body)


def assert_is(raw: bytes, part: Part, sent: Sent) -> None:
    match sent:
        case Leaf():
            assert part.content_type == sent.content_type
            assert part.encoding == sent.encoding
            assert decode_body(raw, part) == sent.content
            assert part.filename == sent.filename
            if sent.charset:
                assert part.charset == sent.charset
                assert decode_text(raw, part) == sent.content.decode()
        case Letter():
            assert part.content_type == "message/rfc822"
            (message,) = part.children
            assert_is_letter(raw, message, sent)
        case Multi():
            assert part.content_type == f"multipart/{sent.subtype}"
            assert len(part.children) == len(sent.parts)
            for child, meant in zip(part.children, sent.parts, strict=True):
                assert_is(raw, child, meant)
            assert raw[part.body_start : part.children[0].header_start].startswith(sent.preamble)
            assert raw[part.children[-1].body_end : part.body_end].endswith(sent.epilogue)


def assert_alike(raw: bytes, part: Part, other: EmailMessage) -> None:
    """Python's reader sees the same tree with the same contents."""
    assert part.content_type == other.get_content_type()
    assert part.filename == other.get_filename()
    if part.children:
        theirs = other.get_payload()
        assert len(part.children) == len(theirs)
        for child, their in zip(part.children, theirs, strict=True):
            assert_alike(raw, child, their)
    else:
        assert decode_body(raw, part) == other.get_payload(decode=True)


@settings(max_examples=150)
@given(letters)
def test_a_letter_is_read_as_it_was_meant(letter: Letter) -> None:
    raw = write_letter(letter)
    assert_is_letter(raw, scan(raw).root, letter)


@settings(max_examples=150)
@given(letters)
def test_python_reads_the_same(letter: Letter) -> None:
    raw = write_letter(letter)
    message = scan(raw)
    other = BytesParser(_class=EmailMessage, policy=policy.default).parsebytes(raw)
    assert_alike(raw, message.root, other)
    assert squeezed(message.subject) == squeezed(str(other["subject"]))
    (author,) = flatten(message.envelope.from_)
    (theirs,) = other["from"].addresses
    assert author.addr_spec == theirs.addr_spec
    # Python leaves the space between two encoded words of a name (RFC 2047 §6.2 takes it away).
    assert author.name.replace(" ", "") == theirs.display_name.replace(" ", "")
