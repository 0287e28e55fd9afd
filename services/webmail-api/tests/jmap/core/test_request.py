"""The Request object, and the I-JSON that it is (RFC 8620 §1.5, §3.3, RFC 7493)."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay_webmail_api.jmap.core.errors import RequestError
from mailquay_webmail_api.jmap.core.ijson import IJsonError, decode_ijson, holds_nul
from mailquay_webmail_api.jmap.core.limits import JmapLimits
from mailquay_webmail_api.jmap.core.request import Invocation, parse_request

CORE = "urn:ietf:params:jmap:core"
LIMITS = JmapLimits(max_calls_in_request=2)


def parse(document) -> object:
    return parse_request(json.dumps(document).encode(), {CORE}, LIMITS)


def refused(body: bytes | object) -> dict:
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(RequestError) as error:
        parse_request(body, {CORE}, LIMITS)
    return error.value.problem


def test_a_request_is_read():
    request = parse({"using": [CORE], "methodCalls": [["Core/echo", {"a": 1}, "c1"]], "x": 1})
    assert request.using == {CORE}
    assert request.calls == (Invocation("Core/echo", {"a": 1}, "c1"),)
    assert request.created_ids is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{} {}",
        b'{"using": NaN}',
        b'{"using": Infinity}',
        b'{"using": [], "methodCalls": [], "using": []}',
        b'{"using": [], "methodCalls": [["a", {"b": {"c": 1, "c": 1}}, "d"]]}',
        b'{"using": ["\xff"]}',
        b'{"using": ["\\ud800"]}',
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
    ],
)
def test_what_is_no_i_json_is_not_json(body):
    problem = refused(body)
    assert problem["type"] == "urn:ietf:params:jmap:error:notJSON"
    assert problem["status"] == 400


@pytest.mark.parametrize(
    "document",
    [
        [],
        "x",
        None,
        {},
        {"using": [CORE]},
        {"methodCalls": []},
        {"using": CORE, "methodCalls": []},
        {"using": [1], "methodCalls": []},
        {"using": [CORE], "methodCalls": {}},
        {"using": [CORE], "methodCalls": [["a", {}]]},
        {"using": [CORE], "methodCalls": [["a", {}, "c", 1]]},
        {"using": [CORE], "methodCalls": [["a", [], "c"]]},
        {"using": [CORE], "methodCalls": [["a", {}, 1]]},
        {"using": [CORE], "methodCalls": [{"0": "a"}]},
        {"using": [CORE], "methodCalls": ["abc"]},
        {"using": [CORE], "methodCalls": [], "createdIds": []},
        {"using": [CORE], "methodCalls": [], "createdIds": {"a": 1}},
    ],
)
def test_what_is_no_request_is_not_a_request(document):
    assert refused(document)["type"] == "urn:ietf:params:jmap:error:notRequest"


def test_an_unknown_capability_is_named():
    problem = refused({"using": [CORE, "https://example.com/apis/foobar"], "methodCalls": []})
    assert problem["type"] == "urn:ietf:params:jmap:error:unknownCapability"
    assert "https://example.com/apis/foobar" in problem["detail"]


def test_too_many_calls_are_a_limit():
    problem = refused({"using": [CORE], "methodCalls": [["a", {}, "c"]] * 3})
    assert problem["type"] == "urn:ietf:params:jmap:error:limit"
    assert problem["limit"] == "maxCallsInRequest"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 53), 1 << 53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(JSON)
def test_json_is_read_as_it_was_written(value):
    assert decode_ijson(json.dumps(value).encode()) == value


@given(JSON | st.dictionaries(st.sampled_from(["using", "methodCalls", "createdIds"]), JSON))
def test_any_json_is_a_request_or_a_request_error(document):
    try:
        parse(document)
    except RequestError as error:
        status = error.problem["status"]
    else:
        return
    assert status == 400


@given(st.binary(max_size=64))
def test_any_bytes_are_json_or_the_one_error(data):
    with contextlib.suppress(IJsonError):
        decode_ijson(data)


@pytest.mark.parametrize(
    ("value", "holds"),
    [
        ({"a": ["b", {"c": "d\0"}]}, True),
        ({"a\0": 1}, True),
        ({"a": ["b", {"c": 1.5, "d": None}]}, False),
        ("\0", True),
    ],
)
def test_nul_is_found_wherever_it_is(value, holds):
    assert holds_nul(value) is holds
