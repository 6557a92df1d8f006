// What became of a captured packet, in words, and the names of the ports that it was seen at.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "control/view.h"
#include "dataplane/captured_packet.h"

namespace sluice::control {

// The switch's ports as a capture's interfaces, numbered in the order in which they became known.
// One that is deleted, or another in its slot, keeps what it had.
class CaptureInterfaces {
 public:
  struct Interface {
    std::string name;         // of the port
    std::string description;  // "pod default/web, network default"
    std::string text;         // "web (default/web)"
    dataplane::PortId id = dataplane::kNoPort;
  };

  // Adds the ports of `view` that are new.
  void Learn(const View& view);
  const std::vector<Interface>& all() const { return all_; }
  // Its number. A port that is not known yet becomes known, by its slot's number alone.
  uint32_t NumberOf(dataplane::PortId id, uint16_t generation);
  // The newest of the slot.
  uint32_t NumberOf(dataplane::PortId id) const { return newest_.at(id); }

 private:
  uint32_t Add(dataplane::PortId id, uint16_t generation, Interface interface);

  std::vector<Interface> all_;
  std::map<std::pair<dataplane::PortId, uint16_t>, uint32_t> numbers_;
  std::map<dataplane::PortId, uint32_t> newest_;
  uint64_t learned_epoch_ = 0;
};

// "forwarded to b (default/b); connection established, sent by its initiator; ingress allow by
// NetworkPolicy default/web ingress[0]", "dropped: policy_ingress (denied by ...), on its way to
// b (default/b); ingress deny by ...".
std::string CommentOf(const dataplane::CapturedPacket& packet, const View& view,
                      CaptureInterfaces& interfaces);

// Of the packet's network; null: it is gone.
const acl::RuleIds* RulesOf(const dataplane::CapturedPacket& packet, const View& view);

}  // namespace sluice::control
