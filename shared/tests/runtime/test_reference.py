"""The pages that are rendered from the code say what the code says."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mailquay.cli.reference import render as render_cli
from mailquay.declared.reference import render as render_config_as_code
from mailquay.declared.reference import render_schema
from mailquay.runtime.reference import render as render_configuration
from mailquay.runtime.settings import Settings

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize(
    ("page", "render"),
    [
        ("configuration.md", render_configuration),
        ("cli.md", render_cli),
        ("config-as-code.md", render_config_as_code),
        ("config-as-code.schema.json", render_schema),
    ],
)
def test_page_is_what_is_rendered_now(page: str, render: Callable[[], str]):
    assert (DOCS / page).read_text() == render(), "run `make docs`"


def test_every_setting_is_described():
    for name, field in Settings.model_fields.items():
        group = getattr(field.annotation, "model_fields", None)
        for inner, described in (group or {name: field}).items():
            assert described.description, f"{name}.{inner}"
            assert described.description.endswith("."), f"{name}.{inner}"


def test_no_secret_of_the_environment_is_rendered(monkeypatch):
    monkeypatch.setenv("MAILQUAY_DATABASE__URL", "postgresql://me:hunter2@db/mail")
    assert "hunter2" not in render_configuration()
