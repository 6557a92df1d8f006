"""kubectl of the API server's version, with a kubeconfig of its own."""
import os
import subprocess

from rig.server import kube_program


class KubectlError(Exception):
    """kubectl said no: `message` is what it wrote to standard error."""

    def __init__(self, words, message):
        super().__init__(f"kubectl {' '.join(words)}: {message.strip()}")
        self.message = message


class Kubectl:
    def __init__(self, kubeconfig, home):
        self._program = kube_program("kubectl")
        self._environment = dict(os.environ, KUBECONFIG=kubeconfig, HOME=home)

    def run(self, *words, stdin=None, timeout=120):
        """Standard output. KubectlError for any exit code but 0."""
        result = subprocess.run(
            [self._program, *words], env=self._environment, text=True, capture_output=True,
            timeout=timeout, check=False, input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None)
        if result.returncode != 0:
            raise KubectlError(words, result.stderr)
        return result.stdout

    def apply(self, *files, dry_run=False, validate=True):
        """`validate`: refuses fields that it does not know, itself or by the server."""
        words = [word for file in files for word in ("-f", file)]
        return self.run("apply", *words, *(["--dry-run=server"] if dry_run else []),
                        *([] if validate else ["--validate=false"]))

    def delete(self, *files):
        self.run("delete", "--wait=false", *(word for file in files for word in ("-f", file)))
