// Grace periods over rte_rcu_qsbr: when has every reader let go of what it saw before?
//
// Readers are the workers (ids 0..N-1), and one slot (id N) for whoever walks tables for people.
// A reader that is offline holds nothing and counts as moved.
#pragma once

#include <cstdint>
#include <memory>

struct rte_rcu_qsbr;

namespace sluice::dataplane {

class Quiescence {
 public:
  explicit Quiescence(unsigned readers);

  void GoOnline(unsigned reader);
  void GoOffline(unsigned reader);
  // The reader holds nothing it has seen before this call.
  void Report(unsigned reader);

  // Starts a grace period; Passed(token) says whether every online reader has reported since.
  uint64_t Start();
  bool Passed(uint64_t token);
  // Blocks until every online reader has reported. Not from a reader that is online.
  void Wait();

 private:
  struct Free {
    void operator()(rte_rcu_qsbr* state) const;
  };
  std::unique_ptr<rte_rcu_qsbr, Free> state_;
};

}  // namespace sluice::dataplane
