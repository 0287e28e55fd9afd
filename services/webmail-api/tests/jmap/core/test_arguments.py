"""Arguments that are missing, of the wrong type, or not known, are named."""

import pytest

from mailquay_webmail_api.jmap.core.arguments import Arguments
from mailquay_webmail_api.jmap.core.errors import MethodError

GIVEN = {
    "accountId": "A1", "text": "x", "number": 3, "float": 3.0, "half": 3.5, "big": 1 << 53,
    "negative": -1, "flag": True, "none": None, "texts": ["a"], "mixed": ["a", 1], "map": {"a": {}},
    "flat": {"a": 1},
}  # fmt: skip


def test_values_are_read_as_they_are():
    arguments = Arguments(GIVEN)
    assert arguments.string("text") == "x"
    assert arguments.optional_string("none") is None
    assert arguments.optional_string("absent") is None
    assert arguments.optional_unsigned("number") == 3
    assert arguments.optional_unsigned("float") == 3
    assert arguments.integer("negative", default=0) == -1
    assert arguments.integer("absent", default=7) == 7
    assert arguments.boolean("flag") is True
    assert arguments.boolean("absent", default=True) is True
    assert arguments.strings("texts") == ["a"]
    assert arguments.optional_objects("map") == {"a": {}}
    assert arguments.properties({"a"}) is None


@pytest.mark.parametrize(
    ("read", "name"),
    [
        ("string", "absent"),
        ("string", "none"),
        ("string", "number"),
        ("optional_string", "flag"),
        ("optional_unsigned", "text"),
        ("optional_unsigned", "half"),
        ("optional_unsigned", "big"),
        ("optional_unsigned", "negative"),
        ("optional_unsigned", "flag"),
        ("boolean", "number"),
        ("boolean", "none"),
        ("strings", "absent"),
        ("strings", "mixed"),
        ("optional_strings", "text"),
        ("optional_object", "texts"),
        ("optional_objects", "flat"),
    ],
)
def test_what_is_wrong_is_named(read, name):
    with pytest.raises(MethodError) as error:
        getattr(Arguments(GIVEN), read)(name)
    assert error.value.response["type"] == "invalidArguments"
    assert name in error.value.response["description"]


def test_what_nobody_has_read_is_unknown():
    arguments = Arguments({"accountId": "A1", "ids": None, "extra": 1})
    arguments.optional_strings("ids")
    with pytest.raises(MethodError, match="extra"):
        arguments.finish()


def test_an_unknown_property_is_named():
    with pytest.raises(MethodError, match="colour"):
        Arguments({"properties": ["id", "colour"]}).properties({"id"})
