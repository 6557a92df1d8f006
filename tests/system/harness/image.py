"""The runtime image's programs in the place of those that were built: the same names, each started in
the image's own file system, with the machine's /proc, /sys, /dev, /tmp and /run."""
import json
import os
import tarfile

PROGRAMS = {
    "control/grpc/sluiced": "sluiced", "control/ctl/sluicectl": "sluicectl",
    "control/watcher/sluice-watcher": "sluice-watcher", "control/cni/sluice-cni": "sluice-cni",
    "perf/pktgen/sluice-pktgen": "sluice-pktgen"}

# By exec all the way: whoever starts it has the program's own pid to stop. The directory of the
# manifests is where it is outside.
_SHIM = """#!/bin/sh
exec unshare --mount --propagation slave /bin/sh -euc '
for directory in /proc /sys /dev /tmp /run {shared}; do
  mkdir -p "{root}$directory"
  mount --rbind "$directory" "{root}$directory"
done
exec chroot "{root}" /usr/bin/{program} "$@"' sh "$@"
"""


def unpack(archive, root):
    """The files of an OCI archive's image into `root`, which is made."""
    with tarfile.open(archive) as outer:
        def blob(descriptor):
            return outer.extractfile("blobs/" + descriptor["digest"].replace(":", "/"))
        index = json.load(outer.extractfile("index.json"))
        manifest = json.load(blob(index["manifests"][0]))
        os.makedirs(root)
        for layer in manifest["layers"]:
            with tarfile.open(fileobj=blob(layer)) as inner:
                inner.extractall(root, filter="fully_trusted")


def in_root(root, *command):
    """A container's command in the image's files, with the machine's kernel and network; all other
    directories are the image's."""
    script = """for directory in /proc /sys /dev; do mount --rbind "$directory" "$0$directory"; done
                exec chroot "$0" "$@" """
    return ["unshare", "--mount", "--propagation", "slave", "/bin/sh", "-euc", script, root, *command]


def make_shims(root, directory, shared):
    """A build directory for a Lab whose programs are those of `root`; `shared` is seen by them."""
    for path, program in PROGRAMS.items():
        shim = os.path.join(directory, path)
        os.makedirs(os.path.dirname(shim), exist_ok=True)
        with open(shim, "w", encoding="ascii") as file:
            file.write(_SHIM.format(root=root, program=program, shared=shared))
        os.chmod(shim, 0o755)
    return directory
