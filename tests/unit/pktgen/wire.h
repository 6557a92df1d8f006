// One Ethernet segment in memory: host stacks on a hub, a clock that the test steps, and losses.
//
// Every frame is checked on its way: padding-free length, checksums by DPDK's own verifiers. Frames
// travel in zero time, one round of them per step of the clock.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "perf/pktgen/host_stack.h"

namespace sluice::pktgen {

// Fails the test if a checksum of an IP frame does not hold.
void ExpectValidChecksums(Bytes frame);

inline IpAddress Address(const std::string& text) { return IpAddress::Parse(text).value(); }

class Wire {
 public:
  static constexpr uint64_t kStepNs = 1'000'000;
  static constexpr uint64_t kMs = 1'000'000;

  // Host number n has the MAC 02:00:00:00:00:n.
  HostStack& AddHost(const std::string& name, const std::vector<std::string>& addresses) {
    const auto number = static_cast<uint8_t>(hosts_.size() + 1);
    HostConfig config{.name = name, .mac = {{2, 0, 0, 0, 0, number}}};
    for (const std::string& text : addresses) config.addresses.push_back(Address(text));
    const size_t index = hosts_.size();
    const auto sink = [this, index](Bytes frame) { Carry(index, frame); };
    hosts_.push_back(std::make_unique<HostStack>(config, sink, /*seed=*/number));
    return *hosts_.back();
  }

  // Frames for which `lose` says true vanish.
  void LoseIf(std::function<bool(const ParsedFrame&)> lose) { lose_ = std::move(lose); }
  void LoseRandomly(double share, uint64_t seed) {
    auto random = std::make_shared<std::mt19937_64>(seed);
    LoseIf([=](const ParsedFrame&) { return std::bernoulli_distribution(share)(*random); });
  }
  // Sees every frame before it may be lost.
  void Watch(std::function<void(const ParsedFrame&)> watch) { watch_ = std::move(watch); }

  // Steps the clock until `done` holds; false if it does not within `ms`.
  bool RunUntil(const std::function<bool()>& done, uint64_t ms = 10'000) {
    const uint64_t deadline = now_ns_ + ms * kMs;
    while (!done()) {
      if (now_ns_ >= deadline) return false;
      Step();
    }
    return true;
  }
  void Run(uint64_t ms) {
    RunUntil([] { return false; }, ms);
  }
  void Step() {
    now_ns_ += kStepNs;
    for (auto& [from, frame] : std::exchange(flying_, {})) {
      for (size_t i = 0; i < hosts_.size(); ++i) {
        if (i != from) hosts_[i]->Receive(frame, now_ns_);
      }
    }
    for (auto& host : hosts_) host->Tick(now_ns_);
  }
  uint64_t now() const { return now_ns_; }

 private:
  void Carry(size_t from, Bytes frame) {
    ExpectValidChecksums(frame);
    const ParsedFrame parsed = ParseFrame(frame);
    if (watch_) watch_(parsed);
    if (lose_ && lose_(parsed)) return;
    flying_.emplace_back(from, Frame(frame.begin(), frame.end()));
  }

  std::vector<std::unique_ptr<HostStack>> hosts_;
  std::vector<std::pair<size_t, Frame>> flying_;
  std::function<bool(const ParsedFrame&)> lose_;
  std::function<void(const ParsedFrame&)> watch_;
  uint64_t now_ns_ = 1'000'000'000;
};

}  // namespace sluice::pktgen
