#include "control/cni/detach.h"

#include "control/cni/cni_error.h"
#include "control/cni/socket_path.h"
#include "control/cni/whole_file.h"

namespace sluice::cni {
namespace {

void Keep(absl::Status* first, const absl::Status& status) {
  if (first->ok()) *first = status;
}

bool IsAway(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
}

}  // namespace

absl::Status Detach(const Call& call, const Record& record) {
  const absl::Status port = call.daemon.DeletePort(PortNameOf(record.id));
  absl::Status files;
  if (!record.socket_path.empty()) Keep(&files, RemoveSocket(record.socket_path));
  if (!record.device_info_file.empty()) Keep(&files, RemoveFile(record.device_info_file));
  const absl::Status addresses = call.ipam.Delete(record.id, record.netns);
  absl::Status first = IsAway(port) ? absl::OkStatus() : port;
  Keep(&first, addresses);
  Keep(&first, files);
  if (IsAway(port) && addresses.ok()) {
    Record gone = record;
    gone.state = Record::State::kGone;
    Keep(&first, call.store.Save(gone));
  } else if (port.ok() && addresses.ok()) {
    Keep(&first, call.store.Remove(record.id));
  }
  return first;
}

void SweepGone(const Call& call) {
  const auto records = call.store.List();
  if (!records.ok()) return;
  for (const Record& record : *records) {
    if (record.state != Record::State::kGone || record.daemon != call.config.daemon) continue;
    const absl::Status deleted = call.daemon.DeletePort(PortNameOf(record.id));
    if (IsAway(deleted)) return;  // so would the others be, each as long
    if (deleted.ok()) call.store.Remove(record.id).IgnoreError();
  }
}

}  // namespace sluice::cni
