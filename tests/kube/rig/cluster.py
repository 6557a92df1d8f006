"""etcd, kube-apiserver, and the two who speak to it: an administrator and the watcher."""
import glob
import os

from rig import kubeconfig
from rig.api import Api
from rig.apiserver import ApiServer
from rig.certificates import Certificates
from rig.etcd import Etcd
from rig.kubectl import Kubectl

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
CRDS = os.path.join(ROOT, "docker", "crds")
RBAC = os.path.join(ROOT, "docker", "watcher-rbac.yaml")
_TOKEN_REQUEST = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                  "spec": {"expirationSeconds": 24 * 3600}}


class Cluster:
    """`watcher_config`: the kubeconfig of a service account that may do what
    docker/watcher-rbac.yaml lists and nothing else."""

    def __init__(self, lab, etcd_program=None):
        self.lab = lab
        self.certificates = keys = Certificates(lab.path("certificates"))
        self.etcd = Etcd(lab, etcd_program)
        self.server = ApiServer(lab, self.etcd, keys)
        self.api = Api("127.0.0.1", self.server.port, keys)
        admin = kubeconfig.with_certificate(lab.path("admin.conf"), self.server.url, keys)
        self.kubectl = Kubectl(admin, lab.directory)
        self.watcher_config = lab.path("watcher.conf")

    def start(self, crds=True):
        """Until both serve, the watcher has its account, and (`crds`) all kinds are known."""
        self.etcd.start()
        self.server.start()
        self.lab.wait_until(self._has_namespaces, "the API server made its namespaces", 60)
        self.kubectl.apply(RBAC)
        self.watcher_config = self.write_watcher_config("watcher.conf", self.server.url)
        if crds:
            self.install_crds()

    def _has_namespaces(self):
        names = {item["metadata"]["name"] for item in self.api.list("namespaces")}
        return {"default", "kube-system"} <= names

    def kill_server(self):
        """The API server is gone without a goodbye; etcd keeps what it held."""
        self.server.kill()
        self.api.disconnect()

    def write_watcher_config(self, name, server):
        """Another kubeconfig for the watcher's account, by `server` (a Gate's or Relay's URL)."""
        return self.write_config(name, server, "sluice-watcher")

    def write_config(self, name, server, account):
        """The path of a kubeconfig for a service account of kube-system."""
        return kubeconfig.with_token(self.lab.path(name), server, self.certificates,
                                     self.make_token(account))

    def make_token(self, account):
        """For a service account of kube-system. By the API: kubectl 1.20 cannot ask for it."""
        path = f"/api/v1/namespaces/kube-system/serviceaccounts/{account}/token"
        return self.api.request("POST", path, _TOKEN_REQUEST)["status"]["token"]

    def install_crds(self, *names):
        """Those of docker/crds (all, without names), until the API server serves them well."""
        files = ([os.path.join(CRDS, f"{name}.yaml") for name in names]
                 or sorted(glob.glob(os.path.join(CRDS, "*.yaml"))))
        self.kubectl.apply(*files, validate=False)  # kubectl 1.20 does not know of CEL
        self.kubectl.run("wait", "--for=condition=Established", "--timeout=60s",
                         *(word for file in files for word in ("-f", file)))
        for file in files:
            resource = os.path.basename(file).removesuffix(".yaml")
            self.lab.wait_until(lambda resource=resource: self.api.can_watch(resource),
                                f"{resource} can be watched", 60)
