// How many cycles each stage of the pipeline takes: sampled, and only while somebody watches.
#pragma once

#include <array>

#include "dataplane/tally.h"
#include "dataplane/trace.h"

namespace sluice::dataplane {

struct StageTally {
  static constexpr unsigned kSampleEvery = 16;  // bursts

  Counter packets;  // of sampled bursts
  std::array<Counter, kStageCount> cycles;
};

}  // namespace sluice::dataplane
