"""sluicectl doctor and support-bundle beside a running switch."""
import json
import os
import subprocess
import tarfile
import unittest

from harness.case import LabTest
from harness.manifests import DENY_INGRESS, pod_object

SECRET = "PLANTED"


class Operator(LabTest):
    def run_ctl(self, *arguments, env=None):
        command = [self.lab.program("control/ctl/sluicectl"), "--server", self.lab.server, *arguments]
        return subprocess.run(command, check=False, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, env={**os.environ, **(env or {})})

    def doctor(self, *arguments):
        result = self.run_ctl("-o", "json", "doctor", *arguments)
        findings = json.loads(result.stdout)["findings"]
        fails = any(finding["level"] == "fail" for finding in findings)
        self.assertEqual(result.returncode, 1 if fails else 0, result)
        return {finding["check"]: finding for finding in findings}

    def test_doctor_sees_the_running_switch_and_that_it_is_gone(self):
        self.start()
        findings = self.doctor()
        self.assertEqual(findings["sluiced"]["level"], "ok", findings)
        self.assertEqual(findings["grpc-socket"]["level"], "ok", findings)
        self.assertIn("2 sockets", findings["vhost-sockets"]["what"])
        self.assertIn("CPUs", findings["worker-cores"]["what"])
        self.lab.switch.stop()
        findings = self.doctor("--worker-cores", "0")
        self.assertEqual(findings["sluiced"]["level"], "fail", findings)
        self.assertIn("not reachable", findings["sluiced"]["what"])
        self.assertIn("-> start it", self.run_ctl("doctor").stdout)

    def plant(self, name, text):
        path = self.lab.path(name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path

    def bundle(self, *arguments, env=None):
        """{name: text} of what is in it."""
        path = self.lab.path("bundle.tar.gz")
        result = self.run_ctl("support-bundle", path, *arguments, env=env)
        self.assertEqual(result.returncode, 0, result.stderr)
        with tarfile.open(path) as archive:
            return {os.path.basename(member.name): archive.extractfile(member).read().decode()
                    for member in archive.getmembers()}

    def test_a_bundle_has_what_a_maintainer_needs_and_no_secret(self):
        self.start()
        pod = pod_object(self.a)
        pod["metadata"]["annotations"] = {"note": f"{SECRET} annotation"}
        self.lab.apply(pod, DENY_INGRESS)
        config = self.plant("config.toml", f"memory = 512\nnode = \"n\"\napi-token = \"{SECRET}\"\n")
        log = self.plant("log", f"ready\nAuthorization: Bearer {SECRET}\n-----BEGIN RSA PRIVATE "
                                f"KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----\nafter\n")
        files = self.bundle("--config", config, "--log", log,
                            env={"GH_PAT": SECRET, "SLUICE_PASSWORD": SECRET, "SLUICE_COLOUR": "blue"})
        for name, text in files.items():
            self.assertNotIn(SECRET, text, name)
        self.assertIn("memory = 512", files["config.toml"])
        self.assertEqual(files["log-0.txt"].splitlines()[0], "ready")
        self.assertEqual(files["log-0.txt"].splitlines()[-1], "after")
        self.assertIn("SLUICE_COLOUR=blue", files["environment.txt"])
        self.assertIn("sluicectl", files["version.txt"])
        self.assertEqual(json.loads(files["status.json"])["ports"], 2)
        self.assertEqual(len(json.loads(files["ports.json"])["ports"]), 2)
        self.assertIn("deny-ingress", files["policies.json"])
        self.assertIn(self.a.name.split("/")[1], files["endpoints.json"])
        for name in ("drops", "policy-cost", "load", "networks", "doctor"):
            json.loads(files[name + ".json"])

    def test_without_a_daemon_the_bundle_says_so(self):
        files = self.bundle()
        self.assertIn("not reachable", files["status.json"])
        self.assertEqual(json.loads(files["doctor.json"])["findings"][-2]["level"], "fail")

    def test_a_bundle_replaces_no_file(self):
        path = self.plant("there", "mine")
        result = self.run_ctl("support-bundle", path)
        self.assertEqual(result.returncode, 1)
        self.assertIn("exists", result.stderr)
        with open(path, encoding="ascii") as file:
            self.assertEqual(file.read(), "mine")


if __name__ == "__main__":
    unittest.main()
