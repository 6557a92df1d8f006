#include "control/cni/cni_error.h"

#include <charconv>

namespace sluice::cni {
namespace {

constexpr const char* kPayload = "sluice.cni/code";

struct Row {
  int code;
  const char* meaning;
};
constexpr Row kMeanings[] = {
    {kIncompatibleVersion, "incompatible CNI version"},
    {kUnsupportedField, "unsupported field in the network configuration"},
    {kUnknownContainer, "container unknown or does not exist"},
    {kEnvironment, "invalid environment variables"},
    {kIo, "I/O failure"},
    {kDecode, "failed to decode content"},
    {kConfig, "invalid network configuration"},
    {kTryAgain, "try again later"},
    {kNotAvailable, "the plugin is not available"},
    {kLimited, "the plugin is not available, and containers may have limited connectivity"},
    {kInternal, "internal error"},
    {kRefused, "refused by the switch"},
    {kIpam, "the IPAM plugin failed"},
    {kCheck, "the attachment is not what it was made"},
    {kExists, "the interface exists already"},
};

const char* MeaningOf(int code) {
  for (const Row& row : kMeanings) {
    if (row.code == code) return row.meaning;
  }
  return "error of the IPAM plugin";
}

}  // namespace

absl::Status Fail(int code, const std::string& message) {
  absl::Status status = absl::UnknownError(message);
  status.SetPayload(kPayload, absl::Cord(std::to_string(code)));
  return status;
}

absl::Status FailIo(const std::string& who, const absl::Status& status) {
  return status.ok() ? status : Fail(kIo, who + std::string(status.message()));
}

int CodeOf(const absl::Status& status) {
  if (const auto payload = status.GetPayload(kPayload)) {
    const std::string text(*payload);
    int code = kInternal;
    std::from_chars(text.data(), text.data() + text.size(), code);
    return code;
  }
  const bool passes = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
                      absl::IsResourceExhausted(status) || absl::IsAborted(status);
  return passes ? kTryAgain : kRefused;
}

nlohmann::json ErrorToJson(const absl::Status& status, const std::string& cni_version) {
  const int code = CodeOf(status);
  return {{"cniVersion", cni_version},
          {"code", code},
          {"msg", std::string(status.message())},
          {"details", MeaningOf(code)}};
}

}  // namespace sluice::cni
