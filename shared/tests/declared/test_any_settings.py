"""Plans between any settings: where they lead, what they leave alone, that the database agrees."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailquay.declared.applying import Applied, Applying
from mailquay.declared.document import Document
from mailquay.declared.errors import PlanError
from mailquay.declared.exporting import export_data, export_yaml
from mailquay.declared.plan import Action, Prune
from mailquay.declared.planner import PasswordPolicy, Wanted, make_plan
from mailquay.declared.reading import read_documents
from mailquay.declared.wanted import GivenPassword, Order, make_order
from mailquay.runtime.settings import IdentitySettings
from mailquay.store.declared import (
    Declared,
    DeclaredAccount,
    DeclaredAlias,
    DeclaredDomain,
    DeclaredRelay,
    DeclaredTenant,
    Kind,
    Policy,
    Ref,
)

HASH = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$0OnxfNQO5CfDtNzJRKVzxQ"
TENANTS = ("default", "acme", "umbrella")
DOMAINS = ("a.example", "b.example", "c.example")
ADDRESSES = tuple(f"{name}@{domain}" for name in ("x", "y") for domain in DOMAINS)
ELSEWHERE = ("z@elsewhere.example",)
sizes = st.sampled_from((None, 0, 1000, 1024, 3 * 1024**3))

policies = st.builds(
    Policy,
    default_quota=sizes,
    max_accounts=st.sampled_from((None, None, None, 2)),
    max_message_size=sizes,
    max_recipients_per_day=st.sampled_from((None, 5)),
    outbound=st.sampled_from((None, True, False)),
)
tenants = st.builds(
    DeclaredTenant, st.sampled_from(TENANTS), st.sampled_from((None, None, 2)), policies
)
domains = st.builds(
    DeclaredDomain,
    st.sampled_from(DOMAINS),
    tenant=st.sampled_from(TENANTS),
    catch_all=st.sampled_from((None, *ADDRESSES)),
    subaddress_separator=st.sampled_from(("+", "-", "")),
    policy=policies,
)
accounts = st.builds(
    DeclaredAccount,
    st.sampled_from(ADDRESSES),
    display_name=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5),
    role=st.sampled_from(("user", "admin")),
    state=st.sampled_from(("active", "disabled")),
    quota=sizes,
    has_password=st.booleans(),
)
aliases = st.builds(
    DeclaredAlias,
    st.sampled_from(ADDRESSES),
    st.sets(st.sampled_from(ADDRESSES + ELSEWHERE), min_size=1).map(lambda x: tuple(sorted(x))),
)
hosts = st.builds(
    DeclaredRelay,
    st.sampled_from(("one", "two")),
    tenant=st.sampled_from((None, *TENANTS)),
    recipient_domain=st.sampled_from(("*", "*.example", "x.example")),
    sender_domain=st.sampled_from((None, *DOMAINS)),
    host=st.just("relay.example"),
    port=st.integers(1, 65535),
    tls=st.sampled_from(("required", "off", "opportunistic")),
)
signed_in = hosts.map(
    lambda relay: replace(relay, tls="required", username="us", password_env="PASSWORD")
)
others = st.builds(
    DeclaredRelay, st.sampled_from(("one", "two")), action=st.sampled_from(("mx", "reject"))
)
items = st.one_of(tenants, domains, accounts, aliases, hosts, signed_in, others)


@st.composite
def present(draw):
    """Settings as they may be in a database, by hand and by files."""
    found = Declared.of(draw(st.lists(items, max_size=14))).items
    tenant_names = {ref.name for ref in found if ref.kind is Kind.TENANT}
    found = {r: i for r, i in found.items() if getattr(i, "tenant", None) in {None, *tenant_names}}
    domain_names = {ref.name for ref in found if ref.kind is Kind.DOMAIN}
    inside = (Kind.ACCOUNT, Kind.ALIAS)
    found = {r: i for r, i in found.items() if r.kind not in inside or r.domain in domain_names}
    for ref in [r for r in found if r.kind is Kind.ALIAS and Ref(Kind.ACCOUNT, r.name) in found]:
        del found[ref]
    matches = {}
    for item in list(found.values()):
        if isinstance(item, DeclaredRelay) and matches.setdefault(item.match, item) is not item:
            del found[item.ref]
    refs = sorted(found)
    managed = draw(st.sets(st.sampled_from(refs)))
    disabled = [r for r in refs if getattr(found[r], "state", None) == "disabled"]
    pruned = draw(st.sets(st.sampled_from(disabled))) - managed if disabled else set()
    return Declared.of(found.values(), managed, pruned)


@st.composite
def declared(draw, known=()):
    """What files may declare, some of it ``known``; most of it fits together."""
    chosen = draw(st.lists(items, max_size=12))
    if known:
        chosen += draw(st.lists(st.sampled_from(known)))
    found = {}
    passwords = {}
    for item in chosen:
        if isinstance(item, DeclaredAccount):
            state = draw(st.sampled_from((None, item.state)))
            found[item.ref] = replace(item, has_password=False, state=state)
            if policy := draw(st.sampled_from((None, *PasswordPolicy))):
                passwords[item.address] = policy
        elif Ref(Kind.ACCOUNT, item.ref.name) not in found:
            found[item.ref] = item
    for ref in [r for r in found if r.kind in (Kind.ACCOUNT, Kind.ALIAS)]:
        found.setdefault(Ref(Kind.DOMAIN, ref.domain), DeclaredDomain(ref.domain))
        if ref.kind is Kind.ACCOUNT:
            found.pop(Ref(Kind.ALIAS, ref.name), None)
    for tenant in {getattr(item, "tenant", None) for item in found.values()} - {None}:
        found.setdefault(Ref(Kind.TENANT, tenant), DeclaredTenant(tenant))
    # Files name things in any order.
    named = sorted(ref.name for ref in found if ref.kind is Kind.TENANT)
    free = [name for name in TENANTS[1:] if name not in named]
    renamed = {}
    if "default" in named[:-1] and free and draw(st.booleans()):
        renamed = {named[-1]: free[0]}
    return Wanted(dict(draw(st.permutations(list(found.items())))), passwords, renamed)


@st.composite
def changes(draw):
    """What is there, and what files declare of it."""
    current = draw(present())
    return current, draw(declared(known=list(current.items.values())))


#: Without new names of tenants, which their domains show at once.
without_renames = changes().map(lambda pair: (pair[0], replace(pair[1], renamed={})))


prunes = st.sampled_from(Prune)


def plan_or_none(current, wanted, prune, same=frozenset()):
    try:
        return make_plan(current, wanted, prune=prune, same_passwords=same)
    except PlanError:
        return None


@given(changes(), prunes)
def test_a_plan_leads_to_what_is_wanted_and_the_next_one_is_empty(pair, prune):
    current, wanted = pair
    plan = plan_or_none(current, wanted, prune)
    if plan is None:
        return
    after = plan.outcome(current)
    for ref, item in wanted.items.items():
        became = after.items[ref]
        if isinstance(item, DeclaredAccount):
            assert became.has_password or ref.name not in wanted.passwords
            item = replace(  # noqa: PLW2901
                item, has_password=became.has_password, state=item.state or became.state
            )
        assert became == item
    assert set(wanted.items) <= after.managed
    again = make_plan(after, wanted, prune=prune, same_passwords=frozenset(wanted.passwords))
    assert again.is_empty


@given(without_renames, prunes)
def test_a_plan_leaves_alone_what_is_not_its_own(pair, prune):
    current, wanted = pair
    plan = plan_or_none(current, wanted, prune)
    if plan is None:
        return
    after = plan.outcome(current)
    for ref, item in current.items.items():
        is_ours = ref in current.managed or (prune is Prune.MAIL and ref in current.pruned)
        if ref not in wanted.items and (prune is Prune.NOTHING or not is_ours):
            assert after.items[ref] == item
            assert (ref in after.managed) is (ref in current.managed)
            assert (ref in after.pruned) is (ref in current.pruned)
        if ref.kind is Kind.ACCOUNT and prune is not Prune.MAIL:
            assert ref in after.items


@given(without_renames, prunes)
def test_each_step_finds_what_it_needs(pair, prune):
    current, wanted = pair
    plan = plan_or_none(current, wanted, prune)
    if plan is None:
        return
    there = set(current.items)
    for change in plan.changes:
        ref = change.ref
        if change.action is Action.REMOVE:
            there.remove(ref)
            inside = (Kind.ACCOUNT, Kind.ALIAS)
            if ref.kind is Kind.DOMAIN:
                assert not [r for r in there if r.kind in inside and r.domain == ref.name]
            continue
        assert (ref in there) is (change.action is not Action.ADD)
        there.add(ref)
        if ref.kind in (Kind.ACCOUNT, Kind.ALIAS):
            assert Ref(Kind.DOMAIN, ref.domain) in there
            assert not {Ref(Kind.ACCOUNT, ref.name), Ref(Kind.ALIAS, ref.name)} <= there
        elif tenant := getattr(change.after, "tenant", None):
            assert Ref(Kind.TENANT, tenant) in there


@given(present())
def test_what_is_exported_changes_nothing_when_it_is_applied(current):
    (document,) = read_documents(export_yaml(current), "export.yaml")
    assert document == Document.model_validate(export_data(current))
    wanted = make_order([("export.yaml", document)]).wanted
    assert make_plan(current, wanted, prune=Prune.NOTHING).changes == ()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(wanted=declared(), prune=prunes)
async def test_the_database_comes_to_what_the_plan_says(store, wanted, prune):
    given_passwords = {address: GivenPassword(HASH, None, None) for address in wanted.passwords}
    applying = Applying(store, Order(wanted, given_passwords), IdentitySettings(), prune=prune)
    current = await store.declarations.read()
    try:
        plan = await applying.plan()
    except PlanError:
        return
    assert isinstance(await applying.carry_out(plan), Applied)
    assert await store.declarations.read() == plan.outcome(current)
    assert (await applying.plan()).is_empty
