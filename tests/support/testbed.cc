#include "tests/support/testbed.h"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <filesystem>

namespace sluice::test {

using dataplane::DropReason;
using dataplane::PortId;
using dataplane::PortView;
using dataplane::SubjectState;

namespace {

template <typename T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok()) {
    ADD_FAILURE() << value.status();
    std::abort();
  }
  return *std::move(value);
}

constexpr uint32_t kMacAgeMs = 300'000;

unsigned Number(char pod) {
  if (pod == 'h') return 254;
  return static_cast<unsigned>(std::tolower(pod) - 'a') + 1;
}

bool IsBlue(char port) { return std::isupper(port) != 0; }

dataplane::PortRole RoleOf(char port) {
  if (port == 'u') return dataplane::PortRole::kUplink;
  return port == 'h' ? dataplane::PortRole::kHost : dataplane::PortRole::kPod;
}

std::string MakeDirectory() {
  std::string directory = testing::TempDir() + "sluice-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) std::abort();
  return directory;
}

std::string NameOf(const std::string& policy) { return "NetworkPolicy default/" + policy; }

// As if the policy were not there: what only it says goes, what others say too is theirs.
void Forget(const std::string& policy, acl::RuleTable& table) {
  std::erase_if(table.rules, [&](const acl::FlatRule& rule) {
    return table.sources[rule.source].policies == std::vector{policy};
  });
  for (acl::RuleSource& source : table.sources) {
    if (source.policies.size() > 1) std::erase(source.policies, policy);
  }
}

std::string Unique(const std::string& name) {
  static unsigned next = 0;
  return fmt::format("{}{}", name, next++);
}

}  // namespace

dataplane::MacAddress Testbed::Mac(char pod) {
  return {{2, 0, 0, 0, 0, static_cast<uint8_t>(Number(pod))}};
}
std::string Testbed::V4(char pod) { return fmt::format("10.0.0.{}", Number(pod)); }
std::string Testbed::V6(char pod) { return fmt::format("fd00::{:x}", Number(pod)); }

Frame Testbed::From(char from, char to) {
  return Frame().Ether(Mac(from), Mac(to)).Ip(V4(from), V4(to));
}
Frame Testbed::From6(char from, char to) {
  return Frame().Ether(Mac(from), Mac(to)).Ip(V6(from), V6(to));
}

Testbed::Testbed(const TestbedConfig& config)
    : config_(config),
      pool_(Must(dataplane::PacketPool::Create(Unique("pool"), 4095))),
      pieces_(Must(dataplane::PacketPool::Create(Unique("pieces"), 1023))),
      quiescence_(config.workers + 1),
      table_(Must(dataplane::ConnectionTable::Create({.capacity = config.connections,
                                                      .workers = config.workers,
                                                      .port_share = config.port_share,
                                                      .file = config.connection_file,
                                                      .tracking = config.tracking},
                                                     &quiescence_))) {
  std::string ports = config.pods + config.blue_pods;
  if (config.uplink) ports += 'u';
  if (config.host) ports += 'h';
  PortId next = 1;
  for (const char port : ports) {
    dataplane::PortSpec spec;
    spec.name = Unique(std::string(1, port));
    spec.kind = dataplane::PortKind::kRing;
    if (config.vhost.find(port) != std::string::npos) {
      if (directory_.empty()) directory_ = MakeDirectory();
      spec.kind = dataplane::PortKind::kVhostServer;
      spec.path = directory_ + "/" + spec.name;
      spec.queues = config.queues;
    }
    spec.role = RoleOf(port);
    specs_[port] = spec;
    ids_[port] = next;
    devices_.emplace(
        next,
        Must(dataplane::PortDevice::Open(
            spec, {.pool = pool_.get(), .tx = &tx_ports_.ports[next], .readers = &quiescence_})));
    ++next;
    generations_[port] = 1;
    known_[port] = guarded_[port] = true;
  }
  tx_ports_.pieces = pieces_.get();
  tx_ports_.mirrored = pieces_.get();
  Stage();
  Publish();
  for (unsigned index = 0; index < config.workers; ++index) {
    workers_.push_back(std::make_unique<dataplane::Worker>(
        dataplane::WorkerConfig{.index = index,
                                .packets_per_quiet_look = 0,
                                .fragments = config.fragments,
                                .attention = &attention_,
                                .reject = config.reject,
                                .inspect = config.inspect,
                                .capture = &capture_},
        &current_, table_.get(), &quiescence_, &tx_ports_, &claims_));
  }
  std::vector<dataplane::Journal*> journals;
  for (const auto& worker : workers_) journals.push_back(&worker->journal());
  table_->SetJournals(std::move(journals));
}

Testbed::~Testbed() {
  Feed();
  for (const auto& [port, spec] : specs_) Received(port);
  workers_.clear();  // frees the fragments that wait
  EXPECT_EQ(BuffersInUse(), 0u) << "packet buffers were lost";
  devices_.clear();
  for (const auto& [port, spec] : specs_) {
    rte_ring_free(rte_ring_lookup(dataplane::RingName(spec, true).c_str()));
    rte_ring_free(rte_ring_lookup(dataplane::RingName(spec, false).c_str()));
  }
  std::error_code ignored;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

void Testbed::Stage() {
  staged_ = std::make_unique<dataplane::Snapshot>();
  staged_->verdict_epoch = ++verdict_epoch_;
  staged_->everything_epoch = verdict_epoch_;
  staged_->epoch = verdict_epoch_;
  staged_->mode = mode_;
  staged_->ports.resize(ids_.size() + 1);
  staged_->polled.resize(config_.workers);
  for (const auto& [port, id] : ids_) {
    if (unplugged_.contains(port)) continue;
    staged_->ports[id] = ViewOf(port);
    staged_->polled[id % config_.workers].push_back(id);
  }
  StageNetwork("default", config_.pods, policies_);
  if (!config_.blue_pods.empty()) StageNetwork("blue", config_.blue_pods, blue_policies_);
}

PortView Testbed::ViewOf(char port) {
  PortView view;
  view.in_use = true;
  view.io = devices_.at(ids_.at(port)).io();
  view.generation = generations_[port];
  view.name = specs_[port].name;
  view.role = specs_[port].role;
  view.network = IsBlue(port) ? 1 : 0;
  view.guard = port == 'u' ? false : guarded_[port];
  view.queues = specs_[port].queues;
  if (mtus_.contains(port)) view.mtu = mtus_[port];
  if (port == 'u') return view;
  view.admits_own = own_node_admitted_ && port == 'h';
  view.mac = Mac(port);
  view.allowed = allowed_[port];
  view.addresses = {Must(acl::IpAddress::Parse(V4(port))), Must(acl::IpAddress::Parse(V6(port)))};
  if (port != 'h') view.subject = known_[port] ? SubjectState::kKnown : SubjectState::kUnknown;
  return view;
}

acl::PolicyInput Testbed::InputOf(const std::string& pods,
                                  const std::vector<acl::NetworkPolicy>& policies) const {
  acl::PolicyInput input;
  input.policies = policies;
  for (const char pod : pods) {
    acl::Endpoint endpoint;
    endpoint.namespace_name = "default";
    endpoint.name = std::string(1, pod);
    endpoint.labels = {{"name", endpoint.name}};
    endpoint.addresses = {Must(acl::IpAddress::Parse(V4(pod))),
                          Must(acl::IpAddress::Parse(V6(pod)))};
    const auto allowed = allowed_.find(pod);
    if (allowed != allowed_.end()) {
      for (const dataplane::AllowedAddress& own : allowed->second) {
        if (own.IsSingle()) endpoint.addresses.push_back(own.block.base);
      }
    }
    input.local.insert({"default", endpoint.name});
    input.endpoints.push_back(endpoint);
  }
  return input;
}

void Testbed::StageNetwork(const std::string& name, const std::string& pods,
                           const std::vector<acl::NetworkPolicy>& policies) {
  dataplane::NetworkView network;
  network.name = name;
  network.stamps = std::make_shared<dataplane::AddressStamps>();
  network.allow_dhcp = allow_dhcp_;
  network.routers = routers_;
  auto& learned = learned_[name];
  if (learned == nullptr) learned = std::make_shared<dataplane::LearnedMacs>(64, kMacAgeMs);
  network.learned = learned;
  for (const auto& [port, id] : ids_) Join(network, port);

  acl::PolicyInput input = InputOf(pods, policies);
  if (name == "default") input.sluice_policies = sluice_policies_;
  const bool audits = name == "default" && !audited_.empty();
  if (audits) input.policies.insert(input.policies.end(), audited_.begin(), audited_.end());
  if (name != "default" || overlaid_.empty()) {
    StageLayer(network, dataplane::kBase, input, audits);
  } else {
    StageLayer(network, dataplane::kBase, InputOf(pods, stale_policies_), false);
    input.local.clear();
    for (const char pod : overlaid_) {
      input.local.insert({"default", std::string(1, pod)});
      staged_->ports[ids_.at(pod)].layer = dataplane::kFirstOverlay;
    }
    StageLayer(network, dataplane::kFirstOverlay, input, audits);
  }
  staged_->networks.push_back(std::move(network));
}

void Testbed::StageLayer(dataplane::NetworkView& network, dataplane::Layer number,
                         const acl::PolicyInput& input, bool audits) {
  acl::CompiledPolicy compiled = Must(acl::Compile(input));
  for (const acl::Endpoint& endpoint : input.endpoints) {
    const char pod = endpoint.name[0];
    if (unplugged_.contains(pod)) continue;
    const auto& subject = compiled.subjects.at({"default", endpoint.name});
    staged_->ports[ids_.at(pod)].classes[number] = {subject.v4, subject.v6};
  }
  dataplane::PolicyLayer& layer = network.layers[number];
  layer.addresses = std::make_shared<acl::AddressMap>(std::move(compiled.addresses));
  if (audits) {
    audit_rule_ids_ = acl::RuleIds::Next(audit_rule_ids_.get(), compiled.table);
    layer.audit = {std::make_shared<acl::RuleTable>(compiled.table), audit_rule_ids_,
                   Must(acl::TrieClassifier::Build(compiled.table)), nullptr};
    network.audit_rule_ids = audit_rule_ids_;
    for (const acl::NetworkPolicy& policy : audited_) Forget(NameOf(policy.name), compiled.table);
  }
  Reject(compiled.table);
  layer.in_force.classifier = Must(acl::TrieClassifier::Build(compiled.table));
  auto& rule_ids = rule_ids_[network.name];
  rule_ids = number == dataplane::kBase
                 ? acl::RuleIds::Next(rule_ids.get(), compiled.table)
                 : acl::RuleIds::Beside(rule_ids, nullptr, compiled.table, {});
  layer.in_force.rule_ids = network.rule_ids = rule_ids;
  layer.in_force.rules = std::make_shared<acl::RuleTable>(std::move(compiled.table));
  layer.in_force.content = Must(acl::ContentMatcher::Build(*layer.in_force.rules));
}

// The denies of policies that are to reject do.
void Testbed::Reject(acl::RuleTable& table) const {
  for (acl::FlatRule& rule : table.rules) {
    const auto& policies = table.sources[rule.source].policies;
    const bool rejects = std::any_of(policies.begin(), policies.end(), [&](const auto& policy) {
      return rejecting_.contains(policy);
    });
    if (rejects && rule.action == acl::Action::kDeny) rule.action = acl::Action::kReject;
  }
}

// Makes `port` a member of the network that is being staged, if it is one.
void Testbed::Join(dataplane::NetworkView& network, char port) {
  if (unplugged_.contains(port)) return;
  const bool blue = network.name == "blue";
  const PortId id = ids_.at(port);
  PortView& view = staged_->ports[id];
  if (port == 'u') {
    if (blue && config_.blue_vlan == 0) return;
    network.uplink = id;
    network.vlan = blue ? config_.blue_vlan : config_.vlan;
    view.vlans[network.vlan] = blue ? 1 : 0;
  } else {
    if (IsBlue(port) != blue) return;
    if (port == 'h') network.host = id;
    for (const acl::IpAddress& address : view.addresses) network.local_addresses[address] = id;
    network.macs[view.mac] = moved_macs_.contains(port) ? ids_.at(moved_macs_[port]) : id;
  }
  network.members.push_back(id);
}

void Testbed::Publish() {
  published_.push_back(std::move(staged_));
  current_.store(published_.back().get());
  staged_ = std::make_unique<dataplane::Snapshot>(*published_.back());
}

void Testbed::MakeMirror(char port, size_t number) {
  dataplane::PortView& view = staged_->ports[IdOf(port)];
  view.role = dataplane::PortRole::kMirror;
  view.subject = dataplane::SubjectState::kNone;
  view.network = dataplane::kNoNetwork;
  dataplane::NetworkView& network = staged_->networks[0];
  std::erase(network.members, IdOf(port));
  network.macs.erase(view.mac);
  for (const acl::IpAddress& address : view.addresses) network.local_addresses.erase(address);
  staged_->mirrors[number] = IdOf(port);
}

void Testbed::Apply(std::vector<acl::NetworkPolicy> policies) {
  policies_ = std::move(policies);
  Stage();
  Publish();
}

void Testbed::Overlay(const std::string& pods, std::vector<acl::NetworkPolicy> before) {
  overlaid_ = pods;
  stale_policies_ = std::move(before);
  Stage();
  Publish();
}

void Testbed::ApplyBlue(std::vector<acl::NetworkPolicy> policies) {
  blue_policies_ = std::move(policies);
  Stage();
  Publish();
}

void Testbed::Reject(const std::string& name) {
  rejecting_.insert(NameOf(name));
  Stage();
  Publish();
}

void Testbed::Audit(std::vector<acl::NetworkPolicy> policies) {
  audited_ = std::move(policies);
  Stage();
  Publish();
}

void Testbed::ApplySluice(std::vector<acl::SluicePolicy> policies) {
  sluice_policies_ = std::move(policies);
  Stage();
  Publish();
}

void Testbed::ForgetLabels(char pod) {
  known_[pod] = false;
  Stage();
  Publish();
}

void Testbed::SetGuard(char pod, bool guard) {
  guarded_[pod] = guard;
  Stage();
  Publish();
}

void Testbed::SetMtu(char port, uint16_t mtu) {
  mtus_[port] = mtu;
  Stage();
  Publish();
}

void Testbed::SetTakes(char port, dataplane::Offloads takes) {
  tx_ports_.ports[IdOf(port)].takes = takes;
}

void Testbed::SetMode(dataplane::Mode mode) {
  mode_ = mode;
  Stage();
  Publish();
}

void Testbed::Replace(char pod) {
  ++generations_[pod];
  Stage();
  Publish();
}

void Testbed::MoveMac(char pod, char to_port) {
  moved_macs_[pod] = to_port;
  Stage();
  Publish();
}

void Testbed::Allow(char pod, const std::string& allowed) {
  allowed_[pod].push_back(Must(dataplane::AllowedAddress::Parse(allowed)));
  Stage();
  Publish();
}

void Testbed::SetDhcp(bool allowed) {
  allow_dhcp_ = allowed;
  Stage();
  Publish();
}

void Testbed::AddRouter(const dataplane::MacAddress& mac) {
  routers_.push_back(mac);
  Stage();
  Publish();
}

void Testbed::Unplug(char pod) {
  unplugged_.insert(pod);
  Stage();
  Publish();
  table_->RemoveSubject({IdOf(pod), generations_[pod]});
}

void Testbed::Plug(char pod) {
  unplugged_.erase(pod);
  ++generations_[pod];
  Stage();
  Publish();
}

void Testbed::SetOwnNode(bool admitted) {
  own_node_admitted_ = admitted;
  Stage();
  Publish();
}

void Testbed::Send(char port, const Bytes& frame) { SendSegments(port, frame, frame.size()); }

void Testbed::SendSegments(char port, const Bytes& frame, size_t first_segment) {
  rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_.get());
  ASSERT_NE(mbuf, nullptr);
  const auto first = static_cast<uint16_t>(first_segment);
  std::copy_n(frame.begin(), first, reinterpret_cast<uint8_t*>(rte_pktmbuf_append(mbuf, first)));
  if (first_segment < frame.size()) {
    rte_mbuf* tail = rte_pktmbuf_alloc(pool_.get());
    ASSERT_NE(tail, nullptr);
    const auto rest = static_cast<uint16_t>(frame.size() - first_segment);
    std::copy_n(frame.begin() + first, rest,
                reinterpret_cast<uint8_t*>(rte_pktmbuf_append(tail, rest)));
    ASSERT_EQ(rte_pktmbuf_chain(mbuf, tail), 0);
  }
  Enqueue(port, mbuf);
}

rte_mbuf* MakeChain(rte_mempool* pool, const Bytes& frame) {
  rte_mbuf* head = nullptr;
  for (size_t at = 0; at < frame.size() || head == nullptr;) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool);
    if (mbuf == nullptr) {
      rte_pktmbuf_free(head);
      return nullptr;
    }
    const auto here =
        static_cast<uint16_t>(std::min<size_t>(frame.size() - at, rte_pktmbuf_tailroom(mbuf)));
    std::copy_n(frame.data() + at, here,
                reinterpret_cast<uint8_t*>(rte_pktmbuf_append(mbuf, here)));
    at += here;
    if (head == nullptr) {
      head = mbuf;
    } else if (rte_pktmbuf_chain(head, mbuf) != 0) {
      std::abort();
    }
  }
  return head;
}

Bytes Contents(const rte_mbuf& mbuf) {
  Bytes frame;
  for (const rte_mbuf* segment = &mbuf; segment != nullptr; segment = segment->next) {
    const auto* data = rte_pktmbuf_mtod(segment, const uint8_t*);
    frame.insert(frame.end(), data, data + segment->data_len);
  }
  EXPECT_EQ(frame.size(), mbuf.pkt_len);
  return frame;
}

void Testbed::SendUndone(char port, const Bytes& frame, const Undone& undone) {
  rte_mbuf* head = MakeChain(pool_.get(), frame);
  ASSERT_NE(head, nullptr);
  if (undone.checksum) head->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_NONE;
  if (undone.segment != 0) head->ol_flags |= RTE_MBUF_F_RX_LRO | RTE_MBUF_F_RX_L4_CKSUM_NONE;
  head->tso_segsz = undone.segment;
  Enqueue(port, head);
}

void Testbed::SendStripped(char port, const Bytes& frame, uint16_t tag, bool of_two) {
  rte_mbuf* head = MakeChain(pool_.get(), frame);
  ASSERT_NE(head, nullptr);
  head->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
  if (of_two) head->ol_flags |= RTE_MBUF_F_RX_QINQ | RTE_MBUF_F_RX_QINQ_STRIPPED;
  head->vlan_tci = tag;
  Enqueue(port, head);
}

void Testbed::Enqueue(char port, rte_mbuf* mbuf) {
  rte_ring* ring = rte_ring_lookup(dataplane::RingName(specs_.at(port), true).c_str());
  ASSERT_EQ(rte_ring_enqueue(ring, mbuf), 0);
}

void Testbed::Turn() {
  for (unsigned index = 0; index < workers_.size(); ++index) {
    quiescence_.GoOnline(index);
    workers_[index]->RunOnce(now_ms_);
    quiescence_.GoOffline(index);
  }
}

std::vector<dataplane::ConnectionEvent> Testbed::Events() {
  std::vector<dataplane::ConnectionEvent> events;
  for (const auto& worker : workers_) {
    worker->journal().events().Drain(
        [&](const dataplane::ConnectionEvent& event) { events.push_back(event); });
  }
  return events;
}

dataplane::TraceReport Testbed::Trace(char port, const Bytes& frame) {
  auto request = std::make_unique<dataplane::TraceRequest>();
  request->port = id(port);
  request->generation = generations_.at(port);
  request->length = static_cast<uint32_t>(frame.size());
  std::copy(frame.begin(), frame.end(), request->frame.begin());
  dataplane::TraceReport report;
  const auto& polled = current_.load()->polled;
  const auto by = std::find_if(polled.begin(), polled.end(), [&](const auto& ports) {
    return std::find(ports.begin(), ports.end(), id(port)) != ports.end();
  });
  EXPECT_NE(by, polled.end()) << "nobody polls " << port;
  if (by == polled.end()) return report;
  const auto worker = static_cast<size_t>(by - polled.begin());
  EXPECT_TRUE(workers_[worker]->Trace(*request, now_ms_, report));
  return report;
}

bool Testbed::TurnUntil(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    Turn();
  }
  return true;
}

std::vector<Bytes> Testbed::Received(char port) {
  std::vector<Bytes> frames;
  for (struct Received& received : ReceivedUndone(port)) {
    frames.push_back(std::move(received.frame));
  }
  return frames;
}

std::vector<Received> Testbed::ReceivedUndone(char port) {
  std::vector<struct Received> all;
  rte_ring* ring = rte_ring_lookup(dataplane::RingName(specs_.at(port), false).c_str());
  if (ring == nullptr) return all;  // a vhost port
  void* object = nullptr;
  while (rte_ring_dequeue(ring, &object) == 0) {
    auto* mbuf = static_cast<rte_mbuf*>(object);
    struct Received received {
      Contents(*mbuf), {}
    };
    received.undone.checksum = dataplane::HasOffloads(*mbuf);
    if (dataplane::IsToBeCut(*mbuf)) received.undone.segment = mbuf->tso_segsz;
    all.push_back(std::move(received));
    rte_pktmbuf_free(mbuf);
  }
  return all;
}

std::string Testbed::Deliver(char port, const Bytes& frame) {
  for (const auto& [other, id] : ids_) Received(other);
  const uint32_t connections_before = connections();
  const dataplane::TraceReport traced = Trace(port, frame);
  EXPECT_EQ(connections(), connections_before) << "a trace changed the table";
  const auto before = DropsByReason(port);
  Send(port, frame);
  Turn();
  std::string where;
  for (const auto& [other, id] : ids_) {
    for (const Bytes& got : Received(other)) {
      EXPECT_EQ(got, frame) << "the switch changed a frame";
      where += other;
    }
  }
  DropReason died_of = DropReason::kNone;
  const auto after = DropsByReason(port);
  for (size_t i = 0; i < before.size(); ++i) {
    if (after[i] != before[i]) died_of = static_cast<DropReason>(i);
  }
  CheckTrace(traced, where, died_of);
  return where;
}

// A trace made before the packet was sent must have said what became of it, but for what only
// storing or sending can tell.
void Testbed::CheckTrace(const dataplane::TraceReport& traced, const std::string& where,
                         DropReason died_of) const {
  for (const DropReason untold : {DropReason::kTableFull, DropReason::kPortShare,
                                  DropReason::kTxFull, DropReason::kNoBuffers}) {
    if (died_of == untold) return;
  }
  // A fragment may take others along that waited for it.
  if (!traced.fragment || traced.drop != DropReason::kNone) {
    EXPECT_STREQ(DropReasonName(traced.drop), DropReasonName(died_of)) << "what the trace said";
  }
  std::string said;
  for (const auto& [port, id] : ids_) {
    if (traced.drop != DropReason::kNone || traced.waits) break;
    if (!traced.flood && id == traced.out_port) said += port;
    for (unsigned i = 0; i < traced.receivers; ++i) {
      const bool takes = traced.receiver[i].refusal == DropReason::kNone;
      if (takes && traced.receiver[i].port == id) said += port;
    }
  }
  if (traced.fragment) {
    EXPECT_NE(where.find(said), std::string::npos) << "where the trace said it would go";
  } else {
    EXPECT_EQ(said, where) << "where the trace said it would go";
  }
}

Testbed::DropCounts Testbed::DropsByReason(char port) const {
  DropCounts counts{};
  for (size_t i = 0; i < counts.size(); ++i) counts[i] = Drops(port, static_cast<DropReason>(i));
  return counts;
}

uint64_t Testbed::Drops(char port, DropReason reason) const {
  uint64_t sum = 0;
  for (const auto& worker : workers_) {
    sum += worker->tally().ports[IdOf(port)].drops[static_cast<size_t>(reason)].Read();
  }
  return sum;
}

uint64_t Testbed::Answered(char port) const {
  uint64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->tally().ports[IdOf(port)].answered.Read();
  return sum;
}

uint64_t Testbed::Drops(char port) const {
  uint64_t sum = 0;
  for (size_t i = 0; i < dataplane::kDropReasonCount; ++i) {
    sum += Drops(port, static_cast<DropReason>(i));
  }
  return sum;
}

DropReason Testbed::LastDrop(char port, const Bytes& frame) {
  std::array<uint64_t, dataplane::kDropReasonCount> before{};
  for (size_t i = 0; i < before.size(); ++i) before[i] = Drops(port, static_cast<DropReason>(i));
  const std::string where = Deliver(port, frame);
  for (size_t i = 0; i < before.size(); ++i) {
    const auto reason = static_cast<DropReason>(i);
    if (Drops(port, reason) == before[i]) continue;
    EXPECT_EQ(where, "") << "counted as dropped and delivered: " << DropReasonName(reason);
    return reason;
  }
  EXPECT_NE(where, "") << "neither delivered nor counted as dropped";
  return DropReason::kNone;
}

unsigned Testbed::BuffersInUse() const {
  return rte_mempool_in_use_count(pool_.get()) + rte_mempool_in_use_count(pieces_.get());
}

void Testbed::Starve(unsigned leave) {
  while (rte_mempool_avail_count(pool_.get()) > leave) {
    starved_.push_back(rte_pktmbuf_alloc(pool_.get()));
  }
}

void Testbed::Feed() {
  for (rte_mbuf* mbuf : starved_) rte_pktmbuf_free(mbuf);
  starved_.clear();
}

acl::NetworkPolicy Isolate(const std::string& name, const std::string& pod_name,
                           std::vector<std::string> types) {
  acl::NetworkPolicy policy;
  policy.namespace_name = "default";
  policy.name = name;
  policy.pod_selector.match_labels = {{"name", pod_name}};
  policy.policy_types = std::move(types);
  return policy;
}

acl::NetworkPolicyRule Admit(const std::string& peer, const std::string& protocol, int64_t port) {
  acl::NetworkPolicyRule rule;
  if (!peer.empty()) {
    acl::NetworkPolicyPeer from;
    from.pod_selector = acl::LabelSelector{{{"name", peer}}, {}};
    rule.peers.push_back(from);
  }
  if (!protocol.empty()) {
    acl::NetworkPolicyPort entry;
    entry.protocol = protocol;
    if (port != 0) entry.port = port;
    rule.ports.push_back(entry);
  }
  return rule;
}

}  // namespace sluice::test
