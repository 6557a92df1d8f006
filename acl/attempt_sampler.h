// Attempts between pods and addresses, drawn at random: most lie at or just past the edge of what
// some rule names.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <cstdint>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "acl/evaluator.h"
#include "acl/policy_input.h"
#include "acl/rule_hints.h"

namespace sluice::acl {

// The same seed draws the same attempts of the same input. One thread.
class AttemptSampler {
 public:
  // `input` outlives it.
  AttemptSampler(const PolicyInput& input, uint64_t seed);

  // Whether there is a local pod with an address that no other pod claims.
  bool CanDraw() const { return !pods_.empty(); }

  // One that was not drawn before; to other ports there are always more of them. CanDraw(). At
  // least one end is a local pod; addresses that two pods claim are left out: whose one is depends
  // on more than the objects say.
  RawFlow Draw();

 private:
  // An address with whoever it is of, as a flow's end.
  struct Place {
    const Endpoint* pod = nullptr;  // null: nobody's, or not a subject
    IpAddress address;
  };
  using Key = std::tuple<const Endpoint*, IpAddress, const Endpoint*, IpAddress, uint8_t, uint16_t>;

  void AddEndpoints(const PolicyInput& input);
  void AddPeer(const Place& peer);
  Place PlaceAt(const IpAddress& address) const;
  bool Chance(unsigned percent) { return random_() % 100 < percent; }
  const Place& Pick(const std::vector<Place>& places) { return places[random_() % places.size()]; }
  Place DrawPod(const Hint* hint);
  Place DrawPeer(const Hint* hint, Family family);
  Service AnyService();
  Service DrawService(const Hint* hint);
  RawFlow DrawFlow();

  std::mt19937_64 random_;
  std::vector<Hint> hints_;
  absl::flat_hash_map<IpAddress, const Endpoint*> owners_;  // null: not a subject here
  absl::flat_hash_set<IpAddress> contested_;
  ByFamily<Place> peers_;
  std::vector<Place> pods_;
  absl::flat_hash_map<std::string, std::vector<Place>> in_namespace_;  // pods_
  absl::flat_hash_set<Key> drawn_;
};

}  // namespace sluice::acl
