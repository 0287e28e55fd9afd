"""What `mailquay apply` reads: tenants, domains, accounts, aliases and relays. No I/O here.

The descriptions are the documentation: docs/config-as-code.md and the editors' schema are made of
them.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from mailquay.declared.values import (
    Address,
    Count,
    DomainName,
    Name,
    PasswordHash,
    Port,
    Quota,
    RecipientDomain,
    ScramKeys,
    Separator,
    Size,
)
from mailquay.store.declared import DEFAULT_TENANT

__all__ = [
    "AccountDocument", "AliasDocument", "Document", "DomainDocument", "PasswordSource",
    "PolicyDocument", "RelayDocument", "TenantDocument", "TenantPolicyDocument",
]  # fmt: skip


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, alias_generator=to_camel, validate_by_name=False
    )


class PolicyDocument(_Part):
    """What is granted; where a domain says nothing its tenant decides, and then the settings."""

    default_quota: Quota = Field(
        None, description="The quota of accounts that have none of their own; `none` for no limit."
    )
    max_accounts: Count | None = Field(
        None, description="As many accounts there may be; more are refused, none is removed."
    )
    max_message_size: Size | None = Field(
        None, description="The largest message that an account may send."
    )
    max_recipients_per_day: Count | None = Field(
        None,
        description="To how many recipients one account may send in 24 hours, over all services.",
    )
    outbound: bool | None = Field(
        None, description="Whether accounts may send to domains that are not served here."
    )


class TenantPolicyDocument(PolicyDocument):
    """What a tenant is granted."""

    max_domains: Count | None = Field(None, description="As many domains it may have.")


class TenantDocument(_Part):
    """Whose domains and mail are kept apart from others'."""

    name: Name = Field(description="Lower-case letters, digits and hyphens.")
    renamed_from: Name | None = Field(
        None, description="The name that it had; may stay here once it is renamed."
    )
    policy: TenantPolicyDocument = Field(
        TenantPolicyDocument(), description="What holds for all its domains."
    )


class DomainDocument(_Part):
    """A domain whose mail is delivered here."""

    name: DomainName = Field(description="Such as `example.com`; also an international one.")
    tenant: Name = Field(
        DEFAULT_TENANT, description="Whose it is; cannot change while it has accounts."
    )
    catch_all: Address | None = Field(
        None, description="Where mail to unknown recipients goes; without it they are refused."
    )
    subaddress_separator: Separator = Field(
        "+", description="In `name+detail@example.com` (RFC 5233); empty for no subaddresses."
    )
    policy: PolicyDocument = Field(PolicyDocument(), description="Goes before the tenant's.")


class PasswordSource(_Part):
    """Where a password is read; it never stands in the document."""

    file: str | None = Field(None, description="A file, whose first line it is.")
    env: str | None = Field(None, description="An environment variable.")

    @model_validator(mode="after")
    def _check_one(self) -> "PasswordSource":
        if (self.file is None) is (self.env is None):
            raise ValueError("name either a file or an env")
        return self


class AccountDocument(_Part):
    """Someone with mailboxes here. Without a password it cannot sign in with one."""

    address: Address = Field(description="Its domain is in the document, or here already.")
    display_name: str = Field("", description="As it stands in From fields.")
    role: Literal["user", "admin"] = Field("user", description="What the account may do.")
    state: Literal["active", "disabled"] | None = Field(
        None,
        description="A disabled one neither signs in nor receives. Without it the account stays as "
        "it is: whom an administrator has disabled comes back only when this says so.",
    )
    quota: Quota = Field(
        None, description="How much it may keep; `none` for no limit, `default` for the policy's."
    )
    password_hash: PasswordHash | None = Field(
        None, repr=False, description="An Argon2 hash, such as `$argon2id$v=19$…`."
    )
    scram_sha256: ScramKeys | None = Field(
        None,
        repr=False,
        description="The same password for SCRAM-SHA-256, in RFC 5803's form. With a hash alone, "
        "clients sign in by PLAIN and LOGIN.",
    )
    password_from: PasswordSource | None = Field(
        None, description="Where `mailquay apply` reads the password."
    )
    password_policy: Literal["initial", "always"] = Field(
        "initial",
        description="`initial` sets the password where there is none; `always` also replaces "
        "another one, and so undoes what a user has changed.",
    )

    @model_validator(mode="after")
    def _check_password(self) -> "AccountDocument":
        if self.password_hash is not None and self.password_from is not None:
            raise ValueError("name either passwordHash or passwordFrom")
        if self.scram_sha256 is not None and self.password_hash is None:
            raise ValueError("scramSha256 goes with passwordHash")
        has_source = self.password_hash is not None or self.password_from is not None
        if "password_policy" in self.model_fields_set and not has_source:
            raise ValueError("passwordPolicy needs passwordHash or passwordFrom")
        return self


class AliasDocument(_Part):
    """An address whose mail goes to others."""

    address: Address = Field(description="Its domain is in the document, or here already.")
    targets: list[Address] = Field(
        min_length=1, description="Where its mail goes, here or elsewhere."
    )


class RelayDocument(_Part):
    """Where mail for others goes, ahead of the settings' smarthost and of DNS.

    Of several that match, one for the very domain goes before `*.domain`, and that before `*`;
    then one with a sender's domain before one without; then a tenant's before one for all.
    """

    name: Name = Field(description="Lower-case letters, digits and hyphens.")
    tenant: Name | None = Field(None, description="Whose mail; without it, everybody's.")
    recipient_domain: RecipientDomain = Field(
        "*", description="A domain, `*.domain` for all below it, or `*`."
    )
    sender_domain: DomainName | None = Field(
        None, description="Only mail from this domain's addresses."
    )
    action: Literal["host", "mx", "reject"] = Field(
        "host",
        description="`host` hands the mail to that host, `mx` to the recipient's own as DNS names "
        "it, `reject` returns it to the sender.",
    )
    host: str | None = Field(None, min_length=1, description="A name or an address; for `host`.")
    port: Port | None = Field(None, description="Of the host; 587 where it is not said.")
    tls: Literal["opportunistic", "required", "off"] | None = Field(
        None, description="`required`, which also checks the host's name, where it is not said."
    )
    username: str | None = Field(None, min_length=1, description="For AUTH at the host.")
    password_from: PasswordSource | None = Field(
        None, description="Where smtp-out itself reads the password, at each connection."
    )

    @model_validator(mode="after")
    def _check_host(self) -> "RelayDocument":
        of_host = (self.host, self.port, self.tls, self.username, self.password_from)
        if self.action != "host" and any(value is not None for value in of_host):
            raise ValueError(f"action {self.action} takes no host, and nothing that belongs to one")
        if self.action == "host" and self.host is None:
            raise ValueError("action host needs a host")
        if (self.username is None) is not (self.password_from is None):
            raise ValueError("username and passwordFrom go together")
        if self.username is not None and self.tls not in (None, "required"):
            raise ValueError("a password is sent with tls: required alone")
        return self


def _or_empty(value: Any) -> Any:
    """A key with nothing after it, as templates leave it, is an empty list."""
    return [] if value is None else value


class Document(_Part):
    """Mail settings. Each part may be left out; what it names is as it says, and no more."""

    api_version: Literal["mailquay/v1"] = Field("mailquay/v1", description="The form of it all.")
    tenants: Annotated[list[TenantDocument], BeforeValidator(_or_empty)] = Field(
        [], description="Whose domains are kept apart; `default` is there without being named."
    )
    domains: Annotated[list[DomainDocument], BeforeValidator(_or_empty)] = Field(
        [], description="Whose mail is delivered here."
    )
    accounts: Annotated[list[AccountDocument], BeforeValidator(_or_empty)] = Field(
        [], description="Who has mailboxes."
    )
    aliases: Annotated[list[AliasDocument], BeforeValidator(_or_empty)] = Field(
        [], description="Addresses whose mail goes to others."
    )
    relays: Annotated[list[RelayDocument], BeforeValidator(_or_empty)] = Field(
        [], description="Where mail for others goes."
    )
