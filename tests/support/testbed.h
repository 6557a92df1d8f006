// A whole switch on ring ports, turned by hand: packets in, packets and drops out.
//
// Real pipeline, real ring devices, real tries; no thread and no clock of its own. Pods are named
// "a", "b", ...: pod n has MAC 02:00:00:00:00:0n, 10.0.0.n and fd00::n, in namespace "default" with
// the label name=<its name>. Capital letters are the pods of a second network, "blue": pod 'A' has
// 'a''s MAC and addresses there, and no policy acts on it. Workers are turned by Turn(); two
// workers poll alternate ports.
#pragma once

#include <rte_mempool.h>

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "acl/compiler.h"
#include "dataplane/connection_table.h"
#include "dataplane/learned_macs.h"
#include "dataplane/packet_pool.h"
#include "dataplane/port_device.h"
#include "dataplane/quiescence.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"
#include "tests/support/frame.h"

namespace sluice::test {

using Bytes = std::vector<uint8_t>;

struct TestbedConfig {
  std::string pods = "ab";
  std::string blue_pods;   // of the network "blue": capital letters
  bool uplink = false;     // a port named "u" without subject
  bool host = false;       // default's host port, "h": as a pod of the number 254, no subject
  uint16_t vlan = 0;       // of default on the uplink
  uint16_t blue_vlan = 0;  // of blue on the uplink; 0: blue has no uplink
  unsigned workers = 1;
  uint32_t connections = 1024;
  // These pods are on vhost-server ports; the peers are the test's (virtio_peer.h).
  std::string vhost;
  uint8_t queues = 1;        // of vhost ports
  unsigned port_share = 50;  // percent
  std::string connection_file;
  dataplane::Tracking tracking;
  dataplane::FragmentConfig fragments = {};
  dataplane::RejectConfig reject = {};
  dataplane::InspectConfig inspect = {};
};

// What a frame's sender left undone, as the vhost library reports it.
struct Undone {
  bool checksum = false;
  uint16_t segment = 0;  // payload bytes a piece; 0: not to be cut
};

// As it came out of a port, with what is still to be done by the peer.
struct Received {
  Bytes frame;
  Undone undone;
};

// A packet as a chain of the pool's buffers; null if there are not enough. And back.
rte_mbuf* MakeChain(rte_mempool* pool, const Bytes& frame);
Bytes Contents(const rte_mbuf& mbuf);

class Testbed {
 public:
  explicit Testbed(const TestbedConfig& config = {});
  ~Testbed();

  // Policies in force from the next turn on. Every pod is local unless `unknown` was called for it.
  void Apply(std::vector<acl::NetworkPolicy> policies);
  // SluicePolicies beside these.
  void ApplySluice(std::vector<acl::SluicePolicy> policies);
  void ApplyBlue(std::vector<acl::NetworkPolicy> policies);  // to the network blue
  // What the policy default/`name` denies is answered, as long as it is in force.
  void Reject(const std::string& name);
  // Policies beside those in force, whose verdicts are only counted. Of names of their own.
  void Audit(std::vector<acl::NetworkPolicy> policies);
  // As after an edit: `pods` are judged by an overlay with the policies that Apply brings, all
  // others by a base that was made of `before`.
  void Overlay(const std::string& pods, std::vector<acl::NetworkPolicy> before);
  void ForgetLabels(char pod);  // its endpoint becomes unknown: the port is shut
  void SetGuard(char pod, bool guard);
  void SetMode(dataplane::Mode mode);
  void Replace(char pod);                // another pod in the same slot: next generation
  void MoveMac(char pod, char to_port);  // the MAC table sends pod's frames elsewhere
  // What a pod may use beside its own; the network default's settings.
  void Allow(char pod, const std::string& allowed);
  void SetDhcp(bool allowed);
  void AddRouter(const dataplane::MacAddress& mac);
  void Unplug(char pod);  // its port leaves the snapshots
  void Plug(char pod);
  void SetOwnNode(bool admitted);  // whether the host port's own addresses pass ingress policy

  // Puts one frame into `port`; it is read at the next Turn.
  void Send(char port, const Bytes& frame);
  void SendSegments(char port, const Bytes& frame, size_t first_segment);  // two-segment mbuf
  // In buffers of 2 KiB, as large frames come.
  void SendUndone(char port, const Bytes& frame, const Undone& undone);
  // As from a device that took off the tag, or both tags of which it was the inner one.
  void SendStripped(char port, const Bytes& frame, uint16_t tag, bool of_two);
  // Every worker once.
  void Turn();
  // From now on workers tell events; Events takes what they told since the last call.
  void Watch(bool on = true) { attention_ = on ? dataplane::kWatchEvents : 0u; }
  std::vector<dataplane::ConnectionEvent> Events();
  // From now on copies of packets go to `capture`, which outlives the next turn; null: to nobody.
  void ShowTo(dataplane::Capture* capture) { capture_ = capture; }
  // What a trace of the frame says, by the worker that polls the port.
  dataplane::TraceReport Trace(char port, const Bytes& frame);
  // Frames that came out of `port` since the last call.
  std::vector<Bytes> Received(char port);
  std::vector<struct Received> ReceivedUndone(char port);
  std::string Socket(char pod) const { return specs_.at(pod).path; }
  // Turns until `condition` holds or two seconds have passed: the vhost library has its own thread.
  bool TurnUntil(const std::function<bool()>& condition);
  // What the peer of `port` takes undone: bits of dataplane::Offload. At first nothing.
  void SetTakes(char port, dataplane::Offloads takes);
  const dataplane::TxPort& Tx(char port) const { return tx_ports_.ports[IdOf(port)]; }
  void SetMtu(char port, uint16_t mtu);

  // Send, Turn, and where it came out, which a trace must have foretold: the letters of the ports,
  // sorted; "" if nowhere.
  std::string Deliver(char port, const Bytes& frame);

  uint64_t Drops(char port, dataplane::DropReason reason) const;
  uint64_t Answered(char port) const;  // rejected packets whose sender was told
  uint64_t Drops(char port) const;     // of all reasons
  dataplane::DropReason LastDrop(char port, const Bytes& frame);  // sends it; kNone if it passed
  uint32_t connections() const { return table_->size(); }
  dataplane::ConnectionTable& table() { return *table_; }
  dataplane::Snapshot& next() { return *staged_; }  // edit, then Publish()
  void Publish();
  // In the next snapshot `port` is mirror `number`. Who is mirrored to it is for the caller to add.
  void MakeMirror(char port, size_t number);
  void Advance(uint32_t ms) { now_ms_ += ms; }
  unsigned BuffersInUse() const;
  void Starve(unsigned leave);  // takes all packet buffers but these
  void Feed();                  // gives them back
  const dataplane::Journal& journal(unsigned worker) const { return workers_[worker]->journal(); }
  const acl::RuleIds& rule_ids(const std::string& network = "default") const {
    return *rule_ids_.at(network);
  }
  const acl::RuleIds& audit_rule_ids() const { return *audit_rule_ids_; }
  dataplane::PortId id(char port) const { return ids_.at(port); }
  const dataplane::PortView& view(char port) const {  // in force
    return current_.load()->ports[ids_.at(port)];
  }
  bool Has(char port) const { return ids_.contains(port); }
  const dataplane::Tally& tally(unsigned worker) const { return workers_[worker]->tally(); }

  static dataplane::MacAddress Mac(char pod);
  static std::string V4(char pod);
  static std::string V6(char pod);

  // Frames between two pods, headers right.
  static Frame From(char from, char to);  // Ether + Ip v4
  static Frame From6(char from, char to);

 private:
  dataplane::PortId IdOf(char port) const { return ids_.at(port); }
  void Enqueue(char port, rte_mbuf* mbuf);
  void Stage();
  dataplane::PortView ViewOf(char port);
  void StageNetwork(const std::string& name, const std::string& pods,
                    const std::vector<acl::NetworkPolicy>& policies);
  // Every pod of `pods` local, under these policies.
  acl::PolicyInput InputOf(const std::string& pods,
                           const std::vector<acl::NetworkPolicy>& policies) const;
  void StageLayer(dataplane::NetworkView& network, dataplane::Layer number,
                  const acl::PolicyInput& input, bool audits);
  void Reject(acl::RuleTable& table) const;
  void Join(dataplane::NetworkView& network, char port);
  using DropCounts = std::array<uint64_t, dataplane::kDropReasonCount>;
  DropCounts DropsByReason(char port) const;
  void CheckTrace(const dataplane::TraceReport& traced, const std::string& where,
                  dataplane::DropReason died_of) const;

  TestbedConfig config_;
  std::string directory_;  // of sockets
  dataplane::PacketPool pool_, pieces_;
  dataplane::TxPorts tx_ports_;  // outlives the devices
  std::map<char, dataplane::PortSpec> specs_;
  std::map<char, dataplane::PortId> ids_;
  std::map<dataplane::PortId, dataplane::PortDevice> devices_;
  std::map<char, uint16_t> generations_;
  std::map<char, bool> known_, guarded_;
  std::map<char, char> moved_macs_;
  std::map<char, uint16_t> mtus_;
  std::vector<acl::NetworkPolicy> policies_;
  std::vector<acl::SluicePolicy> sluice_policies_;
  std::vector<acl::NetworkPolicy> blue_policies_;
  std::string overlaid_;                            // pods
  std::vector<acl::NetworkPolicy> stale_policies_;  // the base's, if some are overlaid
  std::map<std::string, std::shared_ptr<const acl::RuleIds>> rule_ids_;  // by network
  std::set<std::string> rejecting_;                                      // as rules name policies
  std::vector<acl::NetworkPolicy> audited_;                              // of the network default
  std::shared_ptr<const acl::RuleIds> audit_rule_ids_;
  dataplane::Quiescence quiescence_;
  std::unique_ptr<dataplane::ConnectionTable> table_;
  std::unique_ptr<dataplane::Snapshot> staged_;
  std::vector<std::unique_ptr<const dataplane::Snapshot>> published_;
  std::atomic<const dataplane::Snapshot*> current_{nullptr};
  dataplane::PollClaims claims_;
  std::vector<std::unique_ptr<dataplane::Worker>> workers_;
  bool own_node_admitted_ = true;
  std::map<char, std::vector<dataplane::AllowedAddress>> allowed_;
  bool allow_dhcp_ = false;
  std::vector<dataplane::MacAddress> routers_;
  std::set<char> unplugged_;
  std::map<std::string, std::shared_ptr<dataplane::LearnedMacs>> learned_;
  std::vector<rte_mbuf*> starved_;
  std::atomic<uint32_t> attention_{0};
  std::atomic<dataplane::Capture*> capture_{nullptr};
  dataplane::Mode mode_ = dataplane::Mode::kEnforce;
  uint32_t verdict_epoch_ = 0;
  uint32_t now_ms_ = 1'000'000;
};

// Selects pods by name; every direction listed is isolated.
acl::NetworkPolicy Isolate(const std::string& name, const std::string& pod_name,
                           std::vector<std::string> types);
// An ingress or egress rule that admits the pod `peer` (empty: everyone) on a protocol and port
// (0: all ports; empty protocol: everything).
acl::NetworkPolicyRule Admit(const std::string& peer, const std::string& protocol = "",
                             int64_t port = 0);

}  // namespace sluice::test
