"""From YAML to documents: what is taken, and how what is wrong is told."""

import pytest

from mailquay.declared.errors import DocumentError
from mailquay.declared.reading import read_documents
from mailquay.declared.sizes import format_size, parse_size
from mailquay.declared.wanted import make_order

WHOLE = """\
apiVersion: mailquay/v1
tenants:
  - name: acme
    policy: {maxDomains: 3, maxAccounts: 100, outbound: false, defaultQuota: 10 GiB}
domains:
  - name: Bücher.Example.
    tenant: acme
    catchAll: Ann@BÜCHER.example
    subaddressSeparator: ""
accounts:
  - address: Ann@bücher.example
    displayName: "Ann"
    role: admin
    quota: none
    passwordFrom: {file: /run/secrets/ann}
    passwordPolicy: always
aliases:
relays:
  - name: all
    host: smtp.example
"""


def test_names_are_brought_to_the_form_that_is_compared():
    (document,) = read_documents(WHOLE, "mail.yaml")
    assert document.domains[0].name == "xn--bcher-kva.example"
    assert document.domains[0].catch_all == "ann@xn--bcher-kva.example"
    assert document.accounts[0].address == "ann@xn--bcher-kva.example"
    assert document.accounts[0].quota == 0
    assert document.tenants[0].policy.default_quota == 10 * 1024**3
    assert document.aliases == []


@pytest.mark.parametrize("text", ["", "---\n", "{}", "domains:\n", "# nothing\n"])
def test_a_file_may_say_nothing(text):
    order = make_order([("x", document) for document in read_documents(text, "x")])
    assert order.wanted.items == {}


def test_a_file_may_hold_several_documents():
    found = read_documents("domains: [{name: a.example}]\n---\ndomains: [{name: b.example}]", "x")
    assert [document.domains[0].name for document in found] == ["a.example", "b.example"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("domain: []", "f.yaml:1: domain: there is no such field; did you mean domains?"),
        (
            "accounts:\n- address: a@b.example\n  quotta: 1",
            "f.yaml:3: accounts[0].quotta: there is no such field; did you mean quota?",
        ),
        (
            "tenants:\n- name: a\n  policy:\n    maxDomain: 1",
            "f.yaml:4: tenants[0].policy.maxDomain: there is no such field; "
            "did you mean maxDomains?",
        ),
        (
            "accounts:\n- address: a@b.example\n  passwordFrom: {path: x}",
            "f.yaml:3: accounts[0].passwordFrom.path: there is no such field; there are file, env",
        ),
        ("domains:\n- tenant: x", "f.yaml:2: domains[0].name: is missing"),
        ("accounts:\n- address: ann", "f.yaml:2: accounts[0].address: 'ann' is no mail address"),
        ("domains:\n- name: [a]", "f.yaml:2: domains[0].name: input should be a valid string"),
        (
            "accounts:\n- address: a@b.example\n  quota: lots",
            "f.yaml:3: accounts[0].quota: 'lots' is no size; write 500M, 2 GiB or 1048576",
        ),
        (
            "accounts:\n- address: a@b.example\n  role: root",
            "f.yaml:3: accounts[0].role: input should be 'user' or 'admin'",
        ),
        (
            "accounts:\n- address: a@b.example\n  passwordPolicy: always",
            "f.yaml:2: accounts[0]: passwordPolicy needs passwordHash or passwordFrom",
        ),
        (
            "accounts:\n- address: a@b.example\n  passwordFrom: {file: x, env: Y}",
            "f.yaml:3: accounts[0].passwordFrom: name either a file or an env",
        ),
        (
            "accounts:\n- address: a@b.example\n  passwordHash: hunter2",
            "f.yaml:3: accounts[0].passwordHash: that is no Argon2 hash ($argon2id$v=19$…)",
        ),
        ("relays:\n- name: x", "f.yaml:2: relays[0]: action host needs a host"),
        (
            "relays:\n- {name: x, action: mx, host: y}",
            "f.yaml:2: relays[0]: action mx takes no host, and nothing that belongs to one",
        ),
        (
            "relays:\n- {name: x, host: y, username: z}",
            "f.yaml:2: relays[0]: username and passwordFrom go together",
        ),
        (
            "relays:\n- {name: x, host: y, username: z, passwordFrom: {env: E}, tls: off}",
            "f.yaml:2: relays[0].tls: input should be 'opportunistic', 'required' or 'off'",
        ),
        ("aliases:\n- {address: a@b.example, targets: []}", "f.yaml:2: aliases[0].targets: list"),
        ("domains:\n- name: a.example\n  name: b.example", "f.yaml:3: 'name' stands here twice"),
        ("domains: [", "f.yaml:2: "),
        ("- a", "f.yaml:1: fields and their values belong here"),
        ("a: !!python/object:os.system x", "f.yaml:1: could not determine a constructor"),
        ("{[]: 1}", "f.yaml:1: "),
        ("apiVersion: mailquay/v2", "f.yaml:1: apiVersion: input should be 'mailquay/v1'"),
        ("a: \x00", "f.yaml"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_what_would_be_right(text, fault):
    with pytest.raises(DocumentError) as error:
        read_documents(text, "f.yaml")
    assert str(error.value).startswith(fault)


def test_everything_that_is_wrong_is_told_at_once():
    text = "domains:\n- name: a..b\naccounts:\n- address: x\n  quota: y\n---\nfoo: 1"
    with pytest.raises(DocumentError) as error:
        read_documents(text, "f.yaml")
    assert len(str(error.value).splitlines()) == 4


def test_a_password_is_in_no_message_and_in_no_repr():
    text = "accounts:\n- address: a@b.example\n  passwordHash: {hash}\n  scramSha256: {hash}"
    with pytest.raises(DocumentError) as error:
        read_documents(text.replace("{hash}", "topsecret"), "f.yaml")
    assert "topsecret" not in str(error.value)
    secret = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$0OnxfNQO5CfDtNzJRKVzxQ"
    (document,) = read_documents(f"accounts: [{{address: a@b.example, passwordHash: {secret!r}}}]",
                                 "f.yaml")  # fmt: skip
    order = make_order([("f.yaml", document)])
    assert "$argon2id" not in repr(document) + repr(order)


def test_an_item_stands_in_all_files_once():
    documents = [
        (name, document)
        for name in ("a.yaml", "b.yaml")
        for document in read_documents("domains: [{name: x.example}]", name)
    ]
    with pytest.raises(DocumentError, match=r"domain x.example stands twice in a.yaml and b.yaml"):
        make_order(documents)


@pytest.mark.parametrize(
    ("tenants", "fault"),
    [
        ("[{name: a, renamedFrom: default}]", "tenant a: the default tenant keeps its name"),
        ("[{name: a, renamedFrom: b}, {name: b}]", "tenant a: renamedFrom b, which is a tenant"),
        ("[{name: a, renamedFrom: c}, {name: b, renamedFrom: c}]", "tenant a: another one was c"),
    ],
)
def test_a_tenants_former_name_is_nobody_elses(tenants, fault):
    documents = read_documents(f"tenants: {tenants}", "f.yaml")
    with pytest.raises(DocumentError, match=fault):
        make_order([("f.yaml", document) for document in documents])


@pytest.mark.parametrize(
    ("text", "count"),
    [("0", 0), ("1048576", 1048576), ("500M", 500 * 1024**2), ("1.5 GiB", 1536 * 1024**2),
     ("2gb", 2 * 1024**3), ("7 B", 7), ("3TiB", 3 * 1024**4)],
)  # fmt: skip
def test_sizes_are_read_and_written_without_loss(text, count):
    assert parse_size(text) == count
    assert parse_size(format_size(count)) == count


@pytest.mark.parametrize("text", ["", "-1", "1X", "GiB", "1e3", "9" * 30, "1 2", "nan", "½"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match="is no size"):
        parse_size(text)
