"""Kubeconfig files: who speaks to which API server, and how it is known."""
import base64
import json


def _encoded(path):
    with open(path, "rb") as file:
        return base64.b64encode(file.read()).decode()


def with_certificate(path, server, certificates):
    """The administrator's, all in one file. JSON is YAML."""
    user = {"client-certificate-data": _encoded(certificates.admin),
            "client-key-data": _encoded(certificates.admin_key)}
    cluster = {"server": server, "certificate-authority-data": _encoded(certificates.authority)}
    return _write(path, cluster, user)


def with_token(path, server, certificates, token):
    """Somebody's with a bearer token, the authority in a file of its own."""
    return _write(path, {"server": server, "certificate-authority": certificates.authority},
                  {"token": token})


def _write(path, cluster, user):
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}]}
    with open(path, "w", encoding="ascii") as file:
        json.dump(config, file, indent=1)
    return path
