"""Whatever arguments a client sends, it is told what is wrong with them: never that we failed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

IDS = st.sampled_from(["I1", "S1", "E1", "A1", "#k", "#", "", "x", "I999999999999999999999"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 70), 1 << 70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
    | IDS
    | st.sampled_from(["anna@example.org", "1", "2000-01-01T00:00:00Z"])
)
NAMES = st.sampled_from(
    [
        "id", "ids", "properties", "create", "update", "destroy", "ifInState", "sinceState",
        "maxChanges", "email", "name", "replyTo", "bcc", "textSignature", "identityId", "emailId",
        "envelope", "mailFrom", "rcptTo", "parameters", "onSuccessUpdateEmail",
        "onSuccessDestroyEmail", "filter", "sort", "operator", "conditions", "property",
        "isAscending", "position", "anchor", "anchorOffset", "limit", "calculateTotal", "before",
        "after", "undoStatus", "sinceQueryState", "upToId", "blobIds", "fromAccountId", "k", "I1",
        "#ids", "resultOf", "path",
    ]
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(NAMES | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
METHODS = [
    "Blob/copy", "Identity/get", "Identity/changes", "Identity/set", "EmailSubmission/get",
    "EmailSubmission/changes", "EmailSubmission/set", "EmailSubmission/query",
    "EmailSubmission/queryChanges",
]  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=60, deadline=None)
@given(arguments=st.dictionaries(NAMES | st.text(max_size=4), JSON, max_size=5))
def test_no_arguments_make_a_method_fail(anna, method, arguments):
    account = {"accountId": anna.account_id}
    call = [method, {**arguments, **account}, "c"]
    answer = anna.post(
        {
            "using": ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:submission"],
            "methodCalls": [call, ["Identity/get", {**account, "ids": None}, "d"]],
        }
    )
    assert answer.status_code == 200
    responses = answer.json()["methodResponses"]
    assert responses[-1][0] == "Identity/get"
    for name, result, _ in responses:
        if name == "error":
            assert result["type"] not in ("serverFail", "serverPartialFail", "unknownMethod")
