"""What is read out of an expression: its metrics, their matchers, its labels; nothing else."""

import pytest
from tools.promql_selectors import Matcher, PromqlError, Selector, read_promql

NS = Matcher("namespace", "=~", ".+")


def test_functions_aggregations_keywords_and_numbers_are_no_metrics():
    read = read_promql(
        'histogram_quantile(0.99, sum by (le, pod) (rate(a_bucket{namespace=~".+"}[5m] offset 1h)))'
        " > bool 1.2e3 or vector(0) unless on (namespace) time() - max(b) without (x) # c{d=1}\n"
    )
    assert read.selectors == (Selector("a_bucket", (NS,)), Selector("b", ()))
    assert read.labels == {"le", "pod", "namespace", "x"}


def test_what_stands_in_strings_is_no_metric():
    read = read_promql(r"""a{b="c{d=\"e\"}", f!~'g(h)'} + i_total""")
    assert read.selectors == (
        Selector("a", (Matcher("b", "=", r"c{d=\"e\"}"), Matcher("f", "!~", "g(h)"))),
        Selector("i_total", ()),
    )


@pytest.mark.parametrize(
    "text",
    ["sum(a", "a)", 'a{b~"c"}', "a{b=c}", "a{b", "a{b=", "sum by (a", "$x", "sum by (1) (a)"],
)
def test_what_is_no_promql_is_refused(text):
    with pytest.raises(PromqlError):
        read_promql(text)
