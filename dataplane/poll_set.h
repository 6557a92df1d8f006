// Which of a worker's ports a turn looks at.
//
// A look that finds nothing costs what a packet does, and on a node with many ports most would find
// nothing. So a vhost-user port that was silent for long is quiet (others would lose what comes in
// between): while others have packets, quiet ports take turns, a look for every so
// many packets. A turn that found nothing is followed by one that looks at all of them, so a worker
// that is not loaded looks everywhere all the time.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/snapshot.h"

namespace sluice::dataplane {

class PollSet {
 public:
  static constexpr uint8_t kQuietAfter = 64;  // looks in a row that found nothing

  // `packets_per_look`: of the turn before, for one look at a quiet port; 0: no port is ever quiet.
  explicit PollSet(unsigned packets_per_look) : packets_per_look_(packets_per_look) {
    busy_.reserve(kMaxPorts);
    quiet_.reserve(kMaxPorts);
  }

  // Takes over what `worker` polls under `snapshot`, if that is not the last one.
  void Follow(const Snapshot& snapshot, unsigned worker);

  // The worker polls nothing.
  bool empty() const { return busy_.empty() && quiet_.empty(); }

  // Calls `look` with one port after the other: it returns how many packets it found. True if it
  // found any.
  template <typename Look>
  bool Turn(Look look) {
    unsigned packets = 0;
    for (size_t looks = QuietLooks(); looks > 0; --looks) {
      next_quiet_ = next_quiet_ < quiet_.size() ? next_quiet_ : 0;
      const PortId port = quiet_[next_quiet_];
      const unsigned found = look(port);
      packets += found;
      if (found == 0) {
        ++next_quiet_;
      } else {
        empty_looks_[port] = 0;
        Move(quiet_, next_quiet_, busy_);  // and is looked at once more below
      }
    }
    for (size_t i = 0; i < busy_.size();) {
      const unsigned found = look(busy_[i]);
      packets += found;
      if (BecomesQuiet(busy_[i], found)) {
        Move(busy_, i, quiet_);
      } else {
        ++i;
      }
    }
    last_packets_ = packets;
    return packets > 0;
  }

 private:
  bool BecomesQuiet(PortId port, unsigned found) {
    uint8_t& empty = empty_looks_[port];
    const bool never = packets_per_look_ == 0 || !may_be_quiet_[port];
    empty = found > 0 || never ? uint8_t{0} : static_cast<uint8_t>(empty + 1);
    return empty == kQuietAfter;
  }
  size_t QuietLooks() const {
    if (quiet_.empty() || last_packets_ == 0) return quiet_.size();
    return std::min<size_t>(quiet_.size(), std::max(1u, last_packets_ / packets_per_look_));
  }
  static void Move(std::vector<PortId>& from, size_t index, std::vector<PortId>& to) {
    to.push_back(from[index]);
    from[index] = from.back();
    from.pop_back();
  }

  const unsigned packets_per_look_;
  const Snapshot* followed_ = nullptr;
  uint64_t epoch_ = 0;
  std::vector<PortId> busy_, quiet_;
  std::array<uint8_t, kMaxPorts> empty_looks_{};  // in a row, up to kQuietAfter
  std::array<bool, kMaxPorts> may_be_quiet_{};
  size_t next_quiet_ = 0;
  unsigned last_packets_ = 0;  // that the last turn found
};

}  // namespace sluice::dataplane
