"""kube-apiserver on loopback, with RBAC and an audit log of what the watcher asks for."""
import json
import ssl
import urllib.error
import urllib.request

from rig.ports import free_port
from rig.server import Server, kube_program

# Of everybody's requests, only the watcher's are written down.
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "users": ["system:serviceaccount:kube-system:sluice-watcher"]},
              {"level": "None"}]}


class ApiServer(Server):
    name = "kube-apiserver"
    start_seconds = 120

    def __init__(self, lab, etcd, certificates):
        super().__init__(lab)
        self.etcd, self.certificates = etcd, certificates
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.audit_log = lab.path("audit.log")
        self._policy = lab.path("audit-policy.json")
        with open(self._policy, "w", encoding="ascii") as file:
            json.dump(_AUDIT_POLICY, file)
        self._tls = ssl.create_default_context(cafile=certificates.authority)

    def command(self):
        keys = self.certificates
        return [kube_program("kube-apiserver"),
                "--etcd-servers", self.etcd.url, "--bind-address", "127.0.0.1",
                "--advertise-address", "127.0.0.1", "--endpoint-reconciler-type", "none",
                "--secure-port", str(self.port), "--service-cluster-ip-range", "10.96.0.0/24",
                "--tls-cert-file", keys.server, "--tls-private-key-file", keys.server_key,
                "--client-ca-file", keys.authority, "--authorization-mode", "RBAC",
                "--service-account-issuer", "https://kubernetes.default.svc",
                "--service-account-key-file", keys.service_public,
                "--service-account-signing-key-file", keys.service_key,
                # No controller makes the service accounts that it would put into pods.
                "--disable-admission-plugins", "ServiceAccount", "--profiling=false",
                "--audit-policy-file", self._policy, "--audit-log-path", self.audit_log]

    def answers(self):
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5,
                                        context=self._tls) as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False

    def audited(self):
        """What the watcher has asked for, oldest first: audit.k8s.io/v1 events."""
        try:
            with open(self.audit_log, encoding="utf-8") as log:
                return [json.loads(line) for line in log if line.endswith("}\n")]
        except FileNotFoundError:
            return []
