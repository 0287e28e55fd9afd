"""A message's HTML over HTTP, as the application's frame asks for it."""

import httpx
import pytest

MESSAGE = (
    b"From: friend@elsewhere.example\r\nTo: anna@example.org\r\nSubject: letter\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n"
    b"--m\r\nContent-Type: multipart/related; boundary=r\r\n\r\n"
    b"--r\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n"
    b"--a\r\nContent-Type: text/plain\r\n\r\nplain words\r\n"
    b"--a\r\nContent-Type: text/html; charset=iso-8859-1\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    b'<p>Gr=FC=DFe</p><img src=3D"cid:pic@x"><img src=3D"https://t.example/pixel">\r\n'
    b"<script>alert(1)</script>--a--\r\n"
    b"--a--\r\n"
    b"--r\r\nContent-Type: image/png\r\nContent-ID: <pic@x>\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--r--\r\n"
    b"--m\r\nContent-Type: text/html\r\nContent-Disposition: attachment; filename=a.html\r\n\r\n"
    b"<p>attached</p>\r\n--m--\r\n"
)


@pytest.fixture
def letter(anna, deliver) -> str:
    deliver("anna@example.org", MESSAGE)
    sort = [{"property": "receivedAt", "isAscending": False}]
    return anna.call("Email/query", sort=sort, limit=1)["ids"][0]


def page(jmap, email: str, images: str = "0") -> httpx.Response:
    return jmap.http.get(f"/api/messages/{email}/html", params={"images": images})


def policy(answer: httpx.Response) -> dict[str, list[str]]:
    words = [part.split(" ") for part in answer.headers["content-security-policy"].split("; ")]
    return {name: values for name, *values in words}


def test_a_letter_is_shown_without_what_runs_or_tells(anna, letter):
    answer = page(anna, letter)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<p>Grüße</p>" in answer.text
    assert "<script" not in answer.text
    assert "t.example" not in answer.text
    assert "attached" not in answer.text
    rules = policy(answer)
    assert rules["default-src"] == ["'none'"]
    assert "script-src" not in rules
    assert rules["img-src"] == ["'self'", "data:"]
    assert rules["frame-ancestors"] == ["'self'"]
    assert "allow-scripts" not in rules["sandbox"]
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"].startswith("private")


def test_a_letters_own_pictures_are_where_it_says(anna, letter):
    text = page(anna, letter).text
    start = text.index('src="/jmap/download/') + 5
    picture = anna.http.get(text[start : text.index('"', start)].replace("&amp;", "&"))
    assert picture.content == b"\x89PNG\r\n\x1a\n"
    assert picture.headers["content-type"] == "image/png"


def test_pictures_from_elsewhere_are_fetched_once_they_are_asked_for(anna, letter):
    answer = page(anna, letter, images="1")
    assert 'src="https://t.example/pixel"' in answer.text
    assert policy(answer)["img-src"] == ["'self'", "data:", "http:", "https:"]
    assert "<script" not in answer.text


def test_a_message_without_html_has_no_page(anna, deliver):
    deliver("anna@example.org", b"Subject: plain\r\n\r\nwords\r\n")
    sort = [{"property": "receivedAt", "isAscending": False}]
    email = anna.call("Email/query", sort=sort, limit=1)["ids"][0]
    assert page(anna, email).status_code == 404


@pytest.mark.parametrize("email", ["E999999", "x", "M1", "E", "%00"])
def test_what_is_no_message_has_no_page(anna, email):
    assert page(anna, email).status_code == 404


def test_nobody_reads_anothers_letters(anna, bert, letter, client):
    assert page(bert, letter).status_code == 404
    assert client.get(f"/api/messages/{letter}/html").status_code == 401


def test_a_parameter_of_no_meaning_is_a_problem(anna, letter):
    assert page(anna, letter, images="yes").status_code == 400
