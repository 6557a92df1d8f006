#include "tests/recipes/cluster_bed.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <algorithm>
#include <utility>

namespace sluice::tests {
namespace {

using dataplane::MacAddress;
using dataplane::PortSpec;
using test::Bytes;

constexpr char kSource[] = "recipe";
constexpr char kUplink[] = "uplink";
constexpr char kHost[] = "host";
constexpr MacAddress kRouter{{2, 0, 0, 0, 1, 1}};
constexpr uint32_t kNowMs = 1'000'000;

template <typename T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok()) {
    ADD_FAILURE() << value.status();
    std::abort();
  }
  return *std::move(value);
}

PortSpec RingPort(const std::string& name, dataplane::PortRole role) {
  PortSpec spec;
  spec.name = name;
  spec.kind = dataplane::PortKind::kRing;
  spec.role = role;
  return spec;
}

PortSpec PodPort(const acl::Endpoint& pod, const std::string& network,
                 const std::vector<acl::IpAddress>& addresses) {
  const bool second = network != control::kDefaultNetwork;
  PortSpec spec = RingPort(fmt::format("{}.{}{}", pod.namespace_name, pod.name, second ? ".2" : ""),
                           dataplane::PortRole::kPod);
  spec.network = network;
  spec.pod_namespace = pod.namespace_name;
  spec.pod_name = pod.name;
  spec.addresses = addresses;
  return spec;
}

std::string AddressOf(const std::vector<acl::IpAddress>& addresses, int family) {
  const acl::Family wanted = family == 4 ? acl::Family::kIpv4 : acl::Family::kIpv6;
  const auto found = std::ranges::find(addresses, wanted, &acl::IpAddress::family);
  EXPECT_NE(found, addresses.end()) << "no IPv" << family << " address";
  return found == addresses.end() ? "" : found->ToString();
}

rte_ring* Ring(const PortSpec& spec, bool into_switch) {
  return rte_ring_lookup(dataplane::RingName(spec, into_switch).c_str());
}

}  // namespace

ClusterBed::ClusterBed(const std::vector<control::Object>& cluster)
    : cluster_(cluster),
      pool_(Must(dataplane::PacketPool::Create("recipes", 2047))),
      table_(Must(dataplane::ConnectionTable::Create({.capacity = 1024}, &quiescence_))) {
  AddPorts(cluster);
  Open();
  Apply({});
  worker_ = std::make_unique<dataplane::Worker>(dataplane::WorkerConfig{.attention = &attention_},
                                                &current_, table_.get(), &quiescence_, &tx_ports_,
                                                &claims_);
  table_->SetJournals({&worker_->journal(), &worker_->journal()});
}

ClusterBed::~ClusterBed() {
  for (const auto& [name, spec] : ports().specs()) Received(name);
  worker_.reset();
  EXPECT_EQ(pool_.in_use(), 0u) << "packet buffers were lost";
  devices_.clear();
  for (const auto& [name, spec] : ports().specs()) {
    rte_ring_free(Ring(spec, true));
    rte_ring_free(Ring(spec, false));
  }
}

void ClusterBed::AddPort(PortSpec spec) {
  const auto number = static_cast<uint8_t>(ports().specs().size() + 1);
  if (spec.role != dataplane::PortRole::kUplink) spec.mac = MacAddress{{2, 0, 0, 0, 0, number}};
  const absl::Status added = empty_.ports().Add(spec);
  EXPECT_TRUE(added.ok()) << added;
}

void ClusterBed::AddPorts(const std::vector<control::Object>& cluster) {
  AddPort(RingPort(kUplink, dataplane::PortRole::kUplink));
  for (const control::Object& object : cluster) {
    if (const auto* node = std::get_if<acl::Node>(&object)) {
      if (ports().specs().contains(kHost)) continue;  // another node
      PortSpec host = RingPort(kHost, dataplane::PortRole::kHost);
      host.addresses = node->addresses;
      AddPort(host);
    }
    const auto* pod = std::get_if<acl::Endpoint>(&object);
    if (pod == nullptr) continue;
    AddPort(PodPort(*pod, control::kDefaultNetwork, pod->addresses));
    for (const acl::Attachment& attachment : pod->attachments) {
      if (!ports().networks().contains(attachment.network)) {
        control::NetworkSpec network;
        network.name = attachment.network;
        EXPECT_TRUE(empty_.ports().AddNetwork(network).ok()) << network.name;
      }
      AddPort(PodPort(*pod, attachment.network, attachment.addresses));
    }
  }
}

void ClusterBed::Open() {
  dataplane::PortId id = 1;
  for (const auto& [name, spec] : ports().specs()) {
    const auto& device =
        devices_
            .emplace(name, Must(dataplane::PortDevice::Open(spec, {.pool = pool_.get(),
                                                                   .tx = &tx_ports_.ports[id],
                                                                   .readers = &quiescence_})))
            .first->second;
    places_[name] = {.attached = {.id = id, .io = device.io(), .generation = 1}, .worker = 0};
    ++id;
  }
}

void ClusterBed::Apply(const std::vector<control::Object>& policies) {
  control::DesiredState state = empty_;
  std::vector<control::Candidate> candidates;
  const auto add = [&](const std::vector<control::Object>& objects) {
    for (const control::Object& object : objects) {
      candidates.push_back(control::Candidate::Of(object));
    }
  };
  add(cluster_);
  add(policies);
  const auto applied = state.Apply(kSource, candidates, control::OnRefusal::kRefuseAll);
  EXPECT_TRUE(applied.ok()) << applied.status();
  const auto now = std::make_shared<const control::DesiredState>(std::move(state));
  const auto built = Must(
      control::BuildNetworks({.before = nullptr, .now = now, .touched = {}}, {}, nullptr, {}, {}));
  const dataplane::Snapshot* previous = published_.empty() ? nullptr : published_.back().get();
  published_.push_back(std::make_unique<const dataplane::Snapshot>(
      control::BuildSnapshot(now->ports(), places_, built.builds, built.scope, {}, 1, previous)));
  current_.store(published_.back().get());
}

ClusterBed::End ClusterBed::FindEnd(const std::string& text, const Flow& flow) const {
  const auto address = acl::IpAddress::Parse(text);
  for (const auto& [name, spec] : ports().specs()) {
    if (spec.role == dataplane::PortRole::kUplink || spec.network != flow.row->network) continue;
    if (!address.ok() && text == spec.pod_namespace + "/" + spec.pod_name) {
      return {name, spec.mac, AddressOf(spec.addresses, flow.family)};
    }
    if (address.ok() && std::ranges::count(spec.addresses, *address) > 0) {
      return {name, spec.mac, text};
    }
  }
  EXPECT_TRUE(address.ok()) << text << " is no pod";
  return {kUplink, kRouter, text};
}

// Each flow has source ports, and an echo identifier, of its own.
Bytes ClusterBed::FrameOf(const Flow& flow, const End& from, const End& to, bool reply) const {
  const uint16_t client = next_source_port_;
  const uint16_t source = reply ? flow.row->port : client;
  const uint16_t destination = reply ? client : flow.row->port;
  test::Frame frame;
  frame.Ether(from.mac, to.mac).Ip(from.address, to.address);
  if (flow.row->protocol == "icmp") return frame.Echo(!reply, client).bytes();
  if (flow.row->protocol == "udp") return frame.Udp(source, destination, "recipe").bytes();
  return frame.Tcp(source, destination, test::TcpFlags(reply ? "SA" : "S")).bytes();
}

std::string ClusterBed::TextOf(const char* side, const dataplane::TraceSide& judged,
                               const dataplane::NetworkView& network) const {
  const acl::RuleSource* rule = network.rule_ids->Find(judged.rule);
  if (!judged.judged || rule == nullptr) return "";
  return SideText(side, judged.allow, rule->policies, rule->rule);
}

std::string ClusterBed::Trace(const std::string& port, const Bytes& frame) {
  auto request = std::make_unique<dataplane::TraceRequest>();
  request->port = places_.at(port).attached.id;
  request->generation = places_.at(port).attached.generation;
  request->length = static_cast<uint32_t>(frame.size());
  std::ranges::copy(frame, request->frame.begin());
  dataplane::TraceReport report;
  EXPECT_TRUE(worker_->Trace(*request, kNowMs, report));
  if (!report.judged) return "not judged";
  const dataplane::NetworkView& network = current_.load()->networks.at(report.network);
  return DecidedBy(TextOf("egress", report.egress, network),
                   TextOf("ingress", report.ingress, network));
}

std::vector<Bytes> ClusterBed::Received(const std::string& port) {
  std::vector<Bytes> frames;
  void* object = nullptr;
  while (rte_ring_dequeue(Ring(ports().specs().at(port), false), &object) == 0) {
    auto* mbuf = static_cast<rte_mbuf*>(object);
    frames.push_back(test::Contents(*mbuf));
    rte_pktmbuf_free(mbuf);
  }
  return frames;
}

std::string ClusterBed::Deliver(const std::string& port, const Bytes& frame) {
  told_.clear();
  const auto& specs = ports().specs();
  EXPECT_EQ(rte_ring_enqueue(Ring(specs.at(port), true), test::MakeChain(pool_.get(), frame)), 0);
  quiescence_.GoOnline(0);
  worker_->RunOnce(kNowMs);
  quiescence_.GoOffline(0);
  std::string where;
  for (const auto& [name, spec] : specs) {
    for (const Bytes& got : Received(name)) {
      (got == frame ? where : told_) += name + " ";
    }
  }
  return where;
}

Seen ClusterBed::Try(const Flow& flow) {
  ++next_source_port_;
  const End from = FindEnd(flow.row->from, flow);
  const End to = FindEnd(flow.row->to, flow);
  const Bytes first = FrameOf(flow, from, to, /*reply=*/false);
  Seen seen{.reached = false, .decided_by = Trace(from.port, first)};
  const std::string where = Deliver(from.port, first);
  const std::string expected = flow.row->reaches == "refused" ? from.port + " " : "";
  if (told_ != expected) seen.trouble = "told by the switch: \"" + told_ + "\"";
  if (where.empty()) return seen;
  seen.reached = true;
  if (where != to.port + " ") seen.trouble = "came out of " + where;
  const std::string back = Deliver(to.port, FrameOf(flow, to, from, /*reply=*/true));
  if (back != from.port + " ") seen.trouble = "the answer came out of \"" + back + "\"";
  return seen;
}

}  // namespace sluice::tests
