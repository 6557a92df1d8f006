// A switch with a whole cluster on it, turned by hand: manifests in, packets in, packets out.
//
//   objects --DesiredState--> BuildNetworks --> BuildSnapshot --> a Worker on ring ports
//
// All of it production code. Every pod has a port on each network that it has addresses on, and is
// on this node: the first one of the manifests, whose addresses are the host port's. Whatever else
// has an address is behind the uplink of `default`.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "control/desired_state.h"
#include "control/network_build.h"
#include "control/snapshot_builder.h"
#include "dataplane/connection_table.h"
#include "dataplane/packet_pool.h"
#include "dataplane/port_device.h"
#include "dataplane/quiescence.h"
#include "dataplane/worker.h"
#include "tests/recipes/recipe.h"
#include "tests/support/frame.h"
#include "tests/support/testbed.h"

namespace sluice::tests {

class ClusterBed {
 public:
  // `cluster` has the pods and nodes.
  explicit ClusterBed(const std::vector<control::Object>& cluster);
  ~ClusterBed();

  // Puts `policies` in force in place of the ones before.
  void Apply(const std::vector<control::Object>& policies);

  // The first packet of `flow`, and an answer if it arrives: whether it did, at its receiver and
  // nowhere else, and the policies that a trace of it names. The answer has to arrive too. Who sent
  // it is told something by the switch where the table says `refused`, and only there.
  Seen Try(const Flow& flow);

 private:
  // One end of a flow: the port that leads there, and who is behind it.
  struct End {
    std::string port;
    dataplane::MacAddress mac;
    std::string address;
  };

  const control::PortTable& ports() const { return empty_.ports(); }
  void AddPorts(const std::vector<control::Object>& cluster);
  void AddPort(dataplane::PortSpec spec);
  void Open();
  End FindEnd(const std::string& text, const Flow& flow) const;
  test::Bytes FrameOf(const Flow& flow, const End& from, const End& to, bool reply) const;
  std::string Trace(const std::string& port, const test::Bytes& frame);
  std::string TextOf(const char* side, const dataplane::TraceSide& judged,
                     const dataplane::NetworkView& network) const;
  // The ports that a frame came out of after `port` received it, each with a blank behind it. What
  // else came out, and where, is then in told_.
  std::string Deliver(const std::string& port, const test::Bytes& frame);
  std::vector<test::Bytes> Received(const std::string& port);

  std::vector<control::Object> cluster_;
  control::DesiredState empty_;  // ports and networks
  dataplane::PacketPool pool_;
  dataplane::TxPorts tx_ports_;  // outlives the devices
  std::map<std::string, dataplane::PortDevice> devices_;
  control::PortPlaces places_;
  dataplane::Quiescence quiescence_{2};
  std::unique_ptr<dataplane::ConnectionTable> table_;
  std::vector<std::unique_ptr<const dataplane::Snapshot>> published_;
  std::atomic<const dataplane::Snapshot*> current_{nullptr};
  std::atomic<uint32_t> attention_{0};
  dataplane::PollClaims claims_;
  std::unique_ptr<dataplane::Worker> worker_;
  uint16_t next_source_port_ = 20000;
  std::string told_;
};

}  // namespace sluice::tests
