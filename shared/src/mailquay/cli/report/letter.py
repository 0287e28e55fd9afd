"""A report as a message: text for any mail program, and the same as HTML. Pure.

Styles stand at each element, as mail programs drop a style sheet; nothing is loaded from anywhere.
"""

import email.policy
from collections.abc import Iterator, Sequence
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from typing import Final

from mailquay.cli.report.sections import Section

__all__ = ["render_text", "write_letter"]

_INK: Final = "#1f2933"
_DIM: Final = "#66727f"
_LINE: Final = "#e3e8ed"
_FONT: Final = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_GOOD: Final = ("#eaf6ef", "#1c6b3f", "All is well. Nothing wants your attention.")
_WARN: Final = ("#fdf3e1", "#8a5300", "To look at")


def render_text(title: str, points: Sequence[str], found: Sequence[Section]) -> str:
    """The report for a terminal, or a mail program that shows text."""
    return "\n".join(_text_lines(title, points, found)) + "\n"


def _text_lines(title: str, points: Sequence[str], found: Sequence[Section]) -> Iterator[str]:
    yield title
    yield "=" * len(title)
    yield ""
    if points:
        yield f"{_WARN[2]}:"
        yield from (f"  * {point}" for point in points)
    else:
        yield _GOOD[2]
    for section in found:
        yield ""
        yield section.title
        yield "-" * len(section.title)
        rows = [row for row in (section.columns, *section.rows) if row]
        # The last column is as long as it is, a server's reply for one.
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            yield "  ".join([*cells, row[-1]]).rstrip()
        if section.note:
            yield f"({section.note})"


def _html(title: str, points: Sequence[str], found: Sequence[Section]) -> str:
    background, ink, told = _WARN if points else _GOOD
    listed = "".join(f'<li style="margin:4px 0">{_code(point)}</li>' for point in points)
    body = f'<ul style="margin:6px 0 0;padding-left:20px">{listed}</ul>' if points else ""
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'</head><body style="margin:0;padding:24px 12px;background:#f4f6f8;color:{_INK};{_FONT};'
        'font-size:14px;line-height:1.5">'
        '<div style="max-width:640px;margin:0 auto;background:#ffffff;border-radius:8px;'
        f'border:1px solid {_LINE};padding:24px 28px">'
        f'<h1 style="margin:0 0 16px;font-size:20px;font-weight:600">{escape(title)}</h1>'
        f'<div style="background:{background};color:{ink};border-radius:6px;padding:12px 16px">'
        f"<strong>{told}</strong>{body}</div>"
        f"{''.join(map(_section_html, found))}"
        "</div></body></html>"
    )


def _section_html(section: Section) -> str:
    head = "".join(
        f'<th align="left" style="padding:6px 12px 6px 0;color:{_DIM};font-weight:500">'
        f"{escape(column)}</th>"
        for column in section.columns
    )
    rows = "".join(_row_html(row, is_pair=not section.columns) for row in section.rows)
    note = (
        f'<p style="margin:6px 0 0;color:{_DIM};font-size:12px">{_code(section.note)}</p>'
        if section.note
        else ""
    )
    return (
        f'<h2 style="margin:24px 0 6px;font-size:15px;font-weight:600">{escape(section.title)}</h2>'
        '<table cellspacing="0" cellpadding="0" style="width:100%;border-collapse:collapse;'
        f'font-size:14px">{f"<tr>{head}</tr>" if head else ""}{rows}</table>{note}'
    )


def _row_html(row: Sequence[str], *, is_pair: bool) -> str:
    cells = []
    for number, cell in enumerate(row, 1):
        style = "padding:6px 12px 6px 0;overflow-wrap:break-word"
        if number == len(row):
            # A number stands to the right; a server's reply is as long as it likes.
            style = (
                "padding:6px 0;text-align:right;font-variant-numeric:tabular-nums"
                if is_pair
                else "padding:6px 0;word-break:break-word"
            )
        cells.append(
            f'<td valign="top" style="border-top:1px solid {_LINE};{style}">{escape(cell)}</td>'
        )
    return f"<tr>{''.join(cells)}</tr>"


def _code(text: str) -> str:
    """Escaped, with what stands between backquotes as code."""
    parts = escape(text).split("`")
    return "".join(
        f'<code style="font-size:13px">{part}</code>' if number % 2 else part
        for number, part in enumerate(parts)
    )


def write_letter(
    *,
    title: str,
    points: Sequence[str],
    found: Sequence[Section],
    recipient: str,
    message_id: str,
    at: datetime,
) -> bytes:
    """The message; its HTML says what its text says."""
    message = EmailMessage(email.policy.SMTPUTF8)
    message["From"] = f"Mailquay <postmaster@{recipient.rpartition('@')[2]}>"
    message["To"] = recipient
    subject = title if not points else f"{title}: {len(points)} to look at"
    message["Subject"] = subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5
    message.set_content(render_text(title, points, found), cte="quoted-printable")
    message.add_alternative(_html(title, points, found), subtype="html", cte="quoted-printable")
    message.set_boundary(f"=_{message_id.strip('<>').partition('@')[0]}")
    return message.as_bytes()
