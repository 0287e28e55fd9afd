"""The service as a process: it starts, tells of itself, and ends when asked."""

import time
import urllib.request


def fetch(service, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{service.ports['metrics']}{path}") as answer:
        return answer.read().decode()


def test_it_starts_measures_the_queue_and_ends(deployment):
    service = deployment.start("smtp-out")
    assert '"ready"' in fetch(service, "/readyz")
    deadline = time.monotonic() + 20
    while 'mailquay_queue_recipients{state="queued"} 0.0' not in fetch(service, "/metrics"):
        assert time.monotonic() < deadline, "the queue was not measured"
        time.sleep(0.02)
    service.stop()
    assert not service.child.is_running
