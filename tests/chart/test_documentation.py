"""Every value is explained where it stands, and the pages say the same."""

import json
import re
from pathlib import Path

import yaml
from tools.chart_reference import PAGE, chart_page, chart_values, settings_schema

CHART = Path(__file__).parents[2] / "charts" / "mailquay"
SOURCE = (CHART / "values.yaml").read_text()


def leaves(tree, path=()):
    """Paths of all values; a map that is empty is one."""
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


def test_every_value_is_explained_or_is_part_of_one_that_is():
    explained = {value.path for value in chart_values(SOURCE)}
    missing = [
        ".".join(path)
        for path in leaves(yaml.safe_load(SOURCE))
        if not any(path[:length] in explained for length in range(1, len(path) + 1))
    ]
    assert missing == []


def test_every_explanation_is_a_sentence():
    for value in chart_values(SOURCE):
        assert re.match(r"[A-Z`]", value.text), value.path
        assert re.search(r"[.`…]$", value.text), value.path


def test_the_page_is_rendered_from_the_values():
    assert PAGE.read_text() == chart_page(SOURCE), "run `make docs`"


def test_the_schema_takes_the_settings_that_the_services_take():
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert schema["$defs"]["settings"] == settings_schema(), "run `make docs`"


def test_the_schema_knows_every_value_and_no_other():
    schema = json.loads((CHART / "values.schema.json").read_text())

    def known(node):
        while "$ref" in node:
            node = schema["$defs"][node["$ref"].rpartition("/")[2]]
        return node

    values = yaml.safe_load(SOURCE)
    assert set(values) == set(schema["properties"]) - {"global"}
    for name, value in values.items():
        part = known(schema["properties"][name])
        if isinstance(value, dict) and "properties" in part:
            assert set(value) <= set(part["properties"]), name
    defaults = known(schema["properties"]["defaults"])
    assert set(values["defaults"]) == set(defaults["properties"])
    for service in ("smtpIn", "smtpOut", "imap", "pop3", "webmailApi"):
        own = set(known(schema["properties"][service])["properties"])
        assert own >= set(values["defaults"]) | {"enabled", "ports"}


def test_every_value_set_says_what_it_is():
    for path in CHART.glob("ci/*.yaml"):
        assert path.read_text().startswith("# "), path.name
