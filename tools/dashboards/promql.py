"""Expressions that recur; each selects by namespace, and by component where one is given."""

from typing import Final

__all__ = ["QUANTILES", "gauge", "quantile", "rate", "select"]

#: What latency panels show: the usual, the slow, the slowest that still are many.
QUANTILES: Final = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
_NAMESPACE: Final = 'namespace=~"$namespace"'


def select(metric: str, component: str | None = None, matchers: str = "") -> str:
    """A metric's series of the namespaces that are looked at.

    Args:
        metric: its name.
        component: such as ``smtp-in``; None for all.
        matchers: more of them, as PromQL has them.
    """
    parts = [_NAMESPACE]
    if component is not None:
        parts.append(f'app_kubernetes_io_component="{component}"')
    if matchers:
        parts.append(matchers)
    return f"{metric}{{{', '.join(parts)}}}"


def rate(metric: str, component: str | None = None, matchers: str = "", *, by: str = "") -> str:
    """A counter's increase per second, summed."""
    return f"sum{_by(by)} (rate({select(metric, component, matchers)}[$__rate_interval]))"


def gauge(
    how: str, metric: str, component: str | None = None, matchers: str = "", *, by: str = ""
) -> str:
    """A gauge's series put together by ``how``: sum, max, min."""
    return f"{how}{_by(by)} ({select(metric, component, matchers)})"


def quantile(
    share: float, metric: str, component: str | None = None, matchers: str = "", *, by: str = ""
) -> str:
    """A histogram's quantile; ``metric`` is without ``_bucket``."""
    labels = f"{by}, le" if by else "le"
    buckets = rate(f"{metric}_bucket", component, matchers, by=labels)
    return f"histogram_quantile({share}, {buckets})"


def _by(labels: str) -> str:
    return f" by ({labels})" if labels else ""
