#include "control/cni/detach.h"

#include "control/cni/cni_error.h"
#include "control/cni/daemon_tombstone.h"
#include "control/cni/pod_interface.h"
#include "control/cni/socket_path.h"
#include "control/whole_file.h"

namespace sluice::cni {
namespace {

void Keep(absl::Status* first, const absl::Status& status) {
  if (first->ok()) *first = status;
}

// What the driver refuses is no reason to keep a pod from ending: the next one's ADD sets another.
void PutMacBack(const Call& call, const Record& record) {
  const auto mac = dataplane::MacAddress::Parse(record.own_mac);
  const auto function = FindVirtualFunction(call.machine.sysfs, "pci", record.pci);
  if (mac.ok() && function.ok()) call.machine.set_mac(*function, *mac).IgnoreError();
}

}  // namespace

Record RecordOf(const AttachmentId& id, const std::string& daemon,
                const dataplane::PortSpec& port) {
  Record record;
  record.id = id;
  record.daemon = daemon;
  record.netns = port.netns;
  record.mac = port.mac.ToString();
  if (port.kind == dataplane::PortKind::kTap) {
    record.interface = port.path;
  } else if (port.kind != dataplane::PortKind::kRepresentor) {
    record.socket_path = port.path;
  }
  return record;
}

absl::Status RemoveFiles(const Record& record) {
  absl::Status files;
  if (!record.socket_path.empty()) Keep(&files, RemoveSocket(record.socket_path));
  if (!record.interface.empty()) Keep(&files, TakeAway(record.netns, record.interface, record.mac));
  if (!record.device_info_file.empty()) {
    Keep(&files, FailIo("device information: ", control::RemoveFile(record.device_info_file)));
  }
  return files;
}

absl::Status Detach(const Call& call, const Record& record) {
  const absl::Status port = DeletePort(call, PortNameOf(record.id));
  if (!record.own_mac.empty()) {
    PutMacBack(call, record);
    Record put = record;
    put.own_mac.clear();  // once: if this has to be tried again, it may be another pod's
    call.store.Save(put).IgnoreError();
  }
  const absl::Status files = RemoveFiles(record);
  const absl::Status addresses = call.ipam.Delete(record.id, record.netns);
  absl::Status first = IsAway(port) ? absl::OkStatus() : port;
  Keep(&first, addresses);
  Keep(&first, files);
  if (IsAway(port) && addresses.ok()) {
    Record gone = record;
    gone.state = Record::State::kGone;
    gone.own_mac.clear();  // it may be another pod's when the daemon is told
    Keep(&first, call.store.Save(gone));
  } else if (first.ok()) {
    Keep(&first, call.store.Remove(record.id));
  }
  return first;
}

}  // namespace sluice::cni
