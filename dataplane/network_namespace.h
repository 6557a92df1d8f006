// The calling thread in another network namespace, for a while.
//
// Sockets, and taps, belong to the namespace in which they were made, wherever they are used.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <utility>

namespace sluice::dataplane {

// Whether `path` is the network namespace that the thread is in. One that is not there is not.
bool IsOwnNetworkNamespace(const std::string& path);

// From Enter until its end, what the thread makes is made in there; other threads stay where they
// are. Ends in the thread that began it. Move-only.
class NetworkNamespaceScope {
 public:
  // `path`: as of /run/netns/NAME. Errors: NotFound (there is none: no such file, or what one left
  // behind), FailedPrecondition (it may not be entered, or is the one that the thread is in);
  // "network namespace PATH: REASON".
  static absl::StatusOr<NetworkNamespaceScope> Enter(const std::string& path);

  NetworkNamespaceScope(NetworkNamespaceScope&& other) noexcept
      : home_(std::exchange(other.home_, -1)) {}
  NetworkNamespaceScope& operator=(NetworkNamespaceScope&&) = delete;
  ~NetworkNamespaceScope();

 private:
  explicit NetworkNamespaceScope(int home) : home_(home) {}

  int home_;  // the namespace to go back to; -1: none
};

}  // namespace sluice::dataplane
