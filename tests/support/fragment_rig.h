// The fragment stage alone, turned by hand: fragments as values in, what became of each out.
//
// Stands in for the other stages; its policy admits even ports. Buffers are heap blocks with a
// second reference, so that nothing frees them and each free can be counted.
#pragma once

#include <rte_mbuf.h>

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/fragments.h"

namespace sluice::test {

struct FragmentInput {
  dataplane::Fragment fragment;
  uint16_t port = 0;  // the first one's destination port; a later one's is 0
  dataplane::PortId out_port = 2;
  bool flood = false;
};
inline bool IsAllowed(uint16_t port) { return port % 2 == 0; }

class FragmentRig {
 public:
  static constexpr dataplane::PortId kIn = 1;

  // What became of one input; those that wait are in no event yet.
  struct Event {
    unsigned input = 0;                                         // counted from the rig's first one
    dataplane::DropReason drop = dataplane::DropReason::kNone;  // kNone: it went on
    uint16_t port = 0;  // the destination port it went on with
    bool operator==(const Event&) const = default;
  };

  explicit FragmentRig(const dataplane::FragmentConfig& config)
      : tally_(std::make_unique<dataplane::Tally>()),
        stage_(std::make_unique<dataplane::Fragments>(config, tally_.get())) {
    snapshot_.ports.resize(4);
    for (auto& port : snapshot_.ports) {
      port.in_use = true;
      port.generation = 1;
    }
    burst_.in_port = kIn;
  }
  ~FragmentRig() { stage_.reset(); }

  // One burst, and all that it releases. At most kBurstSize.
  std::vector<Event> Feed(std::span<const FragmentInput> inputs) {
    std::vector<rte_mbuf*> mbufs;
    for (const FragmentInput& input : inputs) mbufs.push_back(NewMbuf(input));
    std::vector<Event> events;
    for (std::span<rte_mbuf*> turn = mbufs; !turn.empty(); turn = stage_->Release(burst_)) {
      Run(turn, events);
    }
    return events;
  }

  void Advance(uint32_t ms) {
    burst_.now_ms += ms;
    stage_->Age(snapshot_, burst_.now_ms);
  }
  // Another pod in the port's slot.
  void Replace() {
    ++snapshot_.ports[kIn].generation;
    stage_->Age(snapshot_, burst_.now_ms);
  }
  // Frees what waits.
  void Stop() { stage_.reset(); }

  // References that nobody gave back: inputs that wait. One that was given back twice makes -1.
  int Waiting() const {
    int waiting = 0;
    for (const auto& [mbuf, input] : known_) waiting += rte_mbuf_refcnt_read(mbuf) - 1;
    return waiting;
  }
  bool GivenBackTwice() const {
    for (const auto& [mbuf, input] : known_) {
      if (rte_mbuf_refcnt_read(mbuf) == 0) return true;
    }
    return false;
  }
  uint64_t Drops(dataplane::DropReason reason) const {
    return tally_->ports[kIn].drops[static_cast<size_t>(reason)].Read();
  }

 private:
  rte_mbuf* NewMbuf(const FragmentInput& input) {
    mbufs_.push_back(std::make_unique<rte_mbuf>());
    rte_mbuf* mbuf = mbufs_.back().get();
    mbuf->nb_segs = 1;
    rte_mbuf_refcnt_set(mbuf, 2);
    known_[mbuf] = {input, static_cast<unsigned>(mbufs_.size() - 1)};
    return mbuf;
  }

  // As parse and forward leave it.
  dataplane::Packet PacketOf(rte_mbuf* mbuf) const {
    const FragmentInput& input = known_.at(mbuf).first;
    dataplane::Packet packet;
    packet.mbuf = mbuf;
    packet.kind = dataplane::PacketKind::kTracked;
    packet.protocol = 17;
    packet.fragment = input.fragment;
    packet.out_port = input.flood ? dataplane::kNoPort : input.out_port;
    packet.flood = input.flood;
    if (input.fragment.first()) packet.dst_port = input.port;
    return packet;
  }

  void Run(std::span<rte_mbuf*> mbufs, std::vector<Event>& events) {
    burst_.snapshot = &snapshot_;
    burst_.in = &snapshot_.ports[kIn];
    burst_.has_fragments = true;
    burst_.count = 0;
    for (rte_mbuf* mbuf : mbufs) burst_.packets[burst_.count++] = PacketOf(mbuf);
    stage_->Join(burst_);
    for (dataplane::Packet& packet : burst_.all()) {
      const unsigned index = known_.at(packet.mbuf).second;
      if (packet.alive() && !IsAllowed(packet.dst_port)) {
        packet.drop = dataplane::DropReason::kPolicyIngress;
      }
      events.push_back({index, packet.drop, packet.alive() ? packet.dst_port : uint16_t{0}});
      rte_mbuf_refcnt_update(packet.mbuf, -1);
      packet.mbuf = nullptr;
    }
  }

  std::unique_ptr<dataplane::Tally> tally_;
  std::unique_ptr<dataplane::Fragments> stage_;
  dataplane::Snapshot snapshot_;
  dataplane::Burst burst_;
  std::vector<std::unique_ptr<rte_mbuf>> mbufs_;
  std::map<rte_mbuf*, std::pair<FragmentInput, unsigned>> known_;
};

}  // namespace sluice::test
