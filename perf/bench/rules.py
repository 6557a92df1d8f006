"""Policies of the shape that Kubernetes clusters have, for a pod b that traffic of a pod a passes.

b is isolated. A rule admits pods with one label `app` to a range of ports. `count` rules are spread
over `classes` labels, one of which is a's; so `count / classes` rules admit a, by ranges that lie
side by side. The rest admit a crowd of pods elsewhere: each label has two of them.
"""
from harness.manifests import pod_object, policy
from harness.pktgen import Pod

FIRST_PORT = 2000
RANGE = 16  # ports that a rule admits
PORTS = 5 * RANGE  # that traffic uses
DENIED_PORT = 1999  # no rule admits it
_A_POLICY = 50  # rules in each


def classes(count):
    return max(1, min(200, count // 5))


def crowd(count):
    """Pods elsewhere, so that every label is somebody's."""
    if not count:
        return []
    return [pod_object(Pod(f"default/crowd{c}-{n}", "", [f"10.21.{c}.{n + 1}"]), app=f"c{c}")
            for c in range(1, classes(count)) for n in range(2)]


def protocols(count):
    """Of very many rules only UDP's, so that as many flat rules come of them."""
    return ("UDP", "TCP") if count <= 20_000 else ("UDP",)


def parts(number, count):
    """Of a rule: the label it admits, and the first of its ports."""
    return number % classes(count), FIRST_PORT + RANGE * (number // classes(count))


def _rule(number, count):
    label, first = parts(number, count)
    return {"from": [{"podSelector": {"matchLabels": {"app": f"c{label}"}}}],
            "ports": [{"protocol": protocol, "port": first, "endPort": first + RANGE - 1}
                      for protocol in protocols(count)]}


def policies(count):
    rules = [_rule(number, count) for number in range(count)]
    return [policy(f"p{first // _A_POLICY}",
                   {"podSelector": {"matchLabels": {"app": "b"}}, "policyTypes": ["Ingress"],
                    "ingress": rules[first:first + _A_POLICY]})
            for first in range(0, count, _A_POLICY)]


def flags(count):
    """Of sluiced: limits and memory for so many rules."""
    if count <= 5_000:
        return []
    return ["--namespace-terms", str(4 * count), "--namespace-rules", str(4 * count),
            "--memory", "1024" if count <= 20_000 else "2048"]
