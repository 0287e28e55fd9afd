"""The Grafana dashboards of the chart, written from these modules: ``python -m tools.dashboards``.

A dashboard is a module with a `DASHBOARD`; `parts` says what panels there are, `promql` writes the
expressions that recur. Grafana's JSON is made from them, and never edited by hand.
"""
