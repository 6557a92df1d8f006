#include "control/cni/run_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "control/cni/cni_error.h"
#include "tests/support/temporary_directory.h"

namespace sluice::cni {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::chrono::milliseconds kLong{30'000}, kShort{200};

// What is dead, and nobody has waited for yet, is not.
bool IsAlive(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/stat");
  std::string number, name;
  char state = 'Z';
  if (status >> number >> name) status >> state;
  return state != 'Z' && state != 'X';
}

class RunProgramTest : public ::testing::Test {
 protected:
  // The path of a shell script.
  std::string Script(const std::string& text) {
    const std::string path = directory_ / "script";
    std::ofstream(path) << "#!/bin/sh\n" << text << "\n";
    chmod(path.c_str(), 0755);
    return path;
  }

  const test::TemporaryDirectory directory_;
};

TEST_F(RunProgramTest, ItGetsInputAndEnvironmentAndItsOutputComesBack) {
  const auto output = RunProgram(Script("cat; echo \"$WORD\"; exit 3"), "in ",
                                 {{"WORD", "out"}, {"PATH", "/usr/bin:/bin"}}, kLong);
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_EQ(output->text, "in out\n");
  EXPECT_EQ(output->exit_code, 3);
}

TEST_F(RunProgramTest, InputThatNobodyReadsHoldsNothingUp) {
  const auto output = RunProgram(Script("exit 0"), std::string(1 << 20, 'x'), {}, kLong);
  EXPECT_TRUE(output.ok()) << output.status();
}

TEST_F(RunProgramTest, AHangingOneIsKilledWithItsChildren) {
  const std::string file = directory_ / "pid";
  const auto output = RunProgram(Script("sleep 1000 & echo $! > " + file + "; wait"), "",
                                 {{"PATH", "/usr/bin:/bin"}}, kShort);
  EXPECT_EQ(CodeOf(output.status()), kTryAgain);
  EXPECT_THAT(std::string(output.status().message()), HasSubstr("did not end within 200 ms"));
  pid_t child = 0;
  std::ifstream(file) >> child;
  ASSERT_GT(child, 0);
  const auto deadline = std::chrono::steady_clock::now() + kLong;
  while (IsAlive(child) && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_FALSE(IsAlive(child));
}

TEST_F(RunProgramTest, ItDiesWithItsCaller) {
  const std::string file = directory_ / "pid";
  const std::string script =
      Script("echo $$ > " + file + ".new; mv " + file + ".new " + file + "; exec sleep 1000");
  const pid_t caller = fork();
  if (caller == 0) {
    RunProgram(script, "", {{"PATH", "/usr/bin:/bin"}}, kLong).IgnoreError();
    _exit(0);
  }
  const auto deadline = std::chrono::steady_clock::now() + kLong;
  const auto wait_for = [&](auto condition) {
    while (!condition() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    return condition();
  };
  ASSERT_TRUE(wait_for([&] { return std::filesystem::exists(file); }));
  pid_t program = 0;
  std::ifstream(file) >> program;
  ASSERT_TRUE(IsAlive(program));
  kill(caller, SIGKILL);
  waitpid(caller, nullptr, 0);
  EXPECT_TRUE(wait_for([&] { return !IsAlive(program); }));
}

TEST_F(RunProgramTest, OneThatClosesItsOutputAndHangsIsKilled) {
  const auto output =
      RunProgram(Script("exec >&-; sleep 1000"), "", {{"PATH", "/usr/bin:/bin"}}, kShort);
  EXPECT_EQ(CodeOf(output.status()), kTryAgain);
}

TEST_F(RunProgramTest, AFloodIsCutOff) {
  const auto output = RunProgram(Script("yes"), "", {{"PATH", "/usr/bin:/bin"}}, kLong);
  EXPECT_EQ(CodeOf(output.status()), kIpam);
  EXPECT_THAT(std::string(output.status().message()), HasSubstr("more than 1 MiB"));
}

TEST_F(RunProgramTest, ASignalIsAnExitCode) {
  const auto output = RunProgram(Script("kill -9 $$"), "", {}, kLong);
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_EQ(output->exit_code, 128 + SIGKILL);
}

TEST_F(RunProgramTest, OneThatIsNotThereSaysSo) {
  const auto output = RunProgram("/no/such/program", "", {}, kLong);
  EXPECT_EQ(CodeOf(output.status()), kIo);
  EXPECT_THAT(std::string(output.status().message()), StartsWith("/no/such/program: "));
}

}  // namespace
}  // namespace sluice::cni
