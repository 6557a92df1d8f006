"""The hostile soak passes, and reports each of the lies that it can be told."""
import os
import subprocess
import unittest

SECONDS = "3"


class HostileSoak(unittest.TestCase):
    def run_soak(self, *words):
        program = os.path.join(os.environ.get("SLUICE_BUILD", "build"), "tests/soak/hostile_soak")
        result = subprocess.run([program, "--seconds", SECONDS, *words], text=True, timeout=60,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return result.returncode, result.stdout

    def test_it_passes(self):
        for workers in ("1", "2"):
            with self.subTest(workers=workers):
                code, output = self.run_soak("--workers", workers)
                self.assertEqual(code, 0, output)

    def test_it_reports_a_buffer_that_does_not_come_back(self):
        self.assert_reports("lost-buffer", "packet buffers are not back")

    def test_it_reports_a_packet_that_is_refused_against_policy(self):
        self.assert_reports("deaf-model", "is allowed, and was not delivered")

    def test_it_reports_a_packet_that_passes_against_policy(self):
        self.assert_reports("deaf-switch", "policy denies it")

    def assert_reports(self, fault, words):
        code, output = self.run_soak("--plant", fault)
        self.assertEqual(code, 1, output)
        self.assertIn(words, output)
        self.assertRegex(output, r"again with: --seed \d+")


if __name__ == "__main__":
    unittest.main()
