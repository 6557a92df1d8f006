#include "control/capture_request.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <sstream>
#include <utility>
#include <vector>

#include "control/nearest_name.h"
#include "control/packet_frame.h"
#include "control/packet_text.h"

namespace sluice::control {
namespace {

using dataplane::CaptureConfig;
using dataplane::CaptureDirection;
using dataplane::CaptureFilter;
using dataplane::CaptureFlow;
using dataplane::DropReason;

absl::Status SetPort(const CaptureWish& wish, const View& view, CaptureFilter* filter) {
  if (wish.port.empty()) {
    if (wish.direction.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError("direction: is a port's, and no port is given");
  }
  const auto place = view.places.find(wish.port);
  if (place == view.places.end()) {
    return absl::NotFoundError(fmt::format("port {}: does not exist", wish.port));
  }
  filter->port = place->second.attached.id;
  filter->generation = place->second.attached.generation;
  if (wish.direction == "in") filter->direction = CaptureDirection::kIn;
  if (wish.direction == "out") filter->direction = CaptureDirection::kOut;
  if (wish.direction.empty() || filter->direction != CaptureDirection::kEither) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      fmt::format("direction: \"{}\" is neither in nor out", wish.direction));
}

absl::Status ConnectionError(const absl::Status& status) {
  std::string text(status.message());
  const std::string prefix = "packet: ";
  if (text.starts_with(prefix)) text = text.substr(prefix.size());
  return absl::InvalidArgumentError("connection: " + text);
}

// A packet's text has more words behind its ends: here they would be without effect.
bool HasEndsOnly(const std::string& text) {
  std::istringstream words(text);
  std::vector<std::string> all;
  for (std::string word; words >> word;) all.push_back(word);
  const size_t ends = all.empty() || all[0] != "proto" ? 4 : 5;
  return all.size() == ends;
}

absl::Status SetFlow(const CaptureWish& wish, const View& view, CaptureFilter* filter) {
  if (wish.connection.empty()) return absl::OkStatus();
  const auto text = ParsePacketText(wish.connection);
  if (!text.ok()) return ConnectionError(text.status());
  if (!text->raw.empty() || !HasEndsOnly(wish.connection)) {
    return absl::InvalidArgumentError(fmt::format(
        "connection: \"{}\" is not PROTOCOL SOURCE > DESTINATION alone", wish.connection));
  }
  const auto ends = ResolveEnds(*text, view);
  if (!ends.ok()) return ConnectionError(ends.status());
  const bool v4 = ends->first.family == acl::Family::kIpv4;
  CaptureFlow flow{.protocol = text->protocol,
                   .one = {ends->first, text->from.port},
                   .other = {ends->second, text->to.port}};
  if (text->icmp) flow.protocol = v4 ? uint8_t{IPPROTO_ICMP} : uint8_t{IPPROTO_ICMPV6};
  filter->flow = flow;
  return absl::OkStatus();
}

absl::Status SetReason(const CaptureWish& wish, CaptureFilter* filter) {
  filter->dropped = wish.dropped || !wish.reason.empty();
  if (wish.reason.empty()) return absl::OkStatus();
  std::vector<std::string> names;
  for (size_t i = 1; i < dataplane::kDropReasonCount; ++i) {
    names.emplace_back(DropReasonName(static_cast<DropReason>(i)));
    if (names.back() != wish.reason) continue;
    filter->reason = static_cast<DropReason>(i);
    return absl::OkStatus();
  }
  const std::string nearest = NearestName(wish.reason, names);
  return absl::InvalidArgumentError(
      fmt::format("reason: \"{}\" is no drop reason{}", wish.reason,
                  nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest)));
}

absl::Status SetBounds(const CaptureWish& wish, CaptureConfig* config) {
  if (wish.snaplen > CaptureConfig::kMaxSnaplen) {
    return absl::InvalidArgumentError(
        fmt::format("snaplen: {} is above {}", wish.snaplen, CaptureConfig::kMaxSnaplen));
  }
  if (wish.snaplen != 0) config->snaplen = wish.snaplen;
  if (wish.buffer_kib == 0) return absl::OkStatus();
  constexpr uint32_t kKib = 1024;
  if (wish.buffer_kib < CaptureConfig::kMinRing / kKib ||
      wish.buffer_kib > CaptureConfig::kMaxRing / kKib) {
    return absl::InvalidArgumentError(fmt::format("buffer_kib: {} is not between {} and {}",
                                                  wish.buffer_kib, CaptureConfig::kMinRing / kKib,
                                                  CaptureConfig::kMaxRing / kKib));
  }
  config->ring_bytes = wish.buffer_kib * kKib;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CaptureConfig> MakeCaptureConfig(const CaptureWish& wish, const View& view) {
  CaptureConfig config;
  for (const absl::Status& status :
       {SetPort(wish, view, &config.filter), SetFlow(wish, view, &config.filter),
        SetReason(wish, &config.filter), SetBounds(wish, &config)}) {
    if (!status.ok()) return status;
  }
  return config;
}

}  // namespace sluice::control
