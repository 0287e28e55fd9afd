"""The documentation's example, and the schema that editors use."""

import json
from typing import Any

import pytest
import yaml

from mailquay.declared.document import Document
from mailquay.declared.planner import make_plan
from mailquay.declared.reading import read_documents
from mailquay.declared.reference import EXAMPLE, render, render_schema
from mailquay.declared.schema import json_schema
from mailquay.declared.wanted import make_order
from mailquay.store.declared import Declared


def test_the_example_can_be_applied():
    documents = [("example", document) for document in read_documents(EXAMPLE, "example")]
    plan = make_plan(Declared.of([]), make_order(documents).wanted)
    assert len(plan.changes) == 10
    assert EXAMPLE in render()


def fits(schema: dict[str, Any], value: Any, whole: dict[str, Any]) -> bool:
    """As much of JSON Schema as ours uses, read by hand: no validator is at hand here."""
    if "$ref" in schema:
        return fits(whole["$defs"][schema["$ref"].rpartition("/")[2]], value, whole)
    if "anyOf" in schema:
        return any(fits(each, value, whole) for each in schema["anyOf"])
    if "const" in schema:
        return bool(value == schema["const"])
    if "enum" in schema and value not in schema["enum"]:
        return False
    match schema["type"]:
        case "object":
            known = schema["properties"]
            return (
                isinstance(value, dict)
                and set(schema.get("required", ())) <= set(value) <= set(known)
                and all(fits(known[name], each, whole) for name, each in value.items())
            )
        case "array":
            return isinstance(value, list) and all(
                fits(schema["items"], each, whole) for each in value
            )
        case kind:
            types = {"string": str, "integer": int, "boolean": bool, "null": type(None)}
            return isinstance(value, types[kind]) and isinstance(value, bool) is (kind == "boolean")


@pytest.mark.parametrize("text", [EXAMPLE, "{}", "accounts: [{address: a@b.example, quota: 1}]"])
def test_the_schema_takes_what_is_right(text):
    assert fits(json_schema(), yaml.safe_load(text), json_schema())


@pytest.mark.parametrize(
    "text",
    [
        "domain: []",
        "domains: [{}]",
        "domains: [{name: 3}]",
        "domains: [{name: a.example, policy: {outbound: 3}}]",
        "accounts: [{address: a@b.example, role: root}]",
        "apiVersion: mailquay/v2",
    ],
)
def test_the_schema_refuses_what_is_wrong(text):
    assert not fits(json_schema(), yaml.safe_load(text), json_schema())


def test_every_field_is_described():
    schema = json.loads(render_schema())
    parts = [schema, *schema["$defs"].values()]
    for part in parts:
        for name, field in part["properties"].items():
            assert field["description"].endswith("."), name
    assert set(schema["properties"]) == {f.alias for f in Document.model_fields.values()}
