"""The document's JSON Schema, for editors and for whoever generates documents. No I/O here."""

from typing import Any

from mailquay.declared.document import Document

__all__ = ["json_schema"]


def json_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12."""
    made = Document.model_json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "title": "Mailquay's mail settings",
    }
