"""Each alert fires on what it is for, and on nothing else: promtool evaluates the chart's files.

A case has the series that make it fire, and those of a day on which all is well; a list in PromQL's
test notation, a value a minute. Both are looked at after so many minutes.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from tools.asked import CHART, alerts

pytestmark = pytest.mark.prometheus
FILES = sorted(CHART.glob("alerts/*.yaml"))


@dataclass(frozen=True)
class Case:
    """Series by name; ``IN`` and its like stand for what scraping adds."""

    alert: str
    bad: dict[str, str]
    good: dict[str, str]
    minutes: int = 90


def of(component: str) -> str:
    return f'namespace="mail", app_kubernetes_io_component="{component}", pod="p1"'


IN, OUT, IMAP, WEB = of("smtp-in"), of("smtp-out"), of("imap"), of("webmail-api")
MESSAGES = f"mailquay_smtp_messages_total{{{IN}, result="
RECIPIENTS = f"mailquay_smtp_recipients_total{{{IN}, result="
ATTEMPTS = f"mailquay_queue_attempts_total{{{OUT}, result="
SESSIONS = f"mailquay_outbound_sessions_total{{{OUT}, result="
REQUESTS = f"mailquay_web_requests_total{{{WEB}, status="
DELIVERY = f"mailquay_delivery_seconds_bucket{{{IN}, le="
LAG = f"mailquay_event_loop_lag_seconds_bucket{{{IMAP}, le="
SIGN_INS = f"mailquay_sign_ins_total{{{IMAP}, result="
FLAT, NONE = "0+60x120", "0+0x120"


def up(dependency: str, value: str, second: str = "1+0x120") -> dict[str, str]:
    """A dependency of two pods, of which one may differ."""
    other = IMAP.replace("p1", "p2")
    return {
        f'mailquay_dependency_up{{{IMAP}, dependency="{dependency}"}}': value,
        f'mailquay_dependency_up{{{other}, dependency="{dependency}"}}': second,
    }


def pool(busy: str, exhausted: str = NONE) -> dict[str, str]:
    return {
        f"mailquay_database_busy_seconds_total{{{IMAP}}}": busy,
        f"mailquay_database_connections_max{{{IMAP}}}": "10+0x120",
        f"mailquay_database_exhausted_total{{{IMAP}}}": exhausted,
    }


def targets(*missing: str, value: str = "1+0x120") -> dict[str, str]:
    components = {"smtp-in", "smtp-out", "imap", "pop3", "webmail-api"} - set(missing)
    return {f"up{{{of(component)}}}": value for component in components}


def kube(name: str, value: str, labels: str) -> dict[str, str]:
    return {f'kube_{name}{{namespace="mail", {labels}}}': value}


def replicas(ready: int) -> dict[str, str]:
    deployment = 'deployment="mailquay-imap"'
    return kube("deployment_spec_replicas", "3+0x120", deployment) | kube(
        "deployment_status_replicas_ready", f"{ready}+0x120", deployment
    )


def scaled(pods: int) -> dict[str, str]:
    labels = 'horizontalpodautoscaler="mailquay-imap"'
    return kube("horizontalpodautoscaler_status_current_replicas", f"{pods}+0x120", labels) | kube(
        "horizontalpodautoscaler_spec_max_replicas", "10+0x120", labels
    )


CRON = 'cronjob="mailquay-collect"'
RESTARTS = 'pod="mailquay-imap-1", container="imap"'
#: Minutes: a day and a half, and half an hour.
LATE = 2190

CASES = [
    Case("MailquayMailNotAccepted",
         {MESSAGES + '"accepted"}': NONE, MESSAGES + '"deferred"}': FLAT,
          RECIPIENTS + '"deferred"}': NONE},
         {MESSAGES + '"accepted"}': "0+1x120", MESSAGES + '"deferred"}': FLAT,
          RECIPIENTS + '"deferred"}': NONE}),
    Case("MailquayMailNotAccepted",
         {MESSAGES + '"accepted"}': NONE, MESSAGES + '"deferred"}': NONE,
          RECIPIENTS + '"deferred"}': FLAT},
         {MESSAGES + '"accepted"}': NONE, MESSAGES + '"deferred"}': NONE,  # a quiet night
          RECIPIENTS + '"deferred"}': NONE}),
    Case("MailquayMailDeferred",
         {MESSAGES + '"accepted"}': "0+90x120", MESSAGES + '"deferred"}': "0+10x120",
          RECIPIENTS + '"deferred"}': NONE},
         {MESSAGES + '"accepted"}': "0+99x120", MESSAGES + '"deferred"}': "0+1x120",
          RECIPIENTS + '"deferred"}': NONE}),
    Case("MailquayDeliverySlow",
         {DELIVERY + '"5"}': "0+50x120", DELIVERY + '"10"}': FLAT, DELIVERY + '"+Inf"}': FLAT},
         {DELIVERY + '"1"}': FLAT, DELIVERY + '"5"}': FLAT, DELIVERY + '"+Inf"}': FLAT}),
    Case("MailquayConnectionsRefused",
         {f'mailquay_connections_total{{{IMAP}, result="over_limit"}}': FLAT},
         {f'mailquay_connections_total{{{IMAP}, result="over_limit"}}': NONE,
          f'mailquay_connections_total{{{IMAP}, result="accepted"}}': FLAT}),
    Case("MailquaySignInFailures",
         {SIGN_INS + '"failed"}': "0+300x120", SIGN_INS + '"throttled"}': "0+300x120"},
         {SIGN_INS + '"failed"}': FLAT, SIGN_INS + '"accepted"}': "0+9000x120"}),
    Case("MailquaySignInsUnavailable",
         {SIGN_INS + '"unavailable"}': "0+1x120"}, {SIGN_INS + '"unavailable"}': NONE}),
    Case("MailquayWebErrors",
         {REQUESTS + '"200"}': "0+90x120", REQUESTS + '"503"}': "0+10x120"},
         {REQUESTS + '"200"}': "0+99x120", REQUESTS + '"500"}': "0+1x120",
          REQUESTS + '"404"}': FLAT}),
    Case("MailquayQueueLate",
         {f"mailquay_queue_late_seconds{{{OUT}}}": "0+60x120"},
         {f"mailquay_queue_late_seconds{{{OUT}}}": "30+0x120"}),
    Case("MailquayQueueOld",
         {f"mailquay_queue_oldest_seconds{{{OUT}}}": "90000+60x120"},
         {f"mailquay_queue_oldest_seconds{{{OUT}}}": "40000+60x120"}),
    Case("MailquayOutboundFailing",
         {ATTEMPTS + '"delivered"}': "0+40x120", ATTEMPTS + '"retry"}': "0+50x120",
          ATTEMPTS + '"failed"}': "0+10x120"},
         {ATTEMPTS + '"delivered"}': "0+60x120", ATTEMPTS + '"retry"}': "0+40x120"}),
    Case("MailquayOutboundUnreachable",
         {SESSIONS + '"unreachable"}': FLAT, SESSIONS + '"tls"}': NONE},
         {SESSIONS + '"unreachable"}': FLAT, SESSIONS + '"tls"}': "0+1x120"}),
    Case("MailquayDatabaseUnreachable",
         up("database", "1+0x80 0+0x40"), up("database", "1+0x120") | up("blobs", "0+0x120")),
    Case("MailquayDatabasePoolBusy", pool("0+540x120"), pool("0+300x120")),
    Case("MailquayDatabasePoolExhausted", pool(FLAT, "0+1x120"), pool("0+600x120")),
    Case("MailquayBlobsDown",
         up("blobs", "1+0x80 0+0x40"), up("blobs", "1+0x120") | up("bus", "0+0x120")),
    Case("MailquayBlobsDown",
         {f'mailquay_blob_errors_total{{{IN}, result="put_unavailable"}}': "0+1x120"},
         {f'mailquay_blob_errors_total{{{IN}, result="put_unavailable"}}': "7+0x120",
          f'mailquay_blob_errors_total{{{IN}, result="missing"}}': "0+1x120"}),
    Case("MailquayBodiesLost",
         {f'mailquay_blob_errors_total{{{IMAP}, result="corrupt"}}': "0+0x70 1+0x50"},
         {f'mailquay_blob_errors_total{{{IMAP}, result="corrupt"}}': "1+0x120",
          f'mailquay_blob_errors_total{{{IMAP}, result="get_unavailable"}}': FLAT}),
    Case("MailquayBusDown", up("bus", "1+0x80 0+0x40"), up("bus", "0+0x80 1+0x40")),
    Case("MailquayCertificateExpiring",
         {f"mailquay_certificate_expires_seconds{{{IMAP}}}": "1000000+0x120"},
         {f"mailquay_certificate_expires_seconds{{{IMAP}}}": "2000000+0x120",
          f"mailquay_certificate_expires_seconds{{{OUT}}}": "0+0x120"}),  # it has none
    Case("MailquayCertificateUnusable",
         up("certificate_files", "0+0x120"), up("certificate_files", "1+0x120")),
    Case("MailquayTargetMissing", targets("pop3"), targets()),
    Case("MailquayTargetDown", targets(value="0+0x120"), targets()),
    Case("MailquayEventLoopSlow",
         {LAG + '"0.5"}': "0+50x120", LAG + '"1"}': FLAT, LAG + '"+Inf"}': FLAT},
         {LAG + '"0.025"}': FLAT, LAG + '"0.5"}': FLAT, LAG + '"+Inf"}': FLAT}),
    Case("MailquayPodsNotReady", replicas(2), replicas(3)),
    Case("MailquayPodCrashLooping",
         kube("pod_container_status_restarts_total", "0+0x60 0+1x60", RESTARTS),
         kube("pod_container_status_restarts_total", "0+0x80 1+0x40", RESTARTS)),
    Case("MailquayScheduleFailing",  # it has, long ago
         kube("cronjob_status_last_successful_time", f"60+0x{LATE}", CRON)
         | kube("cronjob_created", f"0+0x{LATE}", CRON),
         kube("cronjob_status_last_successful_time", f"60+60x{LATE}", CRON)
         | kube("cronjob_created", f"0+0x{LATE}", CRON), LATE),
    Case("MailquayScheduleFailing",  # it never has
         kube("cronjob_created", f"0+0x{LATE}", CRON),
         kube("cronjob_created", f"60000+0x{LATE}", CRON), LATE),
    Case("MailquayAtMaxReplicas", scaled(10), scaled(9)),
]  # fmt: skip


def promtool(*arguments: object) -> str:
    """Run promtool; what it finds wrong is the failure's message."""
    command = ["promtool", *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def evaluate(folder: Path, case: Case, series: dict[str, str], *, fires: bool) -> None:
    """Have promtool evaluate the alert over the series."""
    firing = f'count(ALERTS{{alertname="{case.alert}", alertstate="firing"}})'
    test = {
        "rule_files": [str(path) for path in FILES],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": s, "values": v} for s, v in series.items()],
                "promql_expr_test": [
                    {
                        "expr": f"{firing} > bool 0",
                        "eval_time": f"{case.minutes}m",
                        "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
                    }
                ],
            }
        ],
    }
    path = folder / "test.yaml"
    path.write_text(yaml.safe_dump(test))
    promtool("test", "rules", path)


def test_every_alert_has_a_case():
    assert {case.alert for case in CASES} == {rule["alert"] for rule in alerts()}


def test_promtool_finds_no_fault():
    assert promtool("check", "rules", *FILES).count("SUCCESS") == len(FILES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert)
def test_it_fires_on_what_it_is_for(case: Case, tmp_path: Path):
    evaluate(tmp_path, case, case.bad, fires=True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert)
def test_it_is_quiet_when_all_is_well(case: Case, tmp_path: Path):
    evaluate(tmp_path, case, case.good, fires=False)
