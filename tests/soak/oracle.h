// Holds what came out of the switch against what was put in.
//
// Packets go in in batches, between changes; their order inside a batch is the workers' business,
// so nothing here depends on it. Two kinds of demand:
//   - of every frame that came out: that it was put in, went where it had to, came from whom it
//     says, and that policy allows it as a first packet, as part of a connection that was seen to
//     open, or as an error about one. This needs no word from who made the frame.
//   - of a frame whose maker claims so: that it came out once, or not at all.
#pragma once

#include <chrono>
#include <list>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/soak/wire.h"
#include "tests/soak/world.h"

namespace sluice::soak {

enum class Claim : uint8_t { kNone, kMustPass, kMustNotPass };

struct Sent {
  Place from = 0;
  Bytes frame;
  Claim claim = Claim::kNone;
  // Built by Encode and not touched since: the switch takes it for what it says.
  bool honest = false;
  const char* what = "";  // who made it
};

class Oracle {
 public:
  explicit Oracle(const World& world) : world_(world) {}

  // `received[place]`: what came out there since the last batch. Returns what is wrong, a line a
  // finding; empty if nothing is.
  std::vector<std::string> Check(const std::vector<Sent>& put_in,
                                 const std::vector<std::vector<Bytes>>& received);

  // Later fragments that may wait in the switch for their first.
  size_t waiting() const { return waiting_.size(); }

  uint64_t passed() const { return passed_; }
  uint64_t must_pass() const { return must_pass_; }
  uint64_t must_not_pass() const { return must_not_pass_; }

 private:
  // A tuple that went from place to place, as ports of that time.
  struct Way {
    Place from = 0, to = 0;
    unsigned from_generation = 0, to_generation = 0;
    Tuple tuple;
    auto operator<=>(const Way&) const = default;
  };
  struct Fragments {
    Place from = 0, to = 0;
    IpAddress src, dst;
    uint8_t protocol = 0;
    uint32_t id = 0;
    auto operator<=>(const Fragments&) const = default;
  };
  struct Waiting {
    Sent sent;
    std::chrono::steady_clock::time_point since;
  };
  struct Delivery {
    const Sent* sent;
    Place to;
    Decoded packet;
  };

  Way WayOf(Place from, Place to, const Tuple& tuple) const;
  Place Destination(const Sent& sent, const Decoded& packet) const;
  void Remember(const Sent& sent);
  void RememberLaterFragment(const Sent& sent);
  void Open(Place from, Place to, const Tuple& tuple);
  Fragments FragmentsOf(Place from, Place to, const Decoded& packet) const;
  void KeepWaiting(const std::vector<Sent>& batch, const std::map<const Sent*, unsigned>& copies);
  void Forget(const Way& way);
  void ForgetDenied(const std::vector<Sent>& batch);
  bool Opened(Place from, Place to, const Tuple& tuple) const;
  // Empty if the delivery is right.
  std::string Judge(const Delivery& delivery) const;
  std::string JudgeSource(const Sent& sent, const Decoded& packet) const;
  std::string JudgePolicy(const Delivery& delivery) const;
  bool IsRelated(const Delivery& delivery) const;
  bool BelongsToAFirstFragment(const Delivery& delivery) const;
  std::string Describe(const Sent& sent, const std::string& problem) const;

  const World& world_;
  std::set<Way> opened_, opened_before_;  // of this age and the one before
  // Of each first fragment: whether it may open a connection.
  std::map<Fragments, std::map<Tuple, bool>> first_fragments_;
  std::list<Waiting> waiting_;
  uint64_t passed_ = 0, must_pass_ = 0, must_not_pass_ = 0;
};

}  // namespace sluice::soak
