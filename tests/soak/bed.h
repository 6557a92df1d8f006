// A whole switch for the soak: the publisher of control/, a Switch with its real workers on their
// own cores, and ring ports. Frames are put in and taken out by the one thread that calls this.
#pragma once

#include <absl/status/status.h>
#include <rte_mempool.h>

#include <memory>
#include <string>
#include <vector>

#include "control/publisher.h"
#include "dataplane/eal.h"
#include "dataplane/switch.h"
#include "tests/soak/wire.h"
#include "tests/soak/world.h"

namespace sluice::soak {

class Bed {
 public:
  // One worker a core. Errors: the EAL's, the Switch's, the Publisher's.
  static absl::StatusOr<std::unique_ptr<Bed>> Create(const std::vector<int>& cores,
                                                     const World& world);
  ~Bed();

  // One command, in force on every worker when it returns.
  absl::Status Execute(control::Command command);

  // Puts `frame` into the ring of port `name`, cut into segments at the offsets `cuts` (ascending).
  // False: the ring is full or buffers are out.
  bool Send(const std::string& name, const Bytes& frame, const std::vector<size_t>& cuts);
  // Waits until the workers have done with all that was sent. Error: they have not within 10 s.
  absl::Status Settle();
  // What came out of port `name` since the last call.
  std::vector<Bytes> Receive(const std::string& name);

  // Of all packet pools there are.
  unsigned BuffersInUse() const;
  // Waits until no buffer is in use; false: not within twice the fragments' time-out.
  bool AllBuffersComeBack() const;
  void LeakOneBuffer();  // what the soak must notice
  dataplane::Switch& data_plane() { return *switch_; }
  std::string Drops() const;  // counters by reason, all ports together

 private:
  Bed() = default;
  bool AllRead() const;

  std::unique_ptr<dataplane::Eal> eal_;
  std::unique_ptr<dataplane::Switch> switch_;
  std::unique_ptr<control::Publisher> publisher_;
  rte_mempool* pool_ = nullptr;
  std::map<std::string, uint64_t> sent_;  // by port, since it was added
};

}  // namespace sluice::soak
