#!/usr/bin/env python3
"""make demo-beyond: what NetworkPolicy cannot do. A pod that may reach names, not addresses; and a log
of who asked for what.

A curl in a real TCP stack asks an nginx that answers to every name, through the switch. Exit code 0
only if every outcome, and every line that the event log must have, is as expected.
"""
import argparse
import json
import os
import sys

sys.dont_write_bytecode = True
from harness import Lab  # noqa: E402
from harness.manifests import namespace, pod_object  # noqa: E402
from harness.nginx import HTTP, HTTPS, get, start_nginx  # noqa: E402
from scenario.report import Report  # noqa: E402

MANIFEST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "demo", "names.yaml")
CART, OUTSIDE = "shop/cart", "world/everything"
ATTEMPTS = [  # name, port, path, more words for curl, rule that lets it pass
    ("api.payment.example", HTTPS, "/pay", ["--tlsv1.3"], "payment"),
    ("api.payment.example", HTTPS, "/pay", ["--tlsv1.2", "--tls-max", "1.2"], "payment"),
    ("eu.cdn.example", HTTPS, "/", [], "payment"),
    ("evil.example", HTTPS, "/", [], None),
    ("catalogue.example", HTTP, "/items/7", [], "catalogue"),
    ("catalogue.example", HTTP, "/admin", [], None),
    ("catalogue.example", HTTP, "/items/../admin", ["--path-as-is"], None),
    ("catalogue.example", HTTP, "/items/7?q=1%20UNION%20SELECT", [], None),
    ("catalogue.example", HTTP, "/items/7", ["-X", "DELETE"], None),
    ("evil.example", HTTP, "/items/7", [], None),
]


def run(lab, report):
    log = lab.path("events.json")
    lab.start_switch("--event-log", log, "--event-log-kinds", "denied")
    cart, outside = (lab.make_network_pod(name, "tap", f"02:00:00:00:04:{i:02x}",
                                          [f"10.40.0.{i}/24", f"fd00:40::{i}/64"])
                     for i, name in enumerate((CART, OUTSIDE), start=1))
    lab.apply(namespace("shop"), namespace("world"), pod_object(cart, app="cart"),
              pod_object(outside))
    for pod in (cart, outside):
        lab.add_port(pod)
    start_nginx(lab, outside)

    report.step("1: no policy: every name answers")
    page = get(cart, outside.addresses[0], "evil.example", HTTPS)
    report.expect("evil.example answers", [] if page else ["it did not"])

    report.step("2: kubectl apply or sluicectl apply: names.yaml")
    with open(MANIFEST, encoding="utf-8") as file:
        for line in file:
            report.note(f"| {line.rstrip()}")
    lab.ctl.apply(MANIFEST)
    for name, port, path, more, rule in ATTEMPTS:
        page = get(cart, outside.addresses[0], name, port, path, *more, seconds=1)
        words = " ".join(word for word in more if not word.startswith("--path"))
        what = f"{name}:{port}{path} {words}".rstrip()
        good = (page is not None) == (rule is not None)
        report.expect(f"{what}: {f'answered, by {rule}' if rule else 'nothing comes back'}",
                      [] if good else [f"curl got {page!r}"])

    report.step("3: the event log: denied connections, and what `log: true` asks for")
    def lines():
        with open(log, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]
    wanted = {("judged", "api.payment.example"), ("judged", "eu.cdn.example"),
              ("denied", "evil.example"), ("denied", "catalogue.example")}
    lab.wait_until(lambda: {(e["event"], e.get("name")) for e in lines()} >= wanted,
                   "the log has every name", 10)
    shown = set()
    for event in lines():
        key = event["event"], event.get("name"), event.get("reason")
        if "name" not in event or key in shown:
            continue
        shown.add(key)
        side = event.get("egress", {})
        report.note(f"{event['event']:7} {event['from']['pod']} > {event['to']['pod']}:"
                    f"{event['to']['port']} name {event['name']}, "
                    f"{event.get('reason', side.get('rule', ''))}")
    report.expect("allowed and denied connections have their names", [])
    reasons = {event.get("reason") for event in lines() if event["event"] == "denied"}
    report.expect("a pattern is a reason of its own",
                  [] if "inspect_pattern" in reasons else [f"there are {reasons}"])
    unlogged = [e for e in lines() if e["event"] == "judged" and e["egress"]["rule"] != "payment"]
    report.expect("rules without `log` are left out by the filter",
                  [] if not unlogged else [json.dumps(unlogged[0])])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    report = Report()
    with Lab(parser.parse_args().build) as lab:
        run(lab, report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
