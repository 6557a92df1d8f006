#include "control/grpc/capture_stream.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>
#include <vector>

#include "control/capture_request.h"
#include "control/capture_text.h"
#include "control/grpc/answer_convert.h"
#include "control/grpc/grpc_status.h"
#include "control/traced_side.h"

namespace sluice::control {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint64_t kDefaultCount = 10'000, kMaxCount = 100'000'000;
constexpr double kDefaultSeconds = 60, kMaxSeconds = 86'400;
constexpr std::chrono::milliseconds kDrainEvery{20};
// A caller that wants to leave gets something to wake up by.
constexpr std::chrono::milliseconds kSpeakEvery{200};
constexpr size_t kBytesPerMessage = 1 << 20;

CaptureWish WishOf(const v1::CaptureRequest& request) {
  return {.port = request.port(),
          .direction = request.direction(),
          .connection = request.connection(),
          .dropped = request.dropped(),
          .reason = request.reason(),
          .snaplen = request.snaplen(),
          .buffer_kib = request.buffer_kib()};
}

struct Limits {
  uint64_t count = kDefaultCount;
  std::chrono::duration<double> duration{kDefaultSeconds};
};

absl::StatusOr<Limits> LimitsOf(const v1::CaptureRequest& request) {
  Limits limits;
  if (request.count() > kMaxCount) {
    return absl::InvalidArgumentError(
        fmt::format("count: {} is above {}", request.count(), kMaxCount));
  }
  if (request.count() != 0) limits.count = request.count();
  const double seconds = request.duration_seconds();
  if (!(seconds >= 0 && seconds <= kMaxSeconds)) {
    return absl::InvalidArgumentError(
        fmt::format("duration_seconds: {} is not between 0 and {}", seconds, kMaxSeconds));
  }
  if (seconds != 0) limits.duration = std::chrono::duration<double>(seconds);
  return limits;
}

// Ends the capture when it goes.
class RunningCapture {
 public:
  RunningCapture(dataplane::Switch& data_plane, std::shared_ptr<dataplane::Capture> capture)
      : data_plane_(data_plane), capture_(std::move(capture)) {}
  ~RunningCapture() { Stop(); }
  RunningCapture(const RunningCapture&) = delete;
  RunningCapture& operator=(const RunningCapture&) = delete;

  void Stop() { data_plane_.StopCapture(capture_); }
  dataplane::Capture& operator*() { return *capture_; }

 private:
  dataplane::Switch& data_plane_;
  const std::shared_ptr<dataplane::Capture> capture_;
};

// What goes to the caller, in messages of bounded size.
class CaptureWriter {
 public:
  CaptureWriter(const Controller& controller, uint64_t count,
                grpc::ServerWriter<v1::CaptureResponse>& writer)
      : controller_(controller), left_(count), writer_(writer) {}

  // What has gathered in the rings. False: the caller has left, or has enough.
  bool Forward(dataplane::Capture& capture) {
    const std::shared_ptr<const View> view = controller_.view();
    interfaces_.Learn(*view);
    std::vector<v1::CapturedPacket> packets;
    capture.Drain([&](uint64_t time_ns, const dataplane::CapturedPacket& packet,
                      std::span<const uint8_t> bytes) {
      Write(*view, time_ns, packet, bytes, &packets.emplace_back());
    });
    std::ranges::stable_sort(packets, {}, &v1::CapturedPacket::time_ns);  // of several workers
    packets.resize(std::min<uint64_t>(packets.size(), left_));
    left_ -= packets.size();
    AddLosses(capture);
    for (v1::CapturedPacket& packet : packets) {
      bytes_ += packet.data().size() + packet.comment().size();
      *message_.add_packets() = std::move(packet);
      if (bytes_ >= kBytesPerMessage && !Send()) return false;
    }
    const bool has_news = message_.packets_size() > 0 || message_.losses_size() > 0;
    if ((has_news || Clock::now() - spoke_ >= kSpeakEvery) && !Send()) return false;
    return left_ > 0;
  }

 private:
  void Write(const View& view, uint64_t time_ns, const dataplane::CapturedPacket& packet,
             std::span<const uint8_t> bytes, v1::CapturedPacket* out) {
    const bool outbound = packet.outbound && packet.drop == dataplane::DropReason::kNone;
    out->set_interface(outbound ? interfaces_.NumberOf(packet.out_port, packet.out_generation)
                                : interfaces_.NumberOf(packet.in_port, packet.in_generation));
    out->set_outbound(outbound);
    out->set_time_ns(time_ns);
    out->set_length(packet.length);
    out->set_data(bytes.data(), bytes.size());
    out->set_comment(CommentOf(packet, view, interfaces_));
    if (packet.drop != dataplane::DropReason::kNone) out->set_reason(DropReasonName(packet.drop));
    out->set_epoch(packet.epoch);
    if (!packet.judged) return;
    const acl::RuleIds* rules = RulesOf(packet, view);
    if (const auto side = SideOf(packet.egress, rules)) WriteSide(*side, out->mutable_egress());
    if (const auto side = SideOf(packet.ingress, rules)) WriteSide(*side, out->mutable_ingress());
  }

  void AddLosses(const dataplane::Capture& capture) {
    for (size_t number = 0; number < interfaces_.all().size(); ++number) {
      const dataplane::PortId id = interfaces_.all()[number].id;
      if (interfaces_.NumberOf(id) != number) continue;
      const uint64_t lost = capture.LostAt(id);
      if (std::exchange(lost_[id], lost) == lost) continue;
      v1::CaptureLoss* loss = message_.add_losses();
      loss->set_interface(static_cast<uint32_t>(number));
      loss->set_packets(lost);
    }
  }

  bool Send() {
    for (; told_ < interfaces_.all().size(); ++told_) {
      v1::CaptureInterface* interface = message_.add_interfaces();
      interface->set_name(interfaces_.all()[told_].name);
      interface->set_description(interfaces_.all()[told_].description);
    }
    const bool sent = writer_.Write(message_);
    message_.Clear();
    bytes_ = 0;
    spoke_ = Clock::now();
    return sent;
  }

  const Controller& controller_;
  uint64_t left_;  // packets
  grpc::ServerWriter<v1::CaptureResponse>& writer_;
  CaptureInterfaces interfaces_;
  size_t told_ = 0;                             // interfaces
  std::map<dataplane::PortId, uint64_t> lost_;  // as told last
  v1::CaptureResponse message_;
  size_t bytes_ = 0;  // in it
  Clock::time_point spoke_;
};

}  // namespace

grpc::Status StreamCapture(const Controller& controller, dataplane::Switch& data_plane,
                           grpc::ServerContext& context, const v1::CaptureRequest& request,
                           grpc::ServerWriter<v1::CaptureResponse>& writer) {
  const auto config = MakeCaptureConfig(WishOf(request), *controller.view());
  if (!config.ok()) return ToGrpcStatus(config.status());
  const auto limits = LimitsOf(request);
  if (!limits.ok()) return ToGrpcStatus(limits.status());
  auto started = data_plane.StartCapture(*config);
  if (!started.ok()) return ToGrpcStatus(started.status());
  RunningCapture running(data_plane, *std::move(started));
  CaptureWriter out(controller, limits->count, writer);
  const auto end = Clock::now() + limits->duration;
  while (!context.IsCancelled() && Clock::now() < end) {
    if (!out.Forward(*running)) return grpc::Status::OK;
    std::this_thread::sleep_for(kDrainEvery);
  }
  running.Stop();  // what was captured until then
  out.Forward(*running);
  return grpc::Status::OK;
}

}  // namespace sluice::control
