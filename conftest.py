"""Every test may use the fixtures of `mailquay.testing`; in CI none may be skipped."""

import os
from collections.abc import Generator
from typing import Any

import pytest

pytest_plugins = ["mailquay.testing.plugin"]


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """What is skipped shows nothing: where everything must be shown, it has failed."""
    if os.environ.get("CI") and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not take: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Look at each test's outcome."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, pytest.CollectReport]:
    """Look at each module's outcome: it may skip itself whole."""
    report: pytest.CollectReport = yield
    _refuse_skip(report)
    return report
