// `capture` over gRPC, on live workers.
#include <gmock/gmock.h>

#include "tests/unit/control/live_switch.h"

namespace sluice::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Begins when it is made; ends after the packets that were asked for.
class Capturing {
 public:
  Capturing(v1::DiagnosticsService::Stub& stub, v1::CaptureRequest request, uint64_t count) {
    request.set_count(count);
    reader_ = stub.Capture(&context_, request);
    v1::CaptureResponse first;
    EXPECT_TRUE(reader_->Read(&first));
    for (const v1::CaptureInterface& interface : first.interfaces()) Add(interface);
  }
  std::vector<v1::CapturedPacket> Rest() {
    std::vector<v1::CapturedPacket> packets;
    for (v1::CaptureResponse message; reader_->Read(&message);) {
      for (const v1::CaptureInterface& interface : message.interfaces()) Add(interface);
      packets.insert(packets.end(), message.packets().begin(), message.packets().end());
    }
    EXPECT_TRUE(reader_->Finish().ok());
    return packets;
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  void Add(const v1::CaptureInterface& interface) {
    names_.push_back(interface.name() + ": " + interface.description());
  }

  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::CaptureResponse>> reader_;
  std::vector<std::string> names_;
};

class CaptureTest : public LiveSwitch {
 protected:
  grpc::Status Refusal(const v1::CaptureRequest& request) {
    grpc::ClientContext context;
    const auto reader = diagnostics().Capture(&context, request);
    v1::CaptureResponse message;
    EXPECT_FALSE(reader->Read(&message));
    return reader->Finish();
  }
  std::string RefusalOf(void (*fill)(v1::CaptureRequest&)) {
    v1::CaptureRequest request;
    fill(request);
    return Refusal(request).error_message();
  }
};

TEST_F(CaptureTest, CommentsSayWhatBecameOfEachPacketAndWhy) {
  Apply({Allow("web", {{"app", "a"}}, 80)});
  Capturing capturing(diagnostics(), {}, 3);
  EXPECT_THAT(capturing.names(), ElementsAre("a: pod default/a, network default",
                                             "b: pod default/b, network default"));
  Send('a', Syn('a', 'b', 80));
  Send('a', Syn('a', 'b', 81));
  Send('a', From('b', 'a').Udp(1, 2));
  const std::vector<v1::CapturedPacket> packets = capturing.Rest();
  ASSERT_EQ(packets.size(), 3u);
  EXPECT_EQ(packets[0].comment(),
            "forwarded to b (default/b); connection syn_sent, sent by its initiator; "
            "egress allow (no policy); ingress allow by NetworkPolicy default/web ingress[0]");
  EXPECT_EQ(packets[0].interface(), 0u);
  EXPECT_FALSE(packets[0].outbound());
  EXPECT_EQ(packets[0].reason(), "");
  EXPECT_EQ(packets[0].ingress().rule(), "ingress[0]");
  EXPECT_EQ(packets[0].length(), packets[0].data().size());
  EXPECT_EQ(packets[1].comment(),
            "dropped: policy_ingress (denied by the receiver's ingress policy), on its way to "
            "b (default/b); egress allow (no policy); "
            "ingress deny by NetworkPolicy default/web (nothing allows it)");
  EXPECT_EQ(packets[1].reason(), "policy_ingress");
  EXPECT_EQ(packets[2].comment(), "dropped: guard_mac (source MAC is not the port's)");
  EXPECT_GE(packets[1].time_ns(), packets[0].time_ns());
}

TEST_F(CaptureTest, AReceiversPacketsAreOutboundAndNameTheirSender) {
  v1::CaptureRequest request;
  request.set_port("b");
  request.set_snaplen(16);
  Capturing capturing(diagnostics(), request, 1);
  Send('a', From('a', 'b').Udp(5, 53));
  const std::vector<v1::CapturedPacket> packets = capturing.Rest();
  ASSERT_EQ(packets.size(), 1u);
  EXPECT_EQ(packets[0].interface(), 1u);
  EXPECT_TRUE(packets[0].outbound());
  EXPECT_THAT(packets[0].comment(),
              StartsWith("from a (default/a), forwarded to b (default/b); connection unreplied"));
  EXPECT_EQ(packets[0].data().size(), 16u);
  EXPECT_GT(packets[0].length(), 16u);
}

TEST_F(CaptureTest, AConnectionIsNamedByItsPods) {
  v1::CaptureRequest request;
  request.set_connection("udp default/b:0 > default/a:5");
  Capturing capturing(diagnostics(), request, 1);
  Send('a', From('a', 'b').Udp(6, 53));
  Send('a', From('a', 'b').Udp(5, 53));
  EXPECT_EQ(capturing.Rest().size(), 1u);
}

TEST_F(CaptureTest, OneAtATime) {
  v1::CaptureRequest request;
  Capturing capturing(diagnostics(), request, 1);
  EXPECT_EQ(Refusal(request).error_message(), "capture: another one is under way");
  Send('a', From('a', 'b').Udp(5, 53));
  capturing.Rest();
  Capturing next(diagnostics(), request, 1);
  Send('a', From('a', 'b').Udp(5, 53));
  EXPECT_EQ(next.Rest().size(), 1u);
}

TEST_F(CaptureTest, EndsWhenItsTimeIsOver) {
  v1::CaptureRequest request;
  request.set_duration_seconds(0.1);
  Capturing capturing(diagnostics(), request, 100);
  EXPECT_TRUE(capturing.Rest().empty());
}

TEST_F(CaptureTest, BadRequestsSayWhatIsWrong) {
  EXPECT_EQ(RefusalOf([](v1::CaptureRequest& r) { r.set_port("z"); }), "port z: does not exist");
  EXPECT_EQ(RefusalOf([](v1::CaptureRequest& r) { r.set_direction("in"); }),
            "direction: is a port's, and no port is given");
  EXPECT_EQ(RefusalOf([](v1::CaptureRequest& r) {
              r.set_port("a");
              r.set_direction("up");
            }),
            "direction: \"up\" is neither in nor out");
  EXPECT_EQ(RefusalOf([](v1::CaptureRequest& r) { r.set_reason("policy_ingres"); }),
            "reason: \"policy_ingres\" is no drop reason; did you mean policy_ingress?");
  EXPECT_THAT(RefusalOf([](v1::CaptureRequest& r) { r.set_connection("tcp 10.0.0.1 > 10.0.0.2"); }),
              StartsWith("connection: \"10.0.0.1\": no :PORT"));
  EXPECT_THAT(
      RefusalOf([](v1::CaptureRequest& r) { r.set_connection("tcp 10.0.0.1:1 > 10.0.0.2:2 syn"); }),
      HasSubstr("is not PROTOCOL SOURCE > DESTINATION alone"));
  EXPECT_EQ(
      RefusalOf([](v1::CaptureRequest& r) { r.set_connection("udp default/q:1 > 1.1.1.1:2"); }),
      "connection: there is no pod default/q");
  EXPECT_EQ(RefusalOf([](v1::CaptureRequest& r) { r.set_snaplen(300'000); }),
            "snaplen: 300000 is above 262144");
  EXPECT_EQ(RefusalOf([](v1::CaptureRequest& r) { r.set_buffer_kib(1); }),
            "buffer_kib: 1 is not between 64 and 262144");
  EXPECT_EQ(RefusalOf([](v1::CaptureRequest& r) { r.set_duration_seconds(-1); }),
            "duration_seconds: -1 is not between 0 and 86400");
}

}  // namespace
}  // namespace sluice::control
