"""Runs unittest modules the way GoogleTest programs run: with JUnit XML for tools/run-tests.

    python3 tools/junit.py FILE [unittest arguments]

FILE is a test_*.py; its own directory is on the path. The XML goes to the file that
GTEST_OUTPUT=xml:PATH names; without it, this is plain unittest.
"""
import importlib
import os
import sys
import time
import unittest
import xml.etree.ElementTree as ElementTree


class JunitResult(unittest.TextTestResult):
    """Collects one XML element a case, subtests included in their case."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.suite = ElementTree.Element("testsuite", name="unittest")
        self._case = None
        self._start = 0.0

    def startTest(self, test):
        super().startTest(test)
        _, class_name, method = test.id().rsplit(".", 2)
        self._case = ElementTree.SubElement(
            self.suite, "testcase", classname=class_name, name=method, status="run")
        self._start = time.monotonic()

    def stopTest(self, test):
        self._case.set("time", f"{time.monotonic() - self._start:.3f}")
        self._case = None
        super().stopTest(test)

    def _note(self, test, kind, message):
        case = self._case
        if case is None:  # setUpClass, setUpModule: no case is running
            case = ElementTree.SubElement(
                self.suite, "testcase", classname=type(test).__name__, name=str(test))
        ElementTree.SubElement(case, kind, message=message)

    def addError(self, test, err):
        super().addError(test, err)
        self._note(test, "error", repr(err[1]))

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._note(test, "failure", str(err[1]))

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._note(test, "failure", f"{subtest.id()}: {err[1]}")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._note(test, "skipped", reason)


def main():
    directory, name = os.path.split(os.path.abspath(sys.argv[1]))
    sys.path.insert(0, directory)
    module = importlib.import_module(name.removesuffix(".py"))
    runner = unittest.TextTestRunner(resultclass=JunitResult, verbosity=2)
    program = unittest.main(module=module, argv=sys.argv[1:], testRunner=runner, exit=False)
    output = os.environ.get("GTEST_OUTPUT", "")
    if output.startswith("xml:"):
        ElementTree.ElementTree(program.result.suite).write(output.removeprefix("xml:"))
    return 0 if program.result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
