"""A Kubernetes API server that does what a script tells it to, faults above all. Plain HTTP on the
loopback address; lists (pages, continue), watches (bookmarks, streaming lists) and events of the
kinds that sluice-watcher asks for. What a real server does is tested with a real one.
"""
import collections
import copy
import http.server
import json
import queue
import threading
import urllib.parse

_GROUPS = {"": "/api/v1", "networking": "/apis/networking.k8s.io/v1",
           "cluster": "/apis/policy.networking.k8s.io/v1alpha2",
           "admin": "/apis/policy.networking.k8s.io/v1alpha1",
           "multi": "/apis/k8s.cni.cncf.io/v1beta1", "attachments": "/apis/k8s.cni.cncf.io/v1",
           "sluice": "/apis/sluice.io/v1alpha1"}
# resource: (group, kind, namespaced)
_RESOURCES = {
    "namespaces": ("", "Namespace", False), "nodes": ("", "Node", False),
    "pods": ("", "Pod", True), "networkpolicies": ("networking", "NetworkPolicy", True),
    "clusternetworkpolicies": ("cluster", "ClusterNetworkPolicy", False),
    "adminnetworkpolicies": ("admin", "AdminNetworkPolicy", False),
    "baselineadminnetworkpolicies": ("admin", "BaselineAdminNetworkPolicy", False),
    "multi-networkpolicies": ("multi", "MultiNetworkPolicy", True),
    "sluicepolicies": ("sluice", "SluicePolicy", True),
    "network-attachment-definitions": ("attachments", "NetworkAttachmentDefinition", True),
}
_BOOKMARK_SECONDS = 0.5
ALL = tuple(_RESOURCES)
BUILT_IN = ("namespaces", "nodes", "pods", "networkpolicies")

Request = collections.namedtuple("Request", "resource verb query")


class Answer:
    """Instead of what the server would say. `length`: a Content-Length that need not be true."""

    def __init__(self, code=200, body=b"", headers=(), length=None):
        self.code, self.headers, self.length = code, dict(headers), length
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()


def refusal(code, message, headers=()):
    return Answer(code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
                         "message": message}, headers)


class ApiServer:
    """Every method may be called from the test's thread at any time. `served` are the kinds that
    are defined."""

    def __init__(self, streaming_lists=True):
        self.streaming_lists = streaming_lists
        self.served = set(ALL)
        self.page_size = None  # None: what the client asks for
        self.events = []       # posted core/v1 Events
        self.patches = []      # (resource, name, body) of applies to a status
        self.requests = []     # a Request each
        self._changed = threading.Condition()
        self._version, self._oldest = 100, 0
        self._objects = {name: {} for name in _RESOURCES}
        self._history = []  # (version, resource, type, object)
        self._scripts = collections.defaultdict(collections.deque)  # (resource, verb): Answers
        self._watches = collections.defaultdict(list)  # resource: a queue for each
        self._pages = {}
        self._http = None

    # The cluster.

    def put(self, resource, item):
        with self._changed:
            key = self._key(item)
            item = copy.deepcopy(item)
            known = self._objects[resource].get(key)
            self._version += 1
            item["metadata"].setdefault("uid", f"uid-{resource}-{'-'.join(key)}")
            item["metadata"]["resourceVersion"] = str(self._version)
            item["metadata"]["generation"] = self._generation(known, item)
            if known and "status" in known:
                item.setdefault("status", known["status"])
            same = known and known["metadata"]["uid"] == item["metadata"]["uid"]
            self._objects[resource][key] = item
            self._record(resource, "MODIFIED" if same else "ADDED", item)

    @staticmethod
    def _generation(known, item):
        if known is None:
            return 1
        return known["metadata"]["generation"] + (known.get("spec") != item.get("spec"))

    def get(self, resource, item):
        """As it is now."""
        with self._changed:
            return copy.deepcopy(self._objects[resource][self._key(item)])

    def apply_status(self, resource, namespace, name, body):
        """A server-side apply of conditions; an Answer."""
        with self._changed:
            self.patches.append((resource, name, body))
            item = copy.deepcopy(self._objects[resource].get((namespace, name)))
            if item is None:
                return refusal(404, f"{name} not found")
            if body["metadata"]["resourceVersion"] != item["metadata"]["resourceVersion"]:
                return refusal(409, "the object has been modified")
            conditions = {one["type"]: one for one in item.get("status", {}).get("conditions", [])}
            conditions.update((one["type"], one) for one in body["status"]["conditions"])
            item["status"] = {"conditions": list(conditions.values())}
            self._version += 1
            item["metadata"]["resourceVersion"] = str(self._version)
            self._objects[resource][namespace, name] = item
            self._record(resource, "MODIFIED", item)
            return Answer(200, item)

    def delete(self, resource, item):
        with self._changed:
            gone = copy.deepcopy(self._objects[resource].pop(self._key(item)))
            self._version += 1
            gone["metadata"]["resourceVersion"] = str(self._version)
            self._record(resource, "DELETED", gone)

    def forget_history(self):
        """Versions before now have expired."""
        with self._changed:
            self._history.clear()
            self._oldest = self._version

    # The script.

    def answer(self, resource, verb, *answers):
        """The next requests get these."""
        self._scripts[resource, verb].extend(answers)

    def send(self, resource, data, close=False, stall=False):
        """Into every watch of the resource that runs. `stall`: nothing more after it, ever."""
        for watch in list(self._watches[resource]):
            watch.put((data, close, stall))
        with self._changed:
            self._changed.notify_all()

    def watching(self, resource):
        return len(self._watches[resource])

    def count(self, resource, verb):
        return sum(r.resource == resource and r.verb == verb for r in list(self.requests))

    # The server.

    def start(self, port=0):
        handler = type("Handler", (_Handler,), {"api": self})
        self._http = _Listener(("127.0.0.1", port), handler)
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02},
                         daemon=True).start()
        return self

    @property
    def port(self):
        return self._http.server_address[1]

    def stop(self):
        """Cuts every connection; what it knows stays."""
        for resource in _RESOURCES:
            self.send(resource, b"", close=True)
        self._http.shutdown()
        self._http.server_close()

    def write_kubeconfig(self, path, **user):
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "c",
                  "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
                  "clusters": [{"name": "k",
                                "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
                  "users": [{"name": "u", "user": user}]}
        with open(path, "w", encoding="utf-8") as out:
            json.dump(config, out)
        return path

    # For the handler.

    @staticmethod
    def _key(item):
        metadata = item["metadata"]
        return metadata.get("namespace", ""), metadata["name"]

    def _record(self, resource, kind, item):
        self._history.append((self._version, resource, kind, item))
        self._changed.notify_all()

    def _bookmark(self, resource, annotations=None):
        group, kind, _ = _RESOURCES[resource]
        return {"kind": kind, "apiVersion": _GROUPS[group].split("/", 2)[2],
                "metadata": {"resourceVersion": str(self._version), "creationTimestamp": None,
                             **({"annotations": annotations} if annotations else {})}}

    def resource_of(self, path):
        for resource, (group, _, _) in _RESOURCES.items():
            if path == f"{_GROUPS[group]}/{resource}" and resource in self.served:
                return resource
        return None

    def discovery(self, path):
        """The discovery document at `path`; None if there is none."""
        served = {r: _RESOURCES[r][0] for r in self.served}
        if path == "/apis":
            versions = sorted({_GROUPS[group][6:] for group in served.values() if group})
            return {"kind": "APIGroupList", "apiVersion": "v1",
                    "groups": [{"name": name, "versions": [
                        {"groupVersion": v} for v in versions if v.startswith(name + "/")]}
                               for name in sorted({v.split("/")[0] for v in versions})]}
        names = [r for r, group in sorted(served.items()) if _GROUPS[group] == path]
        return names and {"kind": "APIResourceList", "groupVersion": path[6:],
                          "resources": [{"name": name} for name in names]} or None

    def scripted(self, resource, verb):
        answers = self._scripts[resource, verb]
        return answers.popleft() if answers else None

    def page(self, resource, query):
        """A list's page; None for a continue token that has expired."""
        with self._changed:
            token = query.get("continue")
            if token is None:
                items, version = list(self._objects[resource].values()), self._version
            elif token in self._pages:
                items, version = self._pages.pop(token)
            else:
                return None
            size = self.page_size or int(query.get("limit", 500))
            metadata = {"resourceVersion": str(version)}
            if len(items) > size:
                metadata["continue"] = f"page/{version}+{len(items)}"
                self._pages[metadata["continue"]] = (items[size:], version)
            kind = _RESOURCES[resource][1]
            return {"kind": kind + "List", "metadata": metadata, "items": items[:size]}

    def forget_pages(self):
        self._pages.clear()

    def begin_watch(self, resource, query):
        """(events to send first, version to go on from); None: that version has expired."""
        with self._changed:
            if query.get("sendInitialEvents") == "true":
                first = [("ADDED", item) for item in self._objects[resource].values()]
                end = {"k8s.io/initial-events-end": "true"}
                return first + [("BOOKMARK", self._bookmark(resource, end))], self._version
            version = int(query["resourceVersion"])
            return None if version < self._oldest else ([], version)

    def next_events(self, resource, version, watch):
        """Waits for events after `version`, or for something in `watch`. After a while without
        either: a bookmark, as a real server sends once a minute."""
        def events():
            return [(kind, item) for at, name, kind, item in self._history
                    if at > version and name == resource]
        with self._changed:
            some = self._changed.wait_for(lambda: events() or not watch.empty(), _BOOKMARK_SECONDS)
            found = events() if some else [("BOOKMARK", self._bookmark(resource))]
            return found, self._version if found else version


class _Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # all kinds come at once; a SYN that is dropped comes again after 1 s


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api = None

    def do_GET(self):
        path, _, text = self.path.partition("?")
        query = dict(urllib.parse.parse_qsl(text))
        if path.startswith("/apis") and path.count("/") in (1, 3):
            return self._discover(path)
        resource = self.api.resource_of(path)
        verb = "watch" if query.get("watch") == "true" else "list"
        if resource is None:
            return self._answer(refusal(404, "the server could not find the requested resource"))
        self.api.requests.append(Request(resource, verb, query))
        scripted = self.api.scripted(resource, verb)
        if scripted is not None:
            return self._answer(scripted)
        if verb == "list":
            page = self.api.page(resource, query)
            return self._answer(Answer(200, page) if page else
                                refusal(410, "The provided continue parameter is too old"))
        if query.get("sendInitialEvents") and not self.api.streaming_lists:
            return self._answer(refusal(422, "sendInitialEvents is forbidden for watch"))
        return self._watch(resource, query)

    def _discover(self, path):
        self.api.requests.append(Request("discovery", "get", path))
        document = self.api.discovery(path)
        self._answer(self.api.scripted("discovery", "get") or
                     (Answer(200, document) if document else refusal(404, "page not found")))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.api.events.append(json.loads(body))
        self._answer(Answer(201, {}))

    def do_PATCH(self):
        path, _, text = self.path.partition("?")
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        collection, name, subresource = path.rsplit("/", 2)
        group, plural = collection.rsplit("/", 1)
        group, _, namespace = group.partition("/namespaces/")
        resource = self.api.resource_of(f"{group}/{plural}")
        if (resource is None or bool(namespace) != _RESOURCES[resource][2] or subresource != "status"
                or self.headers["Content-Type"] != "application/apply-patch+yaml"):
            return self._answer(refusal(404, "the server could not find the requested resource"))
        self.api.requests.append(Request(resource, "patch", dict(urllib.parse.parse_qsl(text))))
        self._answer(self.api.scripted(resource, "patch") or
                     self.api.apply_status(resource, namespace, name, body))

    def _answer(self, answer):
        self.send_response(answer.code)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        length = len(answer.body) if answer.length is None else answer.length
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(answer.body)
        if length != len(answer.body):
            self.close_connection = True

    def _watch(self, resource, query):
        watch = queue.SimpleQueue()
        self.api._watches[resource].append(watch)
        try:
            begun = self.api.begin_watch(resource, query)
            if begun is None:
                self._answer(refusal(410, "too old resource version"))
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self._follow(resource, *begun, watch)
        except OSError:
            pass  # the client went away
        finally:
            self.api._watches[resource].remove(watch)
            self.close_connection = True

    def _follow(self, resource, events, version, watch):
        while True:
            for kind, item in events:
                self._chunk(json.dumps({"type": kind, "object": item}).encode() + b"\n")
            events, version = self.api.next_events(resource, version, watch)
            while not watch.empty():
                data, close, stall = watch.get()
                self._chunk(data)
                if close:
                    return  # without the chunk that ends the body
                while stall:  # the connection lives, and says nothing
                    _, stall, _ = watch.get()
                    stall = not stall

    def _chunk(self, data):
        if data:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass  # the client went away

    def log_message(self, *_):
        pass
