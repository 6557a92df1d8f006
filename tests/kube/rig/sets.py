"""The set in force, and the set that a fresh list of the API amounts to."""
import json

from harness import Lab

LISTS = ("namespaces", "nodes", "endpoints", "policies")
_RESOURCES = ("namespaces", "nodes", "pods", "networkpolicies", "clusternetworkpolicies",
              "adminnetworkpolicies", "baselineadminnetworkpolicies", "multi-networkpolicies")


def in_force(ctl):
    """{list: its objects as canonical text}, whoever owns them."""
    return {name: sorted(json.dumps(entry["object"], sort_keys=True)
                         for entry in ctl.json("get", name)["objects"])
            for name in LISTS}


def expected(api):
    """The same of a switch of its own that sluicectl hands everything the API holds now."""
    items = [item for resource in _RESOURCES for item in api.list(resource)]
    with Lab(huge="off") as fresh:
        fresh.start_switch()
        fresh.apply(*items)
        return in_force(fresh.ctl)


def difference(have, want, limit=5):
    """What is too much and what is missing, or "" if nothing is."""
    lines = []
    for name in LISTS:
        extra, missing = set(have[name]) - set(want[name]), set(want[name]) - set(have[name])
        lines += [f"{name}: not of the API: {text}" for text in sorted(extra)[:limit]]
        lines += [f"{name}: missing: {text}" for text in sorted(missing)[:limit]]
        if extra or missing:
            lines.append(f"{name}: {len(extra)} too many, {len(missing)} missing")
        elif len(have[name]) != len(want[name]):
            lines.append(f"{name}: {len(have[name])} objects, not {len(want[name])}")
    return "\n".join(lines)


def wait_for_fresh_list(lab, api, timeout=30):
    """Until what is in force is what the API holds; the API must be quiet. AssertionError with the
    difference if it does not come to that."""
    want = expected(api)
    try:
        lab.wait_until(lambda: not difference(in_force(lab.ctl), want), "the set is the API's",
                       timeout)
    except Exception as error:
        raise AssertionError(difference(in_force(lab.ctl), want)) from error
