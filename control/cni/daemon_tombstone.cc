#include "control/cni/daemon_tombstone.h"

#include "control/cni/cni_error.h"
#include "control/deleted_ports.h"
#include "control/whole_file.h"

namespace sluice::cni {
namespace {

constexpr const char* kWho = "daemonStateDirectory: ";

std::string FileOf(const Call& call, const std::string& name) {
  return control::DeletedPortsIn(call.config.daemon_state_directory) + "/" + name;
}

// A directory that is not there holds no ports that could come back.
absl::Status Remember(const Call& call, const std::string& name) {
  if (call.config.daemon_state_directory.empty()) return absl::OkStatus();
  const absl::Status written = control::WriteWholeFile(FileOf(call, name), "", 0600);
  return absl::IsNotFound(written) ? absl::OkStatus() : FailIo(kWho, written);
}

}  // namespace

// The file comes first: a daemon that starts meanwhile sees it, or answers.
absl::Status DeletePort(const Call& call, const std::string& name) {
  const absl::Status remembered = Remember(call, name);
  const absl::Status deleted = call.daemon.DeletePort(name);
  if (deleted.ok()) return ForgetDeletion(call, name);
  return IsAway(deleted) && !remembered.ok() ? remembered : deleted;
}

absl::Status ForgetDeletion(const Call& call, const std::string& name) {
  if (call.config.daemon_state_directory.empty()) return absl::OkStatus();
  return FailIo(kWho, control::RemoveFile(FileOf(call, name)));
}

bool IsAway(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
}

}  // namespace sluice::cni
