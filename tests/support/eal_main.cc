// main() for tests that need an EAL: one per process, unprivileged, without huge pages unless
// SLUICE_HUGE says otherwise.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "dataplane/eal.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  sluice::dataplane::EalConfig config;
  config.file_prefix = "sluice-test-" + std::to_string(getpid());
  config.memory_mb = 256;
  const char* huge = std::getenv("SLUICE_HUGE");
  config.huge_pages = huge != nullptr && std::string_view(huge) == "on"
                          ? sluice::dataplane::HugePages::kOn
                          : sluice::dataplane::HugePages::kOff;
  auto eal = sluice::dataplane::Eal::Start(config);
  if (!eal.ok()) {
    std::cerr << eal.status() << "\n";
    return 1;
  }
  return RUN_ALL_TESTS();
}
