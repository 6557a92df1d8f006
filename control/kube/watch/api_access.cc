#include "control/kube/watch/api_access.h"

#include <fmt/format.h>

#include "control/kube/file.h"

namespace sluice::control {
namespace {

constexpr size_t kMaxTokenBytes = size_t{1} << 20;
constexpr const char* kBlanks = " \t\r\n";

}  // namespace

absl::StatusOr<std::string> ApiAccess::ReadToken() const {
  if (token_file.empty()) return token;
  absl::StatusOr<std::string> text = ReadFile(token_file, kMaxTokenBytes);
  if (!text.ok()) return text;
  const size_t last = text->find_last_not_of(kBlanks);
  return last == std::string::npos ? "" : text->substr(0, last + 1);
}

absl::StatusOr<ApiAccess> InClusterAccess(const std::function<const char*(const char*)>& getenv,
                                          const std::string& directory) {
  const char* host = getenv("KUBERNETES_SERVICE_HOST");
  const char* port = getenv("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || port == nullptr) {
    return absl::FailedPreconditionError(
        "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT: not set: not in a pod, so "
        "--kubeconfig is needed");
  }
  const std::string_view address = host;
  const bool v6 = address.find(':') != std::string_view::npos;
  ApiAccess access;
  access.server = v6 ? fmt::format("https://[{}]:{}", address, port)
                     : fmt::format("https://{}:{}", address, port);
  access.authority_file = directory + "/ca.crt";
  access.token_file = directory + "/token";
  return access;
}

}  // namespace sluice::control
