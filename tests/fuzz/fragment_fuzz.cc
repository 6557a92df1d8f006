// The fragment stage on what pods send: any fragments, in any order, with time and port changes
// between. No buffer is lost or given back twice, and none passes by other ports than those of a
// first fragment that was allowed.
//
// Six bytes a step: command, identification, place (2), length, port.
#include <cstdint>
#include <cstdlib>
#include <set>

#include "tests/support/fragment_rig.h"

namespace {

using sluice::dataplane::DropReason;
using sluice::dataplane::kBurstSize;
using sluice::test::FragmentInput;
using sluice::test::FragmentRig;
using sluice::test::IsAllowed;

constexpr size_t kStep = 6;
constexpr int kHeld = 16;

void Require(bool holds) {
  if (!holds) std::abort();
}

FragmentInput InputOf(const uint8_t* step) {
  FragmentInput input;
  input.fragment.identification = step[1] % 8;
  input.fragment.offset = static_cast<uint16_t>((step[2] << 8 | step[3]) & 0xfff8);
  input.fragment.length = static_cast<uint16_t>(step[4] == 0 ? 1448 : step[4] * 8);
  input.fragment.more = (step[0] & 1) != 0;
  input.flood = (step[0] & 2) != 0;
  input.out_port = (step[0] & 4) != 0 ? 3 : 2;
  input.port = step[5];
  return input;
}

class Session {
 public:
  void Step(const uint8_t* step) {
    switch (step[0] >> 5) {
      case 7:
        Flush();
        rig_.Advance(step[1] * 4u);
        break;
      case 6:
        Flush();
        if (step[1] == 0) rig_.Replace();
        break;
      case 5:
        Flush();
        break;
      default:
        Add(InputOf(step));
    }
  }

  void Finish() {
    Flush();
    rig_.Stop();
    Require(rig_.Waiting() == 0);
  }

 private:
  void Add(const FragmentInput& input) {
    const bool atomic = input.fragment.offset == 0 && !input.fragment.more;
    if (atomic || input.fragment.offset + uint32_t{input.fragment.length} > 65535) return;
    if (input.fragment.first() && IsAllowed(input.port)) allowed_.insert(input.port);
    burst_.push_back(input);
    if (burst_.size() == kBurstSize) Flush();
  }

  void Flush() {
    if (burst_.empty()) return;
    for (const FragmentRig::Event& event : rig_.Feed(burst_)) {
      if (event.drop == DropReason::kNone) Require(allowed_.contains(event.port));
    }
    burst_.clear();
    Require(!rig_.GivenBackTwice());
    Require(rig_.Waiting() <= kHeld);
  }

  FragmentRig rig_{{.timeout_ms = 1000, .held_segments = kHeld}};
  std::vector<FragmentInput> burst_;
  std::set<uint16_t> allowed_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Session one;
  for (size_t at = 0; at + kStep <= size && at < 600 * kStep; at += kStep) one.Step(data + at);
  one.Finish();
  return 0;
}
