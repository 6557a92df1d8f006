"""Kubernetes objects as dictionaries, and the two pods that most tests need."""
from harness.pktgen import Pod


def namespace(name, **labels):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def pod_object(pod, **labels):
    """The API object of a harness pod, with its addresses."""
    namespace_name, name = pod.name.split("/")
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"namespace": namespace_name, "name": name, "labels": labels},
            "status": {"phase": "Running", "podIP": pod.addresses[0],
                       "podIPs": [{"ip": address} for address in pod.addresses]}}


def policy(name, spec, namespace_name="default"):
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"namespace": namespace_name, "name": name}, "spec": spec}


DENY_INGRESS = policy("deny-ingress", {"podSelector": {}, "policyTypes": ["Ingress"]})


def make_pod(name, number, kind="vhost-server"):
    return Pod(f"default/{name}", f"02:00:00:00:01:{number:02x}",
               [f"10.20.0.{number}", f"fd00:20::{number}"], kind)
