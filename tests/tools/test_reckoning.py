"""The reckoning after a rollout sees what is lost, doubled, never told, and who is not back."""

import pytest
from bench.rollout.idlers import Account, Gap, Idler, Learned
from bench.rollout.lines import Endpoint
from bench.rollout.reckoning import Outcome, histogram, reckon
from bench.rollout.senders import Letter

ADDRESS = "ann@rollout.test"


def idler(*learned: Learned, gaps: tuple[Gap, ...] = ()) -> Idler:
    made = Idler(Endpoint("127.0.0.1", 1), Account(ADDRESS, "x"))
    made.learned += learned
    made.gaps += gaps
    return made


def letter(message_id: str, at: float | None = 1.0) -> Letter:
    return Letter(message_id, ADDRESS, 0.5, at)


def outcome(*letters: Letter, found: list[str], clients: list[Idler], before: int = 0) -> Outcome:
    return Outcome(clients, letters, {}, {ADDRESS: found}, {ADDRESS: before})


def test_all_is_well_when_everything_is_there_once_and_known():
    client = idler(Learned(0, 3, by_idle=False), Learned(1.25, 4, by_idle=True))
    report = reckon(outcome(letter("a"), found=["a"], clients=[client] * 2, before=3))
    assert report["holds"]
    assert report["mail"]["lost"] == report["mail"]["doubled"] == []
    assert report["clients"]["seconds_from_250_to_exists"]["max"] == 0.25


@pytest.mark.parametrize(
    ("letters", "found", "what"),
    [
        ([letter("a"), letter("b")], ["a"], {"lost": ["b"]}),
        ([letter("a")], ["a", "a"], {"doubled": ["a"]}),
        ([letter("a"), letter("b", None)], ["a"], {"acknowledged": 1, "sent": 2}),
    ],
)
def test_what_is_wrong_with_the_mail_is_seen(letters, found, what):
    client = idler(Learned(2, 2, by_idle=True))
    report = reckon(outcome(*letters, found=found, clients=[client]))
    assert not report["holds"]
    assert {name: report["mail"][name] for name in what} == what


def test_a_client_that_was_not_told_is_seen():
    clients = [idler(Learned(2, 2, by_idle=True)), idler(Learned(2, 1, by_idle=True))]
    report = reckon(outcome(letter("a"), letter("b"), found=["a", "b"], clients=clients))
    assert (report["holds"], report["clients"]["unlearned"]) == (False, 1)


def test_a_client_that_is_not_back_is_seen():
    gaps = (Gap(1.0, had_bye=True, back_at=1.5), Gap(2.0, had_bye=False))
    report = reckon(outcome(found=[], clients=[idler(gaps=gaps)]))
    told = report["clients"]
    assert not report["holds"]
    assert (told["sent_away"], told["with_bye"], told["still_away"]) == (2, 1, 1)


def test_the_histogram_counts_every_value_once():
    values = [0.0, 0.05, 0.3, 4.9, 30.0, 99.0]
    assert sum(count for _, count in histogram(values)) == len(values)
    assert histogram(values)[-1] == ("over 30 s", 2)
