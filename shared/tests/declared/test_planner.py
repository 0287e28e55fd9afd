"""The planner, rule by rule."""

import pytest

from mailquay.declared.errors import PlanError
from mailquay.declared.plan import Action, Difference, Prune
from mailquay.declared.planner import PasswordPolicy, Wanted, make_plan
from mailquay.declared.printing import plan_text, summary
from mailquay.store.declared import (
    Declared,
    DeclaredAccount,
    DeclaredAlias,
    DeclaredDomain,
    DeclaredRelay,
    DeclaredTenant,
    Policy,
)

DOMAIN = DeclaredDomain("a.example")
ANN = DeclaredAccount("ann@a.example", state="active", has_password=True)


def wanted(*items, **more):
    return Wanted({item.ref: item for item in items}, **more)


def told(plan):
    return [(change.action, change.ref.name) for change in plan.changes]


def test_what_is_in_the_files_alone_is_added_in_the_order_in_which_it_is_needed():
    alias = DeclaredAlias("team@b.example", ("ann@b.example",))
    account = DeclaredAccount("ann@b.example")
    domain = DeclaredDomain("b.example", tenant="acme")
    plan = make_plan(Declared.of([]), wanted(alias, account, domain, DeclaredTenant("acme")))
    assert [name for _, name in told(plan)] == [
        "acme", "b.example", "ann@b.example", "team@b.example",
    ]  # fmt: skip


def test_a_change_names_the_fields_before_and_after():
    current = Declared.of([DeclaredDomain("a.example", policy=Policy(max_accounts=3))])
    to = DeclaredDomain("a.example", catch_all="ann@a.example", policy=Policy(max_accounts=5))
    (change,) = make_plan(current, wanted(to)).changes
    assert change.differences == (
        Difference("catchAll", None, "ann@a.example"),
        Difference("policy.maxAccounts", 3, 5),
    )


def test_what_was_made_by_hand_and_is_as_the_file_says_is_adopted_without_a_change():
    plan = make_plan(Declared.of([DOMAIN]), wanted(DOMAIN))
    assert plan.changes == ()
    assert plan.adopted == (DOMAIN.ref,)
    assert make_plan(plan.outcome(Declared.of([DOMAIN])), wanted(DOMAIN)).is_empty


def test_a_disabled_account_stays_so_where_the_file_is_silent():
    off = DeclaredAccount("ann@a.example", state="disabled")
    current = Declared.of([DOMAIN, off], managed=[DOMAIN.ref, off.ref])
    assert make_plan(current, wanted(DOMAIN, DeclaredAccount("ann@a.example"))).is_empty
    (change,) = make_plan(
        current, wanted(DOMAIN, DeclaredAccount("ann@a.example", state="active"))
    ).changes
    assert change.differences == (Difference("state", "disabled", "active"),)


def test_a_pruned_account_comes_back_when_a_file_names_it_again():
    current = Declared.of([DOMAIN, ANN], managed=[DOMAIN.ref, ANN.ref])
    plan = make_plan(current, wanted(DOMAIN), prune=Prune.ITEMS)
    assert told(plan) == [(Action.DISABLE, "ann@a.example")]
    pruned = plan.outcome(current)
    assert make_plan(pruned, wanted(DOMAIN), prune=Prune.ITEMS).is_empty
    (change,) = make_plan(pruned, wanted(DOMAIN, DeclaredAccount("ann@a.example"))).changes
    assert change.differences == (Difference("state", "disabled", "active"),)


def test_mail_is_deleted_only_by_the_prune_that_says_so():
    current = Declared.of([DOMAIN, ANN], managed=[DOMAIN.ref, ANN.ref])
    pruned = make_plan(current, wanted(DOMAIN), prune=Prune.ITEMS).outcome(current)
    plan = make_plan(pruned, wanted(DOMAIN), prune=Prune.MAIL)
    assert told(plan) == [(Action.REMOVE, "ann@a.example")]
    assert plan_text(plan).plain == "- account ann@a.example with all its mail"


def test_a_domain_with_something_in_it_is_kept_and_says_why():
    current = Declared.of([DOMAIN, ANN], managed=[DOMAIN.ref])
    plan = make_plan(current, wanted(), prune=Prune.MAIL)
    assert plan.changes == ()
    (kept,) = plan.kept
    assert (kept.ref, kept.why) == (DOMAIN.ref, "account ann@a.example is still in it")


def test_a_tenant_is_renamed_once_and_everything_goes_with_it():
    current = Declared.of([DeclaredTenant("old"), DeclaredDomain("a.example", tenant="old"), ANN])
    to = wanted(
        DeclaredTenant("new"),
        DeclaredDomain("a.example", tenant="new"),
        renamed={"new": "old"},
    )
    plan = make_plan(current, to)
    assert told(plan) == [(Action.RENAME, "new")]
    assert plan_text(plan).plain.startswith("~ tenant new was old\n")
    assert make_plan(plan.outcome(current), to).is_empty


@pytest.mark.parametrize(
    ("policy", "has", "same", "is_set"),
    [
        (PasswordPolicy.INITIAL, False, False, True),
        (PasswordPolicy.INITIAL, True, False, False),
        (PasswordPolicy.ALWAYS, True, False, True),
        (PasswordPolicy.ALWAYS, True, True, False),
        (PasswordPolicy.ALWAYS, False, False, True),
        (None, False, False, False),
    ],
)
def test_a_password_is_set_as_its_policy_says(policy, has, same, is_set):
    ann = DeclaredAccount("ann@a.example", state="active", has_password=has)
    current = Declared.of([DOMAIN, ann], managed=[DOMAIN.ref, ann.ref])
    plan = make_plan(
        current,
        wanted(
            DOMAIN,
            DeclaredAccount("ann@a.example"),
            passwords={} if policy is None else {"ann@a.example": policy},
        ),
        same_passwords=frozenset(["ann@a.example"] if same else []),
    )
    assert [change.sets_password for change in plan.changes] == [True] * is_set
    if is_set:
        after = "replaced" if has else "set"
        before = "set" if has else "none"
        assert plan.changes[0].differences == (Difference("password", before, after),)


@pytest.mark.parametrize(
    ("current", "items", "fault"),
    [
        ([], [DeclaredAccount("ann@b.example")], "there is no domain b.example"),
        ([], [DeclaredDomain("b.example", tenant="acme")], "there is no tenant acme"),
        ([], [DeclaredRelay("r", tenant="acme", action="mx")], "there is no tenant acme"),
        (
            [DOMAIN, ANN],
            [DeclaredAlias("ann@a.example", ("x@y.example",))],
            "cannot be an account and an alias",
        ),
        (
            [DOMAIN, ANN, DeclaredTenant("acme")],
            [DeclaredDomain("a.example", tenant="acme")],
            "domain a.example has accounts, and cannot go from tenant default to acme",
        ),
        (
            [],
            [DeclaredRelay("one", action="mx"), DeclaredRelay("two", action="reject")],
            "relay one: another relay is for the same",
        ),
        (
            [DeclaredDomain("a.example", policy=Policy(max_accounts=1)), ANN],
            [DeclaredAccount("bob@a.example")],
            "domain a.example may have 1 accounts, and would have 2",
        ),
        (
            [DeclaredTenant("default", policy=Policy(max_accounts=0)), DOMAIN],
            [DeclaredAccount("bob@a.example")],
            "tenant default may have 0 accounts, and would have 1",
        ),
        (
            [],
            [DeclaredTenant("acme", max_domains=0), DeclaredDomain("b.example", tenant="acme")],
            "tenant acme may have 0 domains, and would have 1",
        ),
    ],
)
def test_what_cannot_be_is_refused(current, items, fault):
    with pytest.raises(PlanError, match=fault):
        make_plan(Declared.of(current), wanted(*items))


def test_a_limit_below_what_there_is_removes_nothing():
    to = DeclaredDomain("a.example", policy=Policy(max_accounts=0))
    plan = make_plan(Declared.of([DOMAIN, ANN]), wanted(to))
    assert told(plan) == [(Action.CHANGE, "a.example")]


def test_an_alias_may_become_an_account_when_it_is_pruned():
    alias = DeclaredAlias("ann@a.example", ("x@y.example",))
    current = Declared.of([DOMAIN, alias], managed=[DOMAIN.ref, alias.ref])
    plan = make_plan(current, wanted(DOMAIN, ANN), prune=Prune.ITEMS)
    assert told(plan) == [(Action.REMOVE, "ann@a.example"), (Action.ADD, "ann@a.example")]
    assert summary(plan, is_done=True) == "Applied: 1 added, 1 removed."


def test_the_printed_plan_has_sizes_for_people_and_controls_nobodys_terminal():
    current = Declared.of([DOMAIN, ANN], managed=[DOMAIN.ref, ANN.ref])
    to = DeclaredAccount("ann@a.example", quota=2 * 1024**3)
    plan = make_plan(current, wanted(DOMAIN, to))
    assert plan_text(plan).plain == "~ account ann@a.example quota default → 2 GiB"
    to = DeclaredAccount("ann@a.example", display_name="\x1b[31mAnn")
    plan = make_plan(current, wanted(DOMAIN, to))
    assert plan_text(plan).plain == '~ account ann@a.example displayName "" →  [31mAnn'
