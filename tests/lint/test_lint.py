"""The rules of tests/lint/rules.py hold for the repository, and the checks find what they should.

Every check is first tried on small trees with a planted violation: a check that cannot fail is
worth nothing.
"""
import os
import tempfile
import unittest

import checks

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Repository(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tree = checks.repository(ROOT)

    def holds(self, findings):
        self.assertEqual(findings, [], "\n" + "\n".join(findings))

    def test_the_tree_is_not_empty(self):
        self.assertGreater(len(self.tree.named(".h", ".cc")), 10)

    def test_folders_include_only_what_they_may(self):
        self.holds(checks.include_layers(self.tree))

    def test_every_header_is_guarded(self):
        self.holds(checks.header_guards(self.tree))

    def test_the_hot_path_neither_allocates_nor_locks_nor_logs(self):
        self.holds(checks.hot_path(self.tree))

    def test_no_file_names_a_path_of_one_machine(self):
        self.holds(checks.machine_paths(self.tree))

    def test_links_in_documentation_resolve(self):
        self.holds(checks.doc_links(self.tree))

    def test_timeouts_in_documentation_are_the_code_s(self):
        self.holds(checks.timeouts(self.tree))

    def test_commands_in_documentation_exist(self):
        self.holds(checks.doc_commands(self.tree))


class Checks(unittest.TestCase):
    """The checks themselves, on trees of one or two files."""

    def tree(self, files):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        for name, text in files.items():
            path = os.path.join(directory.name, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return checks.Tree(directory.name, list(files))

    def test_includes(self):
        cases = [  # file, include line, is it refused?
            ("acl/a.h", '#include "acl/b.h"', False),
            ("acl/a.h", "#include <absl/status/status.h>", False),
            ("acl/a.h", "#include <vector>", False),
            ("acl/a.h", "#include <arpa/inet.h>", False),
            ("acl/a.h", "#include <rte_acl.h>", True),
            ("acl/trie_classifier.cc", "#include <rte_acl.h>", False),
            ("acl/trie_classifier.cc", "#include <rte_ethdev.h>", True),
            ("acl/a.h", "  #  include <thread>", True),
            ("acl/a.h", "#include <sys/socket.h>", True),
            ("acl/a.h", '#include "dataplane/switch.h"', True),
            ("acl/a.h", '#include "b.h"', True),
            ("acl/a.cc", "#include <absl/strings/str_cat.h>", True),
            ("dataplane/a.cc", "#include <rte_ethdev.h>", False),
            ("dataplane/a.cc", '#include "acl/classifier.h"', False),
            ("dataplane/a.cc", '#include "control/state.h"', True),
            ("dataplane/a.cc", "#include <grpcpp/grpcpp.h>", True),
            ("dataplane/a.cc", "#include <nlohmann/json.hpp>", True),
            ("control/a.cc", '#include "dataplane/switch.h"', False),
            ("control/a.cc", '#include "dataplane/parse.h"', True),
            ("control/a.cc", "#include <rte_ethdev.h>", True),
            ("control/a.cc", '#include "sluice/v1/port.pb.h"', True),
            ("control/kube/a.cc", "#include <grpcpp/grpcpp.h>", True),
            ("control/kube/a.cc", "#include <yaml-cpp/yaml.h>", False),
            ("control/grpc/a.cc", "#include <grpcpp/grpcpp.h>", False),
            ("control/grpc/a.cc", '#include "sluice/v1/port.grpc.pb.h"', False),
            ("perf/pktgen/a.cc", '#include "dataplane/connection.h"', True),
            ("perf/pktgen/a.cc", '#include "dataplane/eal.h"', False),
            ("tests/unit/a.cc", "#include <gtest/gtest.h>", False),
            ("acl/a.cc", "#include <boost/any.hpp>", True),
            ("elsewhere/a.cc", "#include <vector>", True),
            ("proto/sluice/v1/a.proto", 'import "acl/a.proto";', True),
            ("proto/sluice/v1/a.proto", 'import "sluice/v1/objects.proto";', False),
        ]
        for name, line, refused in cases:
            with self.subTest(name=name, line=line):
                findings = checks.include_layers(self.tree({name: "// one\n" + line + "\n"}))
                self.assertEqual(bool(findings), refused, findings)
                if refused:
                    self.assertTrue(findings[0].startswith(f"{name}:2: "), findings)

    def test_a_header_without_a_guard_is_found(self):
        self.assertTrue(checks.header_guards(self.tree({"acl/a.h": "// #pragma once\n"})))
        self.assertFalse(checks.header_guards(self.tree({"acl/a.h": "// a\n#pragma once\n"})))

    def test_hot_path_symbols(self):
        cases = [
            ("std::function<void()> f;", True),
            ("auto* p = new Packet;", True),
            ("new (place) Packet;", False),
            ("void* p = malloc(3);", True),
            ("std::string name;", True),
            ("std::string_view name;", False),
            ("virtual void Run();", True),
            ('spdlog::info("x");', True),
            ("// a new virtual std::function", False),
            ("/* a\n new */ int renewed;", False),
            ('const char* text = "new virtual";', False),
            ("std::mutex m;", True),
            ("rows.push_back(1);", True),
        ]
        for code, refused in cases:
            with self.subTest(code=code):
                tree = self.tree({"dataplane/a.cc": "int x;\n" + code + "\n"})
                findings = checks.hot_path(tree, ["dataplane/a.cc"])
                self.assertEqual(bool(findings), refused, findings)

    def test_the_line_of_a_hot_path_symbol_is_named(self):
        tree = self.tree({"dataplane/a.cc": "/* one\n two */\nauto p = new int;\n"})
        finding = checks.hot_path(tree, ["dataplane/a.cc"])[0]
        self.assertTrue(finding.startswith("dataplane/a.cc:3: "), finding)

    def test_a_hot_path_file_that_is_gone_is_found(self):
        self.assertTrue(checks.hot_path(self.tree({"dataplane/a.cc": ""}), ["dataplane/b.cc"]))

    def test_paths_of_one_machine(self):
        for text, refused in [("cd /work/main", True), ("see /root/x", True), ("/home/me/y", True),
                              ("out/work/x", False), ("/run/sluice", False), ("at work/", False)]:
            with self.subTest(text=text):
                tree = self.tree({"docs/a.md": text})
                self.assertEqual(bool(checks.machine_paths(tree)), refused)

    def test_links(self):
        cases = [("[x](b.md)", False), ("[x](c.md)", True), ("[x](b.md#two-words)", False),
                 ("[x](b.md#three)", True), ("[x](#own)", False), ("[x](https://a.b/c)", False),
                 ("[x](../Makefile)", False), ("[x](../../shared/x.md)", True)]
        for link, refused in cases:
            with self.subTest(link=link):
                tree = self.tree({"docs/a.md": f"# Own\n{link}\n", "docs/b.md": "## Two words\n",
                                  "Makefile": ""})
                self.assertEqual(bool(checks.doc_links(tree)), refused)

    def test_timeouts(self):
        code = "  X(kOpen, \"open\", 30'000) \\\n  X(kShut, \"shut\", 1'000)\n"
        for table, refused in [("| `open` | 30 | x |\n| `shut` | 1 | y |\n", False),
                               ("| `open` | 31 | x |\n| `shut` | 1 | y |\n", True),
                               ("| `open` | 30 | x |\n", True),
                               ("| `open` | 30 | |\n| `shut` | 1 | |\n| `z` | 1 | |\n", True)]:
            with self.subTest(table=table):
                tree = self.tree({"dataplane/connection_state.h": code, "docs/operations.md": table})
                self.assertEqual(bool(checks.timeouts(tree)), refused)

    def test_commands(self):
        makefile = "PROGRAMS := control/ctl/sluicectl\ndemo: build\n"
        cases = [("`make demo`", False), ("`make fly`", True), ("to make fly away", False),
                 ("```\nmake demo\nmake fly\n```", True), ("`build/bin/sluicectl get`", False),
                 ("`build/bin/other`", True), ("`make demo FOO=1`", False)]
        for text, refused in cases:
            with self.subTest(text=text):
                tree = self.tree({"README.md": text, "Makefile": makefile})
                self.assertEqual(bool(checks.doc_commands(tree)), refused)


if __name__ == "__main__":
    unittest.main()
