// What the plugin remembers between its calls: a file an attachment in the state directory.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "control/cni/attachment.h"
#include "control/cni/attachment_lock.h"

namespace sluice::cni {

struct Record {
  // kAdding: an ADD is under way, or was killed. kGone: deleted while the daemon could not be told;
  // its port is to be deleted when it can.
  enum class State { kAdding, kAdded, kGone };

  State state = State::kAdding;
  AttachmentId id;
  std::string daemon;
  std::string netns;
  std::string mac;
  std::vector<std::string> addresses;  // "ADDRESS/LENGTH"
  std::string socket_path;             // empty: none was made
  std::string interface;               // of a tap, in `netns`; empty: none was made
  std::vector<nlohmann::json> routes;  // that were made for it, as a result has them
  std::string pci;                     // of the virtual function; empty: it is none
  std::string own_mac;                 // that this had before; empty: it is not to be put back
  std::string device_info_file;        // empty: none was written
};

// Each file is written whole (whole_file.h); who changes one holds its attachment's lock.
class AttachmentStore {
 public:
  explicit AttachmentStore(std::string directory) : directory_(std::move(directory)) {}

  // From here to the lock's end, no other call changes this attachment. Errors: attachment_lock.h.
  absl::StatusOr<AttachmentLock> Lock(const AttachmentId& id,
                                      std::chrono::steady_clock::time_point deadline) const;
  // Nothing: there is no record. Errors: kIo naming the file, also for one that cannot be
  // understood.
  absl::StatusOr<std::optional<Record>> Load(const AttachmentId& id) const;
  absl::Status Save(const Record& record) const;      // Errors: kIo
  absl::Status Remove(const AttachmentId& id) const;  // Errors: kIo
  // Of all networks, in no order; what cannot be read is left out. Errors: kIo for the directory.
  absl::StatusOr<std::vector<Record>> List() const;

 private:
  std::string PathOf(const AttachmentId& id) const;

  const std::string directory_;
};

}  // namespace sluice::cni
