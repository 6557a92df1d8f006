#include "tests/unit/control/switch_fixture.h"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <vector>

#include "dataplane/eal.h"

namespace sluice::control {
namespace {

// Two CPUs of those this process may use, or the only one.
std::vector<int> WorkerCores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof(allowed), &allowed);
  std::vector<int> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE && cores.size() < 2; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) cores.push_back(cpu);
  }
  return cores;
}

// Read before the EAL pins this thread to one CPU.
const std::vector<int>& Cores() {
  static const std::vector<int> cores = WorkerCores();
  return cores;
}

// The EAL must outlive every trie and packet pool, so it ends with the program's tests.
class EalEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
    dataplane::EalConfig config;
    config.file_prefix = fmt::format("control-test-{}", getpid());
    config.huge_pages = dataplane::HugePages::kOff;
    config.memory_mb = 256;
    config.worker_cores = Cores();
    auto eal = dataplane::Eal::Start(config);
    ASSERT_TRUE(eal.ok()) << eal.status();
    eal_ = *std::move(eal);
  }
  void TearDown() override { eal_.reset(); }

 private:
  std::unique_ptr<dataplane::Eal> eal_;
};

[[maybe_unused]] const auto* const kEnvironment =
    ::testing::AddGlobalTestEnvironment(new EalEnvironment);

}  // namespace

SwitchFixture::SwitchFixture() {
  dataplane::SwitchConfig config;
  config.worker_cores = Cores();
  config.connection_capacity = 1024;
  config.packet_buffers = 4096;
  config.idle_sleep_us = 50;
  auto created = dataplane::Switch::Create(config);
  EXPECT_TRUE(created.ok()) << created.status();
  switch_ = *std::move(created);
}

}  // namespace sluice::control
