#include "control/kube/watch/resource.h"

#include <fmt/format.h>

namespace sluice::control {

std::string EscapeQuery(std::string_view text) {
  constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string escaped;
  for (const char c : text) {
    if (kUnreserved.find(c) != std::string_view::npos) {
      escaped.push_back(c);
    } else {
      escaped += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

std::string ListTarget(const std::string& path, const std::string& continue_token) {
  std::string target = fmt::format("{}?limit={}", path, kPageSize);
  if (!continue_token.empty()) target += "&continue=" + EscapeQuery(continue_token);
  return target;
}

std::string WatchTarget(const std::string& path, const std::string& resource_version,
                        unsigned timeout_s) {
  return fmt::format("{}?watch=true&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={}",
                     path, EscapeQuery(resource_version), timeout_s);
}

std::string StreamingListTarget(const std::string& path, unsigned timeout_s) {
  return fmt::format(
      "{}?watch=true&allowWatchBookmarks=true&sendInitialEvents=true"
      "&resourceVersionMatch=NotOlderThan&timeoutSeconds={}",
      path, timeout_s);
}

}  // namespace sluice::control
