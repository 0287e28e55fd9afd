"""Content-Disposition for any name (RFC 6266)."""

from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay_webmail_api.http.disposition import attachment


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("report.pdf", 'attachment; filename="report.pdf"'),
        ("../../etc/passwd", 'attachment; filename="_.._etc_passwd"'),
        ('a"b.txt', 'attachment; filename="a_b.txt"'),
        ("a\r\nX: y", 'attachment; filename="aX_ y"'),
        ("", 'attachment; filename="download"'),
        ("...", 'attachment; filename="download"'),
        ("gpj.\u202eexe", 'attachment; filename="gpj.exe"'),
        ("Größe.txt", "attachment; filename=\"Gr__e.txt\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.txt"),
    ],
)
def test_a_name_is_made_harmless(name, field):
    assert attachment(name) == field


@given(st.text(max_size=400))
def test_any_name_makes_a_field_that_parses(name):
    field = attachment(name)
    assert field.isascii()
    assert field.isprintable()
    assert len(field) < 2500
    message = EmailMessage()
    message["Content-Disposition"] = field
    assert message.get_content_disposition() == "attachment"
    assert "/" not in (message.get_filename() or "")
