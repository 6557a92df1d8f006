"""tools/run-tests and tools/junit.py count what happened: a crash or an empty run is a failure."""
import contextlib
import importlib.machinery
import importlib.util
import io
import os
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
JUNIT = os.path.join(ROOT, "tools", "junit.py")


def load_runner():
    path = os.path.join(ROOT, "tools/run-tests")
    loader = importlib.machinery.SourceFileLoader("run_tests", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run_tests", loader))
    sys.modules["run_tests"] = module  # dataclasses look themselves up
    loader.exec_module(module)
    return module


sys.dont_write_bytecode = True
runner = load_runner()

WRITE_XML = 'echo "<testsuites><testsuite>%s</testsuite></testsuites>" > ${GTEST_OUTPUT#xml:}; %s'
CASE = "<testcase classname='A' name='b' status='run' result='completed'/>"
FAILED = "<testcase classname='A' name='c' status='run'><failure message='no'/></testcase>"
SKIPPED = "<testcase classname='A' name='d' status='run'><skipped message='%s'/></testcase>"
SKIPPED_RIGHTLY = SKIPPED % "/src/x_test.cc:7&#x0A;not root: why&#x0A;"  # as GoogleTest writes it
SKIPPED_WRONGLY = SKIPPED % "no iperf3 here"
NOT_RUN = "<testcase classname='A' name='e' status='notrun' result='suppressed'/>"

UNITTEST = """
import unittest
class Good(unittest.TestCase):
    def test_a(self): pass
    def test_b(self):
        for i in range(3):
            with self.subTest(i=i): self.assertLess(i, {limit})
    @unittest.skip("kernel without it")
    def test_c(self): pass
class Broken(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if {broken}: raise RuntimeError("no set-up")
    def test_d(self): pass
"""


class RunTests(unittest.TestCase):
    def run_command(self, command, timeout=20, slow=1):
        test = {"name": "program", "cmd": command, "env": {}, "workdir": None, "timeout": timeout,
                "is_parallel": True, "suite": ["sluice:unit"]}
        with contextlib.redirect_stdout(io.StringIO()):
            return runner.run_all([test], 1, slow)

    def shell(self, script, **more):
        return self.run_command(["sh", "-c", script], **more)

    def test_programs(self):
        cases = [  # what the program does, passed, failed, skipped
            ("true", 1, 0, 0),
            ("false", 0, 1, 0),
            ("exit 77", 0, 1, 0),  # a skip has a reason
            ("kill -SEGV $$", 0, 1, 0),
            (WRITE_XML % (CASE, "true"), 1, 0, 0),
            (WRITE_XML % (CASE * 3 + SKIPPED_RIGHTLY + NOT_RUN, "true"), 3, 0, 1),
            (WRITE_XML % (CASE + SKIPPED_WRONGLY, "true"), 1, 1, 0),
            (WRITE_XML % (CASE + SKIPPED % "", "true"), 1, 1, 0),
            (WRITE_XML % (CASE + FAILED, "exit 1"), 1, 1, 0),
            (WRITE_XML % (CASE, "exit 1"), 1, 1, 0),        # failed after its cases
            (WRITE_XML % (CASE, "kill -ABRT $$"), 1, 1, 0),  # crashed in tear-down
            (WRITE_XML % ("", "true"), 0, 1, 0),            # ran nothing
            (WRITE_XML % (NOT_RUN, "true"), 0, 1, 0),
            ("echo '<testsuites><tes' > ${GTEST_OUTPUT#xml:}; exit 1", 0, 1, 0),
        ]
        for script, passed, failed, skipped in cases:
            with self.subTest(script=script):
                tally = self.shell(script)
                self.assertEqual((tally.passed, len(tally.failed), len(tally.skipped)),
                                 (passed, failed, skipped), tally)

    def test_figures_of_a_test_that_passes_are_shown_and_nothing_else_of_it(self):
        test = {"name": "program", "cmd": ["sh", "-c", "echo noise; echo 'x ... figure: 7 ms'"],
                "env": {}, "workdir": None, "timeout": 20, "is_parallel": True, "suite": ["s:u"]}
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            runner.run_all([test], 1, 1)
        self.assertIn("  7 ms\n", shown.getvalue())
        self.assertNotIn("noise", shown.getvalue())

    def test_a_hang_is_a_failure(self):
        tally = self.shell("exec sleep 60", timeout=0.3)
        self.assertEqual(tally.failed, ["program: timed out"])

    def test_slow_stretches_the_limit(self):
        self.assertEqual(self.shell("sleep 0.4", timeout=0.2, slow=20).passed, 1)

    def test_suites_select(self):
        tests = [{"name": "a", "suite": ["sluice:unit"]}, {"name": "b", "suite": ["sluice:system"]},
                 {"name": "c", "suite": ["sluice:unit", "sluice:threads"]}]
        names = lambda *args: "".join(t["name"] for t in runner.select(tests, *args))
        self.assertEqual(names([], []), "abc")
        self.assertEqual(names(["unit"], []), "ac")
        self.assertEqual(names(["unit"], ["threads"]), "a")
        self.assertEqual(names([], ["system"]), "ac")
        self.assertEqual(names(["nothing"], []), "")

    def test_the_summary_names_skips_only_when_there_are_some(self):
        self.assertEqual(runner.Tally(passed=3).summary(), "3 passed, 0 failed")
        self.assertEqual(runner.Tally(3, ["x"], ["y"]).summary(), "3 passed, 1 failed, 1 skipped")

    def unittest_tally(self, limit, broken):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "test_sample.py")
            with open(path, "w", encoding="utf-8") as file:
                file.write(UNITTEST.format(limit=limit, broken=broken))
            tally = self.run_command([sys.executable, "-B", JUNIT, path])
        return tally.passed, len(tally.failed), len(tally.skipped)

    def test_unittest_cases_are_counted(self):
        self.assertEqual(self.unittest_tally(limit=3, broken=False), (3, 0, 1))

    def test_a_failed_subtest_fails_its_case(self):
        self.assertEqual(self.unittest_tally(limit=1, broken=False), (2, 1, 1))

    def test_a_failed_class_set_up_is_a_failure(self):
        self.assertEqual(self.unittest_tally(limit=3, broken=True), (2, 1, 1))


if __name__ == "__main__":
    unittest.main()
