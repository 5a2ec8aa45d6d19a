"""Campaigns for a Lease with the Python client's own elector and tells on stdout what it believes.

One JSON line per change, with the same options, fields and clock (CLOCK_MONOTONIC) as test/interop/go. The library has
neither a release nor a way to end a campaign: on SIGTERM the work ends ("stopped"), and the Lease is left to expire.
It tells nobody of another's leadership either: that is read off what its lock reads.
"""

import argparse
import json
import logging
import re
import signal
import sys
import threading
import time

from kubernetes import config
from kubernetes.leaderelection.electionconfig import Config
from kubernetes.leaderelection.leaderelection import LeaderElection
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock


class Reporter:
    def __init__(self, identity):
        self.identity = identity
        self.leader = ""
        self.leading = False
        # Re-entrant: the handler of a signal may interrupt the thread that holds it.
        self.lock = threading.RLock()

    def started(self):
        with self.lock:
            self.leading = True
            self.leader = self.identity
            self._print("started")

    def stopped(self):
        with self.lock:
            if self.leading:
                self.leading = False
                self._print("stopped")

    def observed(self, leader):
        with self.lock:
            if leader != self.leader:
                self.leader = leader
                self._print("new-leader")

    def _print(self, event):
        line = {
            "t_mono_ms": time.monotonic_ns() / 1e6,
            "event": event,
            "identity": self.identity,
            "leader": self.leader,
        }
        print(json.dumps(line), flush=True)


class ReportingLock(LeaseLock):
    """The library's lock, which also tells whom it reads."""

    def __init__(self, options, reporter):
        super().__init__(options.name, options.namespace, options.identity)
        self.reporter = reporter

    def get(self, name, namespace):
        found, record = super().get(name, namespace)
        # Its own name is told by `started`: a Lease that was just won must not be announced before.
        if found and record.holder_identity != self.identity:
            self.reporter.observed(record.holder_identity or "")
        return found, record


def seconds(text):
    """A duration such as `15s` or `500ms`."""
    match = re.fullmatch(r"(\d+)(ms|s)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text} is no duration such as 15s or 500ms")
    amount, unit = int(match[1]), match[2]
    return amount if unit == "s" else amount / 1000


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("kubeconfig", "namespace", "name", "identity"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--lease-duration", type=seconds, default=15, help="how long rivals wait for a renewal")
    parser.add_argument("--renew-deadline", type=seconds, default=10, help="how long a leader retries a renewal")
    parser.add_argument("--retry-period", type=seconds, default=2, help="time between attempts")
    return parser.parse_args()


def main():
    options = parse_options()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    config.load_kube_config(config_file=options.kubeconfig)
    reporter = Reporter(options.identity)

    def end(*_):
        reporter.stopped()
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    while True:
        LeaderElection(
            Config(
                ReportingLock(options, reporter),
                lease_duration=options.lease_duration,
                renew_deadline=options.renew_deadline,
                retry_period=options.retry_period,
                onstarted_leading=reporter.started,
                onstopped_leading=reporter.stopped,
            )
        ).run()


if __name__ == "__main__":
    main()
