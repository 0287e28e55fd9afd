"""The command's root: what there is, each group in a module of its own."""

import typer

from mailquay.cli import (
    account,
    alias,
    apply,
    blobs,
    db,
    doctor,
    domain,
    mailbox,
    probe,
    queue,
    report,
    send,
    standalone,
    trim,
)

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
app.command("standalone")(standalone.standalone)
for name, module in (
    ("domain", domain),
    ("account", account),
    ("alias", alias),
    ("mailbox", mailbox),
    ("queue", queue),
    ("blobs", blobs),
    ("db", db),
):
    app.add_typer(module.app, name=name)
apply.register(app)
send.register(app)
probe.register(app)
doctor.register(app)
trim.register(app)
report.register(app)


@app.callback()
def root() -> None:
    """Run and administer Mailquay."""


def main() -> None:
    """Run the command."""
    app()
