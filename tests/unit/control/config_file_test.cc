#include "control/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "control/grpc/config.h"
#include "control/nearest_name.h"

namespace sluice::control {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Outcome {
  CommandLine line;
  std::vector<std::string> errors, output;
};

std::vector<std::string> Lines(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// sluiced with `flags`; "FILE" among them is a file with `text`.
Outcome RunSluiced(const std::string& text, std::vector<std::string> flags) {
  std::string path = std::filesystem::temp_directory_path() / "sluice-config-XXXXXX";
  EXPECT_GE(mkstemp(path.data()), 0);
  std::ofstream(path) << text;
  std::vector<const char*> arguments = {"sluiced"};
  for (const std::string& flag : flags) {
    arguments.push_back(flag == "FILE" ? path.c_str() : flag.c_str());
  }
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  Outcome outcome{ParseCommandLine(static_cast<int>(arguments.size()), arguments.data()), {}, {}};
  outcome.output = Lines(testing::internal::GetCapturedStdout());
  outcome.errors = Lines(testing::internal::GetCapturedStderr());
  std::filesystem::remove(path);
  return outcome;
}

TEST(ConfigFileTest, EveryFaultIsNamedAtOnce) {
  const std::string text =
      "memry = 700\nmemory = 5\nnode = \"n\"\nworker-cores = [1, x]\nhuge = \"maybe\"\n"
      "tcp-liberal = \"perhaps\"\nnode = \"m\"\ncluster-cidr = [\"10.0.0.0/33\"]\n[a]\nq = 1\n";
  for (const char* flag : {"--config", "--check-config"}) {
    const Outcome outcome = RunSluiced(text, {flag, "FILE"});
    EXPECT_FALSE(outcome.line.config.has_value());
    EXPECT_EQ(outcome.line.exit_code, 2);
    EXPECT_THAT(outcome.errors,
                ElementsAre(HasSubstr(": memry: no such setting; the nearest is memory"),
                            HasSubstr(": memory: Value 5 not in range"),
                            HasSubstr(": worker-cores: Value x not in range"),
                            AllOf(HasSubstr(": huge: "), HasSubstr("maybe")),
                            AllOf(HasSubstr(": tcp-liberal: "), HasSubstr("perhaps")),
                            HasSubstr(": node: given twice"),
                            AllOf(HasSubstr(": cluster-cidr: "), HasSubstr("10.0.0.0/33")),
                            HasSubstr(": a.q: there are no sections")))
        << flag;
  }
}

TEST(ConfigFileTest, AFlagThatWinsHidesNoFault) {
  const Outcome outcome = RunSluiced("memory = 5\n", {"--config", "FILE", "--memory", "600"});
  EXPECT_EQ(outcome.line.exit_code, 2);
  EXPECT_THAT(outcome.errors, ElementsAre(HasSubstr(": memory: Value 5 not in range")));
}

TEST(ConfigFileTest, SettingsAreLookedAtTogether) {
  const Outcome outcome =
      RunSluiced("worker-cores = [3, 3]\npacket-buffers = 1000000\n", {"--check-config", "FILE"});
  EXPECT_EQ(outcome.line.exit_code, 2);
  EXPECT_THAT(outcome.errors, ElementsAre("worker-cores: CPU 3 is listed twice",
                                          HasSubstr("packet-buffers: 1000000 take 1953 MB")));
}

TEST(ConfigFileTest, AGoodFileIsGoodAndStartsNothing) {
  const Outcome outcome = RunSluiced("memory = 700\n", {"--check-config", "FILE"});
  EXPECT_FALSE(outcome.line.config.has_value());
  EXPECT_EQ(outcome.line.exit_code, 0);
  EXPECT_THAT(outcome.output, ElementsAre(HasSubstr(": good")));
}

TEST(ConfigFileTest, WhatCannotBeReadIsBad) {
  EXPECT_EQ(RunSluiced("", {"--check-config", "/no/such/file"}).line.exit_code, 2);
  EXPECT_EQ(RunSluiced("", {"--check-config", "/"}).line.exit_code, 2);
  EXPECT_EQ(RunSluiced("", {"--config", "/"}).line.exit_code, 2);
}

TEST(ConfigFileTest, WhatIsPrintedSaysTheSameAsAFile) {
  const Outcome first =
      RunSluiced("", {"--worker-cores", "2,3", "--timeout", "reset=1", "--tcp-liberal", "--node",
                      "a b", "--cluster-cidr", "10.0.0.0/8", "--print-config"});
  EXPECT_EQ(first.line.exit_code, 0);
  EXPECT_THAT(first.output, testing::Contains("worker-cores = [2, 3]"));
  std::string text;
  for (const std::string& line : first.output) text += line + "\n";
  EXPECT_EQ(RunSluiced(text, {"--config", "FILE", "--print-config"}).output, first.output);
}

TEST(NearestNameTest, TheFewestLettersWinAndFarIsNone) {
  const std::vector<std::string> names = {"node", "mode", "memory", "listen"};
  EXPECT_EQ(NearestName("memmory", names), "memory");
  EXPECT_EQ(NearestName("moda", names), "mode");
  EXPECT_EQ(NearestName("nodes", names), "node");
  EXPECT_EQ(NearestName("unlisted", names), "");
  EXPECT_EQ(NearestName("", names), "");
}

}  // namespace
}  // namespace sluice::control
