"""The command's root: what there is, each group in a module of its own."""

import typer

from mailquay.cli import standalone

__all__ = ["main"]

app = typer.Typer(no_args_is_help=True, help="Run and administer Mailquay.")
app.command("standalone")(standalone.standalone)


@app.callback()
def root() -> None:
    """Run and administer Mailquay."""


def main() -> None:
    """Run the command."""
    app()
