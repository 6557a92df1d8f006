// Where the daemon listens: a unix socket that only its owner may open.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string>

namespace sluice::control {

// The socket path of "unix:///run/sluice/sluiced.sock" (or "unix:PATH"). Errors: InvalidArgument
// "listen: ..." for TCP, which needs mutual TLS and has none yet, for relative or empty paths and
// for those a unix socket cannot carry.
absl::StatusOr<std::string> ParseListenAddress(const std::string& address);

// Makes way for a socket at `path`: creates its directory (owner-only) and removes a socket that
// nobody listens on. Errors, "listen: PATH: ...": AlreadyExists (not a socket, or somebody
// listens), FailedPrecondition with the system's words.
absl::Status PrepareSocketPath(const std::string& path);

// While it lives, files this process creates are their owner's only. Process-wide: for start-up.
class OwnerOnlyFiles {
 public:
  OwnerOnlyFiles();
  ~OwnerOnlyFiles();
  OwnerOnlyFiles(const OwnerOnlyFiles&) = delete;
  OwnerOnlyFiles& operator=(const OwnerOnlyFiles&) = delete;

 private:
  unsigned previous_;
};

}  // namespace sluice::control
