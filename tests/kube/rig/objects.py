"""Objects that a real API server takes, as dictionaries."""
import json


def _meta(name, namespace=None, labels=None, annotations=None):
    meta = {"name": name, "labels": labels or {}, "annotations": annotations or {}}
    if namespace:
        meta["namespace"] = namespace
    return meta


def namespace(name, **labels):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": _meta(name, labels=labels)}


def node(name, **labels):
    return {"apiVersion": "v1", "kind": "Node", "metadata": _meta(name, labels=labels)}


def node_status(address):
    return {"addresses": [{"type": "InternalIP", "address": address}]}


def pod(namespace_name, name, node_name, labels=None, annotations=None):
    """As a scheduler leaves it: on a node, without addresses."""
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": _meta(name, namespace_name, labels, annotations),
            "spec": {"nodeName": node_name, "terminationGracePeriodSeconds": 0,
                     "automountServiceAccountToken": False,
                     "containers": [{"name": "main", "image": "example.org/none",
                                     "ports": [{"name": "web", "containerPort": 80}]}]}}


def pod_status(addresses):
    return {"phase": "Running", "podIP": addresses[0],
            "podIPs": [{"ip": address} for address in addresses]}


def policy(namespace_name, name, spec, annotations=None):
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": _meta(name, namespace_name, annotations=annotations), "spec": spec}


def deny_ingress(namespace_name, name="deny-ingress", **labels):
    """Isolates the namespace's pods that have `labels`."""
    return policy(namespace_name, name, {"podSelector": {"matchLabels": labels},
                                         "policyTypes": ["Ingress"]})


def allow_from(namespace_name, name, selected, peers):
    """Pods with labels `selected` take what pods of their namespace with labels `peers` send."""
    return policy(namespace_name, name, {
        "podSelector": {"matchLabels": selected}, "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"podSelector": {"matchLabels": peers}}]}]})


def cluster_policy(name, spec):
    return {"apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy",
            "metadata": _meta(name), "spec": spec}


def sluice_policy(namespace_name, name, spec, annotations=None):
    return {"apiVersion": "sluice.io/v1alpha1", "kind": "SluicePolicy",
            "metadata": _meta(name, namespace_name, annotations=annotations), "spec": spec}


def attachment_definition(namespace_name, name, config):
    """A second network of pods, by its CNI configuration."""
    return {"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
            "metadata": _meta(name, namespace_name), "spec": {"config": json.dumps(config)}}


def multi_policy(namespace_name, name, networks, spec):
    return {"apiVersion": "k8s.cni.cncf.io/v1beta2", "kind": "MultiNetworkPolicy",
            "metadata": _meta(name, namespace_name,
                              annotations={"k8s.v1.cni.cncf.io/policy-for": networks}),
            "spec": spec}
