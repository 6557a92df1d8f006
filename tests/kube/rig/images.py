"""What counts of an object, the same of the API's and of sluicectl's: for histories of sets.

Of policies, what a Population's differ in.
"""


def _labels(labels):
    return tuple(sorted((labels or {}).items()))


def of_api_namespace(item):
    return _labels(item["metadata"].get("labels"))


def of_namespace(found):
    return _labels(found["labels"])


def of_api_pod(item):
    addresses = sorted(entry["ip"] for entry in item["status"].get("podIPs", ()))
    return item["metadata"]["uid"], _labels(item["metadata"].get("labels")), tuple(addresses)


def of_endpoint(found):
    return found["uid"], _labels(found["labels"]), tuple(sorted(found["addresses"]))


def of_api_policy(item):
    spec = item["spec"]
    rules = [(_labels(peer.get("podSelector", {}).get("matchLabels")),
              _labels(peer.get("namespaceSelector", {}).get("matchLabels")), port["port"])
             for rule in spec.get("ingress", ()) for peer in rule["from"] for port in rule["ports"]]
    return _labels(spec["podSelector"].get("matchLabels")), tuple(spec["policyTypes"]), tuple(rules)


def of_policy(found):
    def selected(peer, field):
        return _labels((peer.get(field) or {}).get("match_labels"))
    rules = [(selected(peer, "pod_selector"), selected(peer, "namespace_selector"),
              int(port["number"]))
             for rule in found["ingress"] for peer in rule["peers"] for port in rule["ports"]]
    return (_labels(found["pod_selector"]["match_labels"]), tuple(found["policy_types"]),
            tuple(rules))


# list of sluicectl: (field of an Object, image), (resource of the API, image)
KINDS = {
    "namespaces": (("namespace", of_namespace), ("namespaces", of_api_namespace)),
    "endpoints": (("endpoint", of_endpoint), ("pods", of_api_pod)),
    "policies": (("network_policy", of_policy), ("networkpolicies", of_api_policy)),
}


def in_force(ctl, name):
    """(epoch, {key: image}) of one of sluicectl's lists."""
    field, image = KINDS[name][0]
    listed = ctl.json("get", name)
    found = [entry["object"][field] for entry in listed["objects"]]
    return int(listed["epoch"]), {(one.get("namespace", ""), one["name"]): image(one)
                                  for one in found}
