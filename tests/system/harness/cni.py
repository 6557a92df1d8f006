"""sluice-cni as a runtime calls it, with addresses of the real host-local."""
import contextlib
import dataclasses
import json
import os
import shutil
import subprocess

PLUGINS = "/usr/lib/cni"  # of Debian's containernetworking-plugins
NEWEST = "1.1.0"
VERSIONS = ["0.3.1", "0.4.0", "1.0.0", NEWEST]


@dataclasses.dataclass
class Answer:
    code: int  # of the process
    out: dict  # what it printed; None: nothing

    @property
    def error(self):
        """The error's code; None: it succeeded."""
        return self.out["code"] if self.code else None


class Runtime:
    """Calls the plugin for containers, each of which is a pod: container "web" is default/web with
    UID "uid-web" on interface net1. `lab` has a switch; everything else is in its directory."""

    def __init__(self, lab, program):
        self._lab = lab
        self._program = program
        self.state = lab.path("cni-state")
        self.leases = lab.path("cni-leases")
        self.sockets = lab.path("pods")

    def config(self, version=NEWEST, ipam=True, **keys):
        """`ipam`: True, host-local; False, none; else as it is. Keys that are None are left out."""
        config = {"cniVersion": version, "name": "pods", "type": "sluice-cni",
                  "daemon": self._lab.server, "stateDirectory": self.state,
                  "socketDirectory": self.sockets, "timeoutSeconds": 5}
        if ipam is not True:
            config["ipam"] = ipam or None
        else:
            config["ipam"] = {"type": "host-local", "subnet": "10.44.0.0/24",
                              "dataDir": self.leases}
        config.update(keys)
        return {key: value for key, value in config.items() if value is not None}

    def environment(self, command, container, **variables):
        environment = {
            "CNI_COMMAND": command, "CNI_CONTAINERID": container, "CNI_IFNAME": "net1",
            "CNI_NETNS": "/proc/self/ns/net", "CNI_PATH": PLUGINS, "PATH": os.environ["PATH"],
            "CNI_ARGS": f"IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME={container};"
                        f"K8S_POD_UID=uid-{container}"}
        environment.update(variables)
        return {key: value for key, value in environment.items() if value is not None}

    def start(self, command, container="web", config=None, wrapper=(), **variables):
        """The process, its input written. `variables` replace the environment's; None: unset.
        `wrapper`: the words of a command that runs the one after it."""
        text = config if isinstance(config, str) else json.dumps(config or self.config())
        process = subprocess.Popen(
            [*wrapper, self._program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
            env=self.environment(command, container, **variables))
        with contextlib.suppress(BrokenPipeError), process.stdin:  # it may read less
            process.stdin.write(text)
        process.stdin = None
        return process

    def finish(self, process, timeout=40):
        out, _ = process.communicate(timeout=timeout)
        return Answer(process.returncode, json.loads(out) if out else None)

    def call(self, command, container="web", config=None, **options):
        return self.finish(self.start(command, container, config, **options))

    def files(self):
        """What there is of records, leases and sockets, as paths; of pods' directories, too, if
        nothing is in them."""
        found = []
        for root in (self.state, self.leases, self.sockets):
            for directory, inner, names in os.walk(root):
                found += [os.path.join(directory, name) for name in names
                          if name != "lock" and not name.startswith("last_reserved_ip")]
                if directory.startswith(self.sockets + "/") and not inner + names:
                    found.append(directory)
        return sorted(found)

    def clear(self):
        for root in (self.state, self.leases, self.sockets):
            shutil.rmtree(root, ignore_errors=True)

    def lease_of(self, address, network="pods"):
        return os.path.join(self.leases, network, address)
