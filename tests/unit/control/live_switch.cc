#include "tests/unit/control/live_switch.h"

#include <fmt/core.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace sluice::control {
namespace {

unsigned Number(char pod) { return static_cast<unsigned>(pod - 'a') + 1; }
std::string Mac(char pod) { return fmt::format("02:00:00:00:00:0{}", Number(pod)); }
std::string Address(char pod) { return fmt::format("10.0.0.{}", Number(pod)); }

rte_ring* Ring(char pod, const char* direction) {
  return rte_ring_lookup(fmt::format("{}-{}", pod, direction).c_str());
}

}  // namespace

LiveSwitch::LiveSwitch() {
  controller_ =
      *Controller::Create(fixture_.data_plane(), {}, nullptr, std::chrono::milliseconds(1));
  monitor_ =
      std::make_unique<Monitor>(fixture_.data_plane(), [this] { return controller_->view(); });
  facts_.worker_cores.assign(fixture_.data_plane().worker_count(), 7);
  const std::string path = (directory_ / "sluiced.sock").string();
  auto server = Server::Start("unix://" + path, *controller_, fixture_.data_plane(), *monitor_,
                              facts_, sources_);
  EXPECT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  channel_ = grpc::CreateChannel("unix:" + path, grpc::InsecureChannelCredentials());
  diagnostics_ = v1::DiagnosticsService::NewStub(channel_);
  pool_ = rte_pktmbuf_pool_create("live", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
  EXPECT_NE(pool_, nullptr);
  for (const char pod : {'a', 'b'}) {
    AddPort(pod);
    Apply({Pod(std::string(1, pod), Address(pod), {{"app", std::string(1, pod)}})});
  }
}

LiveSwitch::~LiveSwitch() {
  for (const char pod : {'a', 'b'}) Received(pod);
  server_.reset();
  controller_.reset();
  rte_mempool_free(pool_);
}

void LiveSwitch::AwaitWhole() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!IsWhole(*controller_->view())) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "an edit was not built anew";
    std::this_thread::yield();
  }
}

void LiveSwitch::Apply(std::vector<Object> objects) {
  std::vector<Candidate> candidates;
  for (Object& object : objects) candidates.push_back(Candidate::Of(std::move(object)));
  const Result result =
      controller_->Execute(ApplyCommand{"test", std::move(candidates), OnRefusal::kRefuseAll});
  EXPECT_TRUE(result.ok()) << result.status();
}

void LiveSwitch::Delete(const ObjectKey& key) {
  EXPECT_TRUE(controller_->Execute(DeleteCommand{"test", {key}}).ok());
}

void LiveSwitch::AddPort(char pod) {
  const std::string name(1, pod);
  const Result added =
      controller_->Execute(AddPortCommand{RingPort(name, name, Mac(pod), Address(pod))});
  EXPECT_TRUE(added.ok()) << added.status();
}

void LiveSwitch::DeletePort(char pod) {
  Received(pod);
  EXPECT_TRUE(controller_->Execute(DeletePortCommand{std::string(1, pod)}).ok());
}

test::Frame LiveSwitch::From(char from, char to) {
  return test::Frame()
      .Ether(*dataplane::MacAddress::Parse(Mac(from)), *dataplane::MacAddress::Parse(Mac(to)))
      .Ip(Address(from), Address(to));
}

test::Frame LiveSwitch::Syn(char from, char to, uint16_t port) {
  return From(from, to).Tcp(1000, port, 0x02);
}

uint64_t LiveSwitch::Taken(char pod) const {
  const PortPlace& place = controller_->view()->places.at(std::string(1, pod));
  const auto counters = fixture_.data_plane().ReadPortCounters(place.attached.id);
  return counters.rx_packets;
}

void LiveSwitch::Send(char pod, test::Frame frame) {
  const std::vector<uint8_t>& bytes = frame.bytes();
  rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_);
  ASSERT_NE(mbuf, nullptr);
  std::copy(
      bytes.begin(), bytes.end(),
      reinterpret_cast<uint8_t*>(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(bytes.size()))));
  const uint64_t before = Taken(pod);
  ASSERT_EQ(rte_ring_enqueue(Ring(pod, "rx"), mbuf), 0);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (Taken(pod) == before && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_GT(Taken(pod), before) << "no worker took the frame";
  // Taken is counted first: a snapshot swap returns when the worker is through with its burst.
  Apply({acl::Namespace{"tick", {{"n", std::to_string(before) + pod}}}});
}

unsigned LiveSwitch::Received(char pod) {
  rte_ring* ring = Ring(pod, "tx");
  unsigned count = 0;
  void* object = nullptr;
  while (ring != nullptr && rte_ring_dequeue(ring, &object) == 0) {
    rte_pktmbuf_free(static_cast<rte_mbuf*>(object));
    ++count;
  }
  return count;
}

v1::GetDropsResponse LiveSwitch::Drops() {
  grpc::ClientContext context;
  v1::GetDropsResponse response;
  EXPECT_TRUE(diagnostics_->GetDrops(&context, {}, &response).ok());
  return response;
}

}  // namespace sluice::control
