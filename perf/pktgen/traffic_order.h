// In which order flows send: in turn, by Zipf's law, or a new one every so often.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace sluice::pktgen {

class TrafficOrder {
 public:
  struct Config {
    uint32_t flows = 1;      // those that send over and over
    double zipf = 0;         // the exponent; 0: in turn
    uint32_t new_every = 0;  // every n-th packet is of a flow that has not sent yet; 0: none is
    uint32_t first_new = 0;  // the first of those
    uint32_t new_flows = 0;  // how many there are, before the first one's turn comes again
    uint32_t next_new = 0;   // of those, which one is first
  };

  TrafficOrder(const Config& config, uint64_t seed);

  uint32_t next_new() const { return next_new_; }

  uint32_t Next() {
    if (config_.new_every != 0 && ++since_new_ == config_.new_every) {
      since_new_ = 0;
      const uint32_t flow = config_.first_new + next_new_;
      next_new_ = next_new_ + 1 == config_.new_flows ? 0 : next_new_ + 1;
      return flow;
    }
    if (!drawn_.empty()) return drawn_[next_drawn_++ % drawn_.size()];
    const uint32_t flow = next_;
    next_ = next_ + 1 == config_.flows ? 0 : next_ + 1;
    return flow;
  }

 private:
  static constexpr size_t kDrawn = 1 << 20;  // then they come again

  const Config config_;
  std::vector<uint32_t> drawn_;
  size_t next_drawn_ = 0;
  uint32_t next_ = 0, next_new_, since_new_ = 0;
};

}  // namespace sluice::pktgen
