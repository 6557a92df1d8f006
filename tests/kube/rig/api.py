"""The Kubernetes API as tests use it beside kubectl: thousands of objects, and exact times."""
import contextlib
import http.client
import json
import ssl
import threading

_MERGE = "application/merge-patch+json"
_GROUPS = {  # resource: where it lives, and its kind
    "namespaces": ("/api/v1", "Namespace"), "nodes": ("/api/v1", "Node"),
    "pods": ("/api/v1", "Pod"), "events": ("/api/v1", "Event"),
    "networkpolicies": ("/apis/networking.k8s.io/v1", "NetworkPolicy"),
    "clusternetworkpolicies": ("/apis/policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy"),
    "adminnetworkpolicies": ("/apis/policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy"),
    "baselineadminnetworkpolicies":
        ("/apis/policy.networking.k8s.io/v1alpha1", "BaselineAdminNetworkPolicy"),
    "multi-networkpolicies": ("/apis/k8s.cni.cncf.io/v1beta2", "MultiNetworkPolicy"),
    "sluicepolicies": ("/apis/sluice.io/v1alpha1", "SluicePolicy"),
    "network-attachment-definitions":
        ("/apis/k8s.cni.cncf.io/v1", "NetworkAttachmentDefinition"),
    "clusterroles": ("/apis/rbac.authorization.k8s.io/v1", "ClusterRole"),
}
RESOURCES = {kind: resource for resource, (_, kind) in _GROUPS.items()}


class ApiError(Exception):
    def __init__(self, method, path, code, message):
        super().__init__(f"{method} {path}: {code} {message}")
        self.code = code


def path_of(resource, namespace=None, name=None, subresource=None):
    parts = [_GROUPS[resource][0]]
    if namespace and resource != "namespaces":
        parts += ["namespaces", namespace]
    return "/".join(parts + [resource] + [part for part in (name, subresource) if part])


class Api:
    """The administrator's. One connection a thread, kept open. Times out after 30 s."""

    def __init__(self, host, port, certificates):
        self._address = host, port
        self._tls = ssl.create_default_context(cafile=certificates.authority)
        self._tls.load_cert_chain(certificates.admin, certificates.admin_key)
        self._local = threading.local()

    def request(self, method, path, body=None, content_type="application/json"):
        """The answer's JSON; ApiError for a status of 400 and above, OSError if nobody answers.
        Goes out once more only where the server closed an idle connection before it."""
        data = None if body is None else json.dumps(body)
        fresh = getattr(self._local, "connection", None) is None
        try:
            return self._once(method, path, data, content_type)
        except (OSError, http.client.HTTPException):
            self.disconnect()
            if fresh or method not in ("GET", "PUT", "DELETE"):
                raise
        return self._once(method, path, data, content_type)

    def can_watch(self, resource):
        """Whether a watch would begin now: of a new kind it does not before its cache is filled."""
        connection = http.client.HTTPSConnection(*self._address, timeout=30, context=self._tls)
        with contextlib.closing(connection):
            connection.request("GET", f"{path_of(resource)}?watch=1&resourceVersion=0")
            return connection.getresponse().status == 200

    @contextlib.contextmanager
    def watch(self, resource, version):
        """The events after a list of that version, on a connection of its own: an iterator."""
        connection = http.client.HTTPSConnection(*self._address, timeout=600, context=self._tls)
        with contextlib.closing(connection):
            connection.request("GET", f"{path_of(resource)}?watch=1&resourceVersion={version}"
                                      "&allowWatchBookmarks=true&timeoutSeconds=3600")
            answer = connection.getresponse()
            if answer.status != 200:
                raise ApiError("GET", f"{resource}?watch=1", answer.status, "no watch")
            yield (json.loads(line) for line in answer)

    def disconnect(self):
        """Of this thread; the next request connects anew."""
        connection = getattr(self._local, "connection", None)
        self._local.connection = None
        if connection:
            connection.close()

    def _once(self, method, path, data, content_type):
        if getattr(self._local, "connection", None) is None:
            self._local.connection = http.client.HTTPSConnection(
                *self._address, timeout=30, context=self._tls)
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        self._local.connection.request(method, path, data, headers)
        answer = self._local.connection.getresponse()
        text = answer.read()
        if answer.status >= 400:
            raise ApiError(method, path, answer.status, text.decode(errors="replace")[:500])
        return json.loads(text)

    # --- objects -------------------------------------------------------------------------------

    def create(self, item):
        return self.request("POST", _path_of_item(item, named=False), item)

    def replace(self, item):
        return self.request("PUT", _path_of_item(item), item)

    def get(self, resource, namespace, name):
        return self.request("GET", path_of(resource, namespace, name))

    def patch(self, resource, namespace, name, change, subresource=None):
        """A merge patch: null removes a field."""
        return self.request("PATCH", path_of(resource, namespace, name, subresource), change,
                            _MERGE)

    def delete(self, resource, namespace, name):
        """At once: no kubelet is there to let a pod end in peace."""
        self.request("DELETE", path_of(resource, namespace, name),
                     {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0})

    def list(self, resource):
        """All of them, with their kind, from the newest revision (quorum read); in pages."""
        return self.list_at(resource)[0]

    def list_at(self, resource):
        """The same, and the version of the list."""
        version, kind = _GROUPS[resource]
        items, token = [], ""
        while True:
            page = self.request(
                "GET", f"{path_of(resource)}?limit=2000&continue={token}")
            items += page["items"]
            token = page["metadata"].get("continue", "")
            if not token:
                break
        for item in items:
            item.update(apiVersion=version.removeprefix("/apis/").removeprefix("/api/"), kind=kind)
        return items, page["metadata"]["resourceVersion"]


def _path_of_item(item, named=True):
    metadata = item["metadata"]
    return path_of(RESOURCES[item["kind"]], metadata.get("namespace"),
                   metadata["name"] if named else None)
