// `sluicectl verdict` as a user runs it, on the built program.
//
// A directory of fixtures/ has manifests*, probes.json, expected.jsonl (stdout) and perhaps
// stderr.txt (warnings); one of errors/ has stderr.txt, the one line that says what is wrong. Every
// run reads cluster.yaml first. SLUICECTL and SLUICE_FIXTURES say where program and fixtures are.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/temporary_directory.h"
#include "tests/system/verdict/child.h"

namespace sluice::tests {
namespace {

namespace fs = std::filesystem;

fs::path Program() { return fs::absolute(getenv("SLUICECTL")); }
fs::path Root() { return fs::absolute(getenv("SLUICE_FIXTURES")); }

std::string Content(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::vector<fs::path> Sorted(const fs::path& directory) {
  std::vector<fs::path> entries(fs::directory_iterator(directory), {});
  std::ranges::sort(entries);
  return entries;
}

Command Verdict(const fs::path& fixture) {
  Command command{.arguments = {Program(), "verdict", "--probes", "probes.json", "-o", "json"},
                  .directory = fixture};
  command.arguments.insert(command.arguments.end(), {"-f", Root() / "cluster.yaml"});
  for (const fs::path& file : Sorted(fixture)) {
    if (file.stem() == "manifests") command.arguments.push_back(file.filename());
  }
  return command;
}

Outcome Expected(const fs::path& fixture) {
  return {0, Content(fixture / "expected.jsonl"), Content(fixture / "stderr.txt")};
}

void ExpectSame(const Outcome& seen, const Outcome& expected, const std::string& name) {
  EXPECT_EQ(seen.exit_code, expected.exit_code) << name;
  EXPECT_EQ(seen.out, expected.out) << name;
  EXPECT_EQ(seen.err, expected.err) << name;
}

TEST(Verdict, FixturesAreJudgedAsExpected) {
  const std::vector<fs::path> fixtures = Sorted(Root() / "fixtures");
  ASSERT_FALSE(fixtures.empty());
  for (const fs::path& fixture : fixtures) {
    ASSERT_NE(Content(fixture / "expected.jsonl"), "") << fixture;
    ExpectSame(RunToEnd(Verdict(fixture)), Expected(fixture), fixture.filename());
  }
}

TEST(Verdict, BadInputIsOneLineAndExitCodeTwo) {
  const std::vector<fs::path> fixtures = Sorted(Root() / "errors");
  ASSERT_FALSE(fixtures.empty());
  for (const fs::path& fixture : fixtures) {
    const std::string line = Content(fixture / "stderr.txt");
    ASSERT_EQ(std::ranges::count(line, '\n'), 1) << fixture;
    ExpectSame(RunToEnd(Verdict(fixture)), {2, "", line}, fixture.filename());
  }
}

TEST(Verdict, MissingFilesAndUsageAreExitCodeTwo) {
  const fs::path directory = Root() / "fixtures" / "00_no_policy";
  const std::vector<std::pair<std::vector<std::string>, std::string>> rows = {
      {{"-f", "nope.yaml", "--probes", "probes.json"}, "nope.yaml: No such file or directory\n"},
      {{"-f", "manifests.yaml", "--probes", "nope.json"}, "nope.json: No such file or directory\n"},
      {{"-f", ".", "--probes", "probes.json"}, ".: Is a directory\n"},
      {{"-f", "manifests.yaml"}, "--probes is required (try --help)\n"},
      {{"-f", "manifests.yaml", "--probes", "probes.json", "-o", "xml"},
       "--output: xml not in {table,json} (try --help)\n"},
  };
  for (const auto& [arguments, error] : rows) {
    Command command{.arguments = {Program(), "verdict"}, .directory = directory};
    command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
    ExpectSame(RunToEnd(command), {2, "", error}, error);
  }
}

// It is an error before any daemon is asked; there is none here.
TEST(Apply, NothingToApplyIsExitCodeTwo) {
  const test::TemporaryDirectory directory;
  std::ofstream(directory.path() / "empty.yaml") << "";
  std::ofstream(directory.path() / "other.yaml")
      << "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n";
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"empty.yaml", "no objects passed to apply\n"},
      {"other.yaml",
       "other.yaml: Secret default/s: skipped, only Namespace, Node, Pod and network policies are "
       "read\n"
       "no objects passed to apply\n"}};
  for (const auto& [file, error] : rows) {
    const Command command{
        .arguments = {Program(), "apply", "--server", "unix:///nope.sock", "-f", file},
        .directory = directory.path()};
    ExpectSame(RunToEnd(command), {2, "", error}, file);
  }
}

TEST(Verdict, ErrorIsOneLineWhateverTheProbesSay) {
  const test::TemporaryDirectory directory;
  std::ofstream(directory.path() / "probes.json")
      << R"([{"from": "a\nb/\u001b[31mc\u2028", "to": "x/a", "protocol": "tcp", "port": 80}])";
  Command command = Verdict(Root() / "fixtures" / "00_no_policy");
  std::ranges::replace(command.arguments, "probes.json", directory.path() / "probes.json");
  const Outcome outcome = RunToEnd(command);
  EXPECT_EQ(outcome.exit_code, 2);
  ASSERT_TRUE(outcome.err.ends_with("\n"));
  EXPECT_EQ(std::ranges::count_if(outcome.err, [](unsigned char c) { return c < 0x20; }), 1)
      << outcome.err;
  EXPECT_NE(outcome.err.find("a b/ [31mc "), std::string::npos) << outcome.err;
}

TEST(Verdict, OutputThatIsLostIsExitCodeOne) {
  Command command = Verdict(Root() / "fixtures" / "09_union");
  command.arguments.insert(command.arguments.begin(),
                           {"/bin/sh", "-c", "exec \"$@\" >/dev/full", "sh"});
  for (const char* form : {"json", "table"}) {
    std::ranges::replace(command.arguments, "json", form);
    ExpectSame(RunToEnd(command), {1, "", "the output could not be written\n"}, form);
  }
}

TEST(Verdict, TableIsForPeople) {
  Command command = Verdict(Root() / "fixtures" / "13_updated_policy");
  std::ranges::replace(command.arguments, "json", "table");
  ExpectSame(RunToEnd(command),
             {0,
              "FROM  TO   SERVICE  VERDICT  EGRESS  INGRESS\n"
              "y/a   x/a  tcp/80   allow    allow   allow\n"
              "x/a   y/a  tcp/80   allow    allow   allow\n"
              "y/a   x/b  tcp/80   deny     allow   deny by NetworkPolicy x/p\n"
              "x/b   y/a  tcp/80   allow    allow   allow\n",
              ""},
             "table");
}

TEST(Verdict, TheTableNamesTheNearestRuleAndJsonDoesWhenAsked) {
  const test::TemporaryDirectory directory;
  std::ofstream(directory.path() / "probes.json")
      << R"([{"from": "x/b", "to": "y/a", "protocol": "tcp", "port": 80},
             {"from": "x/b", "to": "x/a", "protocol": "tcp", "port": 81}])";
  Command command = Verdict(Root() / "fixtures" / "09_union");
  std::ranges::replace(command.arguments, "probes.json", directory.path() / "probes.json");
  const std::string port = "NetworkPolicy y/one ingress[0] admits TCP 83 (asked: 80)";
  const std::string peer = "NetworkPolicy x/one ingress[1] admits other peers";
  EXPECT_EQ(RunToEnd(command).out.find("nearest"), std::string::npos) << "an exact contract";

  command.arguments.push_back("--why");
  const std::string why = RunToEnd(command).out;
  EXPECT_NE(why.find(R"("nearest":{"policy":"NetworkPolicy y/one","rule":"ingress[0]",)"
                     R"("admits":"TCP 83","differs":["port"],"text":")" +
                     port + "\"}"),
            std::string::npos)
      << why;
  EXPECT_NE(why.find(R"("tier":"None","policy":null,"rule":null,"nearest":null)"),
            std::string::npos)
      << why;
  std::ranges::replace(command.arguments, "json", "table");
  const std::string table = RunToEnd(command).out;
  EXPECT_NE(table.find("deny by NetworkPolicy y/one (" + port + ")\n"), std::string::npos) << table;
  EXPECT_NE(table.find("NetworkPolicy x/one (" + peer + ")\n"), std::string::npos) << table;
}

// `policy diff --old` in a fixture's cluster.
Outcome Diff(std::vector<std::string> more) {
  Command command{.arguments = {Program(), "policy", "diff", "--old", Root() / "cluster.yaml",
                                "--old", "manifests.yaml"},
                  .directory = Root() / "fixtures" / "09_union"};
  std::ranges::move(more, std::back_inserter(command.arguments));
  return RunToEnd(command);
}

TEST(PolicyDiff, SaysWhatFlipsWithoutADaemon) {
  const test::TemporaryDirectory directory;
  const std::string file = directory.path() / "new.yaml";
  std::ofstream(file) << "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
                         "metadata: {name: one, namespace: x}\nspec: {"
                         "podSelector: {matchLabels: {pod: a}}, ingress: ["
                         "{from: [{podSelector: {matchLabels: {pod: b}}}],"
                         " ports: [{port: 80}, {port: 85}]}]}\n";
  const std::string denied =
      "deny, ingress by NetworkPolicy x/another, NetworkPolicy x/one (tier NetworkPolicy)";
  const Outcome outcome = Diff({"-f", file});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(
      outcome.out.find("#5 x/b (10.0.1.2, fd00:1::2)  #4 x/a (10.0.1.1, fd00:1::1)  tcp       "
                       "85     " +
                       denied),
      std::string::npos)
      << outcome.out;
  EXPECT_NE(outcome.out.find("\nnetwork default: 2 verdicts flip, between 2 pairs of classes\n"),
            std::string::npos)
      << outcome.out;
  const Outcome json = Diff({"-f", file, "-o", "json", "--limit", "1", "--exit-code"});
  EXPECT_EQ(json.exit_code, 1) << "something flips";
  EXPECT_NE(json.out.find("\"count\": \"2\""), std::string::npos) << json.out;
  EXPECT_EQ(json.out.find("\"port_first\": 81"), std::string::npos) << "beyond the limit";
}

TEST(PolicyDiff, EqualPoliciesAreExitCodeZeroAndWhatCannotBeSaidIsTwo) {
  const Outcome same = Diff({"-f", "manifests.yaml", "--exit-code"});
  ExpectSame(same, {0, "network default: 0 verdicts flip, between 0 pairs of classes\n", ""},
             "same");
  const std::vector<std::pair<std::vector<std::string>, std::string>> rows = {
      {{}, "no objects passed to diff\n"},
      {{"-f", "nope.yaml"}, "nope.yaml: No such file or directory\n"},
      {{"--delete", "NetworkPolicy/one"}, "NetworkPolicy default/one: is not there\n"},
      {{"--delete", "NetworkPolicy x/two"}, "NetworkPolicy x/two: is not there\n"},
      {{"--delete", "Namespace/x"},
       "Namespace x: its labels would change: a diff is of policies, among pods, namespaces and "
       "nodes as they are\n"}};
  for (const auto& [arguments, error] : rows) ExpectSame(Diff(arguments), {2, "", error}, error);
}

TEST(Verdict, ManyAtOnceDoNotMeet) {
  const fs::path fixture = Root() / "fixtures" / "09_union";
  std::vector<std::unique_ptr<Child>> children;
  constexpr int kRuns = 16;
  children.reserve(kRuns);
  for (int i = 0; i < kRuns; ++i) children.push_back(std::make_unique<Child>(Verdict(fixture)));
  for (size_t i = 0; i < children.size(); ++i) {
    ExpectSame(children[i]->Wait(), Expected(fixture), fmt::format("run {}", i));
  }
}

// With copies of program and fixtures in a place that everybody may read; what the run makes there
// is gone afterwards.
TEST(Verdict, NeedsNoRootAndLeavesNothing) {
  if (geteuid() != 0) GTEST_SKIP() << "not root: every other test here shows it";
  constexpr uid_t kNobody = 65534;
  const test::TemporaryDirectory directory;
  fs::permissions(directory.path(), fs::perms::owner_all | fs::perms::group_exec |
                                        fs::perms::group_read | fs::perms::others_exec |
                                        fs::perms::others_read);
  const fs::path fixture = directory.path() / "fixture";
  fs::copy(Root() / "fixtures" / "11_nodes", fixture);
  fs::copy(Root() / "cluster.yaml", directory.path());
  fs::copy(Program(), directory.path());
  const fs::path scratch = directory.path() / "tmp";
  fs::create_directory(scratch);
  ASSERT_EQ(chown(scratch.c_str(), kNobody, kNobody), 0);

  Command command = Verdict(fixture);
  command.user = kNobody;
  command.environment = {"TMPDIR=" + scratch.string(), "PATH=/usr/bin:/bin"};
  std::ranges::replace(command.arguments, Program().string(),
                       (directory.path() / Program().filename()).string());
  std::ranges::replace(command.arguments, (Root() / "cluster.yaml").string(),
                       (directory.path() / "cluster.yaml").string());
  ExpectSame(RunToEnd(command), Expected(fixture), "as nobody");
  EXPECT_TRUE(fs::is_empty(scratch)) << *fs::directory_iterator(scratch);
}

}  // namespace
}  // namespace sluice::tests
