"""What a pod is told of itself by the downward API, and what app-netutil makes of it.

app-netutil (github.com/openshift/app-netutil, at 3d2ccb6 of 2021-04-26) is a module that the Go proxy does
not serve, so that the tests have its rules and not itself: lib/v1alpha/network.go and
pkg/networkstatus of it. Whatever breaks one of them, a value with a "=" in it say, it would not find.
"""
import json
import os

_STATUS = "k8s.v1.cni.cncf.io/network-status"


def write_annotations(directory, annotations):
    """As a kubelet writes the volume's file `annotations`: KEY="VALUE", in Go's quotes, by key."""
    os.makedirs(directory)
    with open(os.path.join(directory, "annotations"), "w", encoding="utf-8") as file:
        file.writelines(f"{key}={json.dumps(value, ensure_ascii=False)}\n"
                        for key, value in sorted(annotations.items()))


def interfaces(directory):
    """The entries of network-status that app-netutil's GetInterfaces() finds."""
    found = []
    with open(os.path.join(directory, "annotations"), encoding="utf-8") as file:
        for line in file:
            key, *rest = line.strip().split("=")
            if key != _STATUS or len(rest) != 1:
                continue
            text = rest[0].replace("\\n", "").replace("\\", "").replace(" ", "")
            found = json.loads(text[1:-1])
    return found
