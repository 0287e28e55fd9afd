"""Renders docs/config-as-code.md and its JSON Schema from the model, which says it all.

``python -m mailquay.declared.reference docs/config-as-code.md docs/config-as-code.schema.json``
writes both; no I/O otherwise.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mailquay.declared import values
from mailquay.declared.document import (
    AccountDocument,
    AliasDocument,
    Document,
    DomainDocument,
    PasswordSource,
    PolicyDocument,
    RelayDocument,
    TenantDocument,
    TenantPolicyDocument,
)
from mailquay.declared.schema import json_schema

__all__ = ["EXAMPLE", "render", "render_schema"]

EXAMPLE: Final = """\
# yaml-language-server: $schema=./config-as-code.schema.json
apiVersion: mailquay/v1

tenants:
  - name: acme
    policy:
      maxDomains: 5
      maxAccounts: 200
      defaultQuota: 10 GiB
      maxRecipientsPerDay: 2000

domains:
  - name: example.com
    tenant: acme
    catchAll: office@example.com
  - name: kiosk.example.com
    tenant: acme
    subaddressSeparator: ""
    policy:
      outbound: false
      maxMessageSize: 5 MiB

accounts:
  - address: ada@example.com
    displayName: Ada Lovelace
    role: admin
    quota: none
    passwordFrom: {file: /run/secrets/mail/ada}
  - address: office@example.com
    displayName: Office
    state: active
    passwordFrom: {env: OFFICE_PASSWORD}
    passwordPolicy: always
  - address: screen@kiosk.example.com

aliases:
  - address: team@example.com
    targets: [ada@example.com, office@example.com, partner@elsewhere.example]

relays:
  - name: provider
    tenant: acme
    host: smtp.provider.example
    username: acme
    passwordFrom: {file: /run/secrets/relays/provider}
  - name: partner-by-mx
    recipientDomain: partner.example
    action: mx
  - name: nothing-to-the-old-host
    recipientDomain: "*.legacy.example"
    action: reject
"""

_HEAD: Final = """\
# Mail settings as code

<!-- Rendered from shared/src/mailquay/declared/ by `make docs`; change it there. -->

`mailquay apply -f mail.yaml` brings tenants, domains, accounts, aliases and relays to what YAML
files say: they can live in Git, be reviewed, and be applied by whatever applies the rest. The
chart's `config:` value is such a file.

```console
$ mailquay apply -f mail.yaml --diff
~ domain example.com catchAll unset → office@example.com
~ account ada@example.com quota 1 GiB → none
+ account office@example.com
    displayName Office
    state active
    password set
To be 1 added, 2 changed.
```

- `mailquay apply -f FILE` makes the changes. On a terminal it shows them first, and asks.
- `mailquay apply -f FILE --diff` only shows them; it ends with 1 when there are any, else with 0.
- `mailquay apply -f FILE --prune` also removes what files have declared before, and do no more.
- `mailquay export` prints what is there as such a file, without any password: where to begin when
  there is a Mailquay already.
- `mailquay apply --schema` prints the JSON Schema, which is also
  [here](config-as-code.schema.json).

`-f` takes a file, a folder of them, or `-`, and may be given again; together they are one whole, in
which each item stands once. Without a terminal nobody is asked. Exit statuses are those of every
command ([cli.md](cli.md)): 65 for a file that is wrong, 66 for a file or password that is not
there, 77 for what cannot be.

## What it does, and what it never does

- **All or nothing.** All changes are one transaction. Several that apply at the same time wait for
  one another, and whoever comes second finds nothing to do.
- **Twice is once.** What is as the files say is not touched.
- **A file is the whole truth of what it names.** A field that is left out has its default. Two
  things stay as they are where a file is silent: an account's `state`, so that whom you have
  disabled at night is not enabled by the next rollout; and its password.
- **What no file names is left alone.** What was made by other commands stays as it is, with
  `--prune`, too: that removes only what files have declared before. Once a file names it, it is
  managed by files from then on. `--prune` knows of one set of files: give them all to one command,
  or each would remove what the others declare.
- **No mail is lost by leaving a line out.** `--prune` disables an account that no file names any
  more, keeps its mail, and says so; named again, it is enabled again. Only `--prune
  --delete-accounts` deletes it with its mail. A domain or tenant that still has something in it is
  kept, and why is said. Files that name nothing at all prune nothing.
- **No secret is in a file, nor printed or logged.** A password is hashed, or read where
  `passwordFrom` says. For accounts, `mailquay apply` reads it; for relays, smtp-out does, at each
  connection, and the database has only the place.
- **Services need no restart.** They are told once it is committed, and look by themselves within
  seconds where NATS is away.

A domain that has accounts cannot go to another tenant: bodies are kept apart by tenant. Below what
there already is, a limit removes nothing; it refuses what is new, to every command.

## An example

```yaml
"""

_TAIL: Final = """\
```

## What a policy does

- `defaultQuota` is held at RCPT, at each delivery, at APPEND and in JMAP, and shown by IMAP's
  QUOTA. An account's own quota goes before it, the settings' comes after it.
- `maxAccounts` and `maxDomains` are held whenever one is added, by `apply` or any other command.
- `maxMessageSize` is held at submission: `552 5.3.4` at MAIL or after the message, `tooLarge` in
  JMAP. What comes from outside has the server's limit alone.
- `maxRecipientsPerDay` is held at submission, over all processes together: `450 4.7.1`,
  `forbiddenToSend` in JMAP. A day begins with the first message after the last one has ended.
- `outbound: false` is held at submission: `550 5.7.1` at RCPT, `invalidRecipients` in JMAP. An
  alias that an administrator has set up still leads elsewhere.

## Relays and passwords

smtp-out looks for a relay for each destination, then for `MAILQUAY_SMTP_OUT__SMARTHOST`, then for
the domain's MX. It sees a change when it is told of it, and after
`MAILQUAY_SMTP_OUT__RELAY_CACHE_SECONDS` anyway. With `tls: required` the host's name must be in a
certificate that the system trusts, or one of `MAILQUAY_SMTP_OUT__SMARTHOST_CA_FILE`. A password
that cannot be read leaves the mail in the queue, and is logged. On Kubernetes, mount the Secret
into smtp-out's pods, and name the file's path as it is there.

A hash that others have made can be brought along by `passwordHash`: Argon2, such as
`$argon2id$v=19$m=65536,t=3,p=4$…`. SCRAM needs keys that no hash holds: give `scramSha256` with it,
or clients that insist on SCRAM cannot sign in until the password is set anew.

## Everything that a file may say

"""

_PARTS: Final[tuple[tuple[str, type[BaseModel]], ...]] = (
    ("The file", Document),
    ("`tenants`", TenantDocument),
    ("`domains`", DomainDocument),
    ("`policy` of a domain", PolicyDocument),
    ("`policy` of a tenant", TenantPolicyDocument),
    ("`accounts`", AccountDocument),
    ("`aliases`", AliasDocument),
    ("`relays`", RelayDocument),
    ("`passwordFrom`", PasswordSource),
)


def render() -> str:
    """The page."""
    return _HEAD + EXAMPLE + _TAIL + "\n".join(_part(title, part) for title, part in _PARTS)


def render_schema() -> str:
    """The schema's file."""
    return json.dumps(json_schema(), indent=2) + "\n"


def _part(title: str, part: type[BaseModel]) -> str:
    text = " ".join((part.__doc__ or "").split())
    lines = [f"### {title}", "", text.replace("``", "`").replace("\n\n", " "), ""]
    lines += ["| Field | Value | Default | |", "| --- | --- | --- | --- |"]
    for field in part.model_fields.values():
        cells = (f"`{field.alias}`", _value(field), _default(field), field.description or "")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    match field.default:
        case None | [] | "":
            return ""
        case BaseModel():
            return ""
        case value:
            return f"`{value}`"


def _value(field: FieldInfo) -> str:
    if _is(field, values.Quota):
        return "size, `none` or `default`"
    return " or ".join(_kinds(field.annotation, field.metadata))


def _is(field: FieldInfo, kind: Any) -> bool:
    return set(get_args(kind)[1:]) <= set(field.metadata)


def _kinds(annotation: Any, metadata: list[Any]) -> Iterator[str]:
    known = next((name for kind, name in _NAMED if set(get_args(kind)[1:]) & set(metadata)), None)
    if known is not None:
        yield known
        return
    origin, arguments = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        yield from _kinds(annotation.__origin__, list(annotation.__metadata__))
    elif origin in (Union, UnionType):
        for argument in arguments:
            if argument is not NoneType:
                yield from _kinds(argument, [])
    elif origin is Literal:
        yield from (f"`{argument}`" for argument in arguments)
    elif origin is list:
        kind = "/".join(_kinds(arguments[0], []))
        yield "list, as below" if kind == _BELOW else f"list of {kind}"
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield _BELOW
    else:
        yield _PLAIN[annotation]


_BELOW: Final = "as below"
_NAMED: Final[tuple[tuple[Any, str], ...]] = (
    (values.Name, "name"),
    (values.DomainName, "domain"),
    (values.Address, "address"),
    (values.RecipientDomain, "domain, `*.domain` or `*`"),
    (values.Separator, "one sign, or empty"),
    (values.PasswordHash, "Argon2 hash"),
    (values.ScramKeys, "RFC 5803 keys"),
    (values.Count, "number, 0 or more"),
    (values.Port, "port"),
    (values.Size, "size: `500M`, `2 GiB`, bytes"),
)
_PLAIN: Final[dict[Any, str]] = {str: "text", int: "number", bool: "`true` or `false`"}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render())
    Path(sys.argv[2]).write_text(render_schema())
