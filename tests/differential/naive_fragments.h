// What RFC 791, RFC 5722 and RFC 8200 say about fragments, in the plainest words: maps and a flag
// for every byte. The twin of dataplane/fragments.h without its bounds on waiting buffers and
// datagrams.
#pragma once

#include <map>
#include <span>
#include <tuple>
#include <vector>

#include "tests/support/fragment_rig.h"

namespace sluice::test {

class NaiveFragments {
 public:
  explicit NaiveFragments(uint32_t timeout_ms) : timeout_ms_(timeout_ms) {}

  // As FragmentRig::Feed, in any order.
  std::vector<FragmentRig::Event> Feed(std::span<const FragmentInput> inputs);
  void Advance(uint32_t ms);

  int waiting() const;
  uint64_t timed_out() const { return timed_out_; }

 private:
  struct Datagram {
    std::vector<dataplane::Fragment> pieces;
    std::vector<bool> covered = std::vector<bool>(65536);
    bool has_first = false;
    uint16_t port = 0;
    dataplane::DropReason doom = dataplane::DropReason::kNone;
    std::vector<unsigned> waiting;
    uint32_t opened_ms = 0;
  };
  using Key = std::tuple<uint32_t, dataplane::PortId, bool>;

  void Take(const FragmentInput& input, unsigned index);
  void EndOfBurst();
  static dataplane::DropReason Check(const Datagram& datagram, const dataplane::Fragment& fragment);
  static bool IsComplete(const Datagram& datagram);

  const uint32_t timeout_ms_;
  uint32_t now_ms_ = 0;
  unsigned next_ = 0;
  uint64_t timed_out_ = 0;
  std::map<Key, Datagram> datagrams_;
  std::vector<FragmentRig::Event> events_;
};

}  // namespace sluice::test
