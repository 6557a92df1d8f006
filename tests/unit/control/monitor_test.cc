// `monitor` and `top` over gRPC, on live workers.
#include "control/monitor.h"

#include <gmock/gmock.h>

#include "tests/unit/control/live_switch.h"

namespace sluice::control {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A stream that already watches: the first, empty message has come.
class Stream {
 public:
  Stream(v1::DiagnosticsService::Stub& stub, const v1::MonitorRequest& request) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    reader_ = stub.Monitor(&context_, request);
    v1::MonitorResponse first;
    watching_ = reader_->Read(&first);
    EXPECT_EQ(first.events_size(), 0);
  }
  ~Stream() {
    context_.TryCancel();
    reader_->Finish();
  }

  bool watching() const { return watching_; }
  grpc::Status Finish() { return reader_->Finish(); }

  // The next event, as text.
  std::string Next() {
    while (next_ == response_.events_size()) {
      if (!reader_->Read(&response_)) return "end";
      lost_ += response_.lost();
      next_ = 0;
    }
    const v1::MonitorEvent& event = response_.events(next_++);
    std::string text = event.kind() + " " + event.protocol() + " " + event.initiator().pod() +
                       " > " + event.responder().pod();
    if (event.responder().port() != 0) text += ":" + std::to_string(event.responder().port());
    if (!event.reason().empty()) text += " " + event.reason();
    for (const auto* side : {&event.egress(), &event.ingress()}) {
      for (const std::string& policy : side->policies()) text += " " + policy;
      if (!side->rule().empty()) text += " " + side->rule();
    }
    return text;
  }
  uint64_t lost() const { return lost_; }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::MonitorResponse>> reader_;
  bool watching_ = false;
  v1::MonitorResponse response_;
  int next_ = 0;
  uint64_t lost_ = 0;
};

using MonitorTest = LiveSwitch;

TEST_F(MonitorTest, TellsNewDeniedAndClosedConnectionsByName) {
  Apply({Allow("web", {{"app", "a"}}, 80)});
  Stream stream(diagnostics(), {});
  Send('a', Syn('a', 'b', 80));
  EXPECT_EQ(stream.Next(), "new tcp default/a > default/b:80 NetworkPolicy default/web ingress[0]");
  Send('a', Syn('a', 'b', 81));
  EXPECT_EQ(stream.Next(),
            "denied tcp default/a > default/b:81 policy_ingress NetworkPolicy default/web");
  DeletePort('a');
  EXPECT_EQ(stream.Next(), "closed tcp default/a > default/b:80");
  AddPort('a');
}

TEST_F(MonitorTest, FiltersByKindPortAndPod) {
  Apply({DenyAll("deny", {{"app", "b"}})});
  v1::MonitorRequest only_new, other_port, of_b;
  only_new.add_kinds("new");
  other_port.set_port("c");
  of_b.set_pod("default/b");
  of_b.add_kinds("denied");
  Stream news(diagnostics(), only_new), others(diagnostics(), other_port),
      denied(diagnostics(), of_b);
  Send('a', From('a', 'b').Udp(1, 2));
  Send('b', From('b', 'a').Udp(3, 4));
  EXPECT_EQ(denied.Next(),
            "denied udp default/a > default/b:2 policy_ingress NetworkPolicy default/deny");
  EXPECT_EQ(news.Next(), "new udp default/b > default/a:4");
}

TEST_F(MonitorTest, FiltersByNamespace) {
  v1::MonitorRequest of_default, of_defaul;
  of_default.set_namespace_("default");
  of_defaul.set_namespace_("defaul");
  Stream all(diagnostics(), of_default), none(diagnostics(), of_defaul);
  Send('a', From('a', 'b').Udp(1, 2));
  EXPECT_EQ(all.Next(), "new udp default/a > default/b:2");
  MonitorEvent event;
  event.initiator.pod = "default/a";
  EXPECT_TRUE((MonitorFilter{.name_space = "default"}.Passes(event)));
  EXPECT_FALSE((MonitorFilter{.name_space = "defaul"}.Passes(event)));
  EXPECT_FALSE((MonitorFilter{.name_space = "default/a"}.Passes(event)));
}

// A pod that is behind no port here is known by its address.
TEST_F(MonitorTest, SaysWhoIsElsewhereAndTheLabelsOfBoth) {
  Apply({Pod("far", "10.0.0.9", {{"app", "far"}})});
  Monitor monitor(fixture_.data_plane(), [this] { return controller_->view(); });
  const MonitorEvent event = monitor.Name(*controller_->view(), [] {
    dataplane::ConnectionEvent raw;
    raw.initiator.address = *acl::IpAddress::Parse("10.0.0.9");
    raw.responder.address = *acl::IpAddress::Parse("192.0.2.1");
    return raw;
  }());
  EXPECT_EQ(event.network, "default");
  EXPECT_EQ(event.initiator.pod, "default/far");
  EXPECT_EQ(event.initiator.labels, (acl::Labels{{"app", "far"}}));
  EXPECT_EQ(event.responder.pod, "");
}

TEST_F(MonitorTest, AnUnknownKindAndOneTooManyAreRefused) {
  v1::MonitorRequest request;
  request.add_kinds("odd");
  Stream odd(diagnostics(), request);
  EXPECT_FALSE(odd.watching());

  Monitor monitor(fixture_.data_plane(), [this] { return controller_->view(); });
  std::vector<std::unique_ptr<Monitor::Subscription>> subscriptions;
  for (size_t i = 0; i < Monitor::kMaxSubscribers; ++i) {
    subscriptions.push_back(*monitor.Subscribe({}));
  }
  EXPECT_EQ(monitor.Subscribe({}).status().code(), absl::StatusCode::kResourceExhausted);
  subscriptions.pop_back();
  EXPECT_TRUE(monitor.Subscribe({}).ok());
}

// Who does not read loses events, is told how many, and holds nobody up.
TEST_F(MonitorTest, ASlowSubscriberLosesEventsAndIsToldHowMany) {
  Monitor monitor(fixture_.data_plane(), [this] { return controller_->view(); });
  const auto slow = monitor.Subscribe({});
  ASSERT_TRUE(slow.ok());
  const std::vector<std::shared_ptr<const MonitorEvent>> events(
      1000, std::make_shared<const MonitorEvent>());
  for (int i = 0; i < 20; ++i) (*slow)->Offer(events, 5);
  const auto batch = (*slow)->Next(std::chrono::seconds(10));
  EXPECT_EQ(batch.events.size(), Monitor::kQueue);
  EXPECT_EQ(batch.events.size() + batch.lost, 20u * 1005);
  (*slow)->Offer(events, 0);
  const auto next = (*slow)->Next(std::chrono::seconds(10));
  EXPECT_EQ(next.events.size(), 1000u);
  EXPECT_EQ(next.lost, 0u);
}

TEST_F(MonitorTest, TopTimesStagesOnlyWhileSomebodyWatches) {
  const auto sampled = [&] {
    uint64_t sum = 0;
    for (unsigned worker = 0; worker < fixture_.data_plane().worker_count(); ++worker) {
      sum += fixture_.data_plane().ReadWorkerCounters(worker).sampled_packets;
    }
    return sum;
  };
  for (int i = 0; i < 40; ++i) Send('a', From('a', 'b').Udp(1, 2));
  EXPECT_EQ(sampled(), 0u);

  grpc::ClientContext context;
  v1::WatchLoadRequest request;
  request.set_interval_seconds(0.1);
  auto reader = diagnostics().WatchLoad(&context, request);
  v1::LoadSample sample;
  ASSERT_TRUE(reader->Read(&sample));  // it watches now
  EXPECT_EQ(sample.workers_size(), static_cast<int>(fixture_.data_plane().worker_count()));
  for (int i = 0; i < 40; ++i) Send('a', From('a', 'b').Udp(1, 2));
  EXPECT_GT(sampled(), 0u);
  context.TryCancel();
  reader->Finish();
}

TEST_F(MonitorTest, AnIntervalOutOfRangeIsRefused) {
  grpc::ClientContext context;
  v1::WatchLoadRequest request;
  request.set_interval_seconds(0.001);
  auto reader = diagnostics().WatchLoad(&context, request);
  v1::LoadSample sample;
  EXPECT_FALSE(reader->Read(&sample));
  EXPECT_EQ(reader->Finish().error_message(),
            "interval_seconds: 0.001 is not between 0.1 and 3600");
}

}  // namespace
}  // namespace sluice::control
