#include <algorithm>
#include <chrono>
#include <map>

#include "control/cni/cni_error.h"
#include "control/cni/commands.h"
#include "control/cni/detach.h"
#include "control/cni/sweep.h"

namespace sluice::cni {
namespace {

// One error that says all of them.
class Errors {
 public:
  void Add(const absl::Status& status) {
    if (status.ok()) return;
    if (code_ == 0) code_ = CodeOf(status);
    text_ += (text_.empty() ? "" : "; ") + std::string(status.message());
  }
  absl::Status Take() const { return code_ == 0 ? absl::OkStatus() : Fail(code_, text_); }

 private:
  int code_ = 0;
  std::string text_;
};

using Stale = std::map<std::string, Record>;  // by attachment

bool IsStale(const Call& call, const AttachmentId& id) {
  return id.network == call.config.name &&
         std::ranges::find(*call.config.valid, std::pair(id.container, id.ifname)) ==
             call.config.valid->end();
}

void AddRecords(const Call& call, Stale* stale, Errors* errors) {
  const auto records = call.store.List();
  errors->Add(records.status());
  if (!records.ok()) return;
  for (const Record& record : *records) {
    if (IsStale(call, record.id)) stale->emplace(ToText(record.id), record);
  }
}

// Ports whose records were lost.
void AddPorts(const Call& call, Stale* stale, Errors* errors) {
  const auto ports = call.daemon.ListPorts();
  errors->Add(ports.status());
  if (!ports.ok()) return;
  for (const PortState& port : *ports) {
    const auto id = ParseAttachment(port.spec.attachment);
    if (!id || !IsStale(call, *id)) continue;
    stale->emplace(port.spec.attachment, RecordOf(*id, call.config.daemon, port.spec));
  }
}

absl::Status Collect(const Call& call, const Record& found,
                     std::chrono::steady_clock::time_point deadline) {
  const auto lock = call.store.Lock(found.id, deadline);
  if (!lock.ok()) return lock.status();
  const auto now = call.store.Load(found.id);
  return Detach(call, now.ok() && *now ? **now : found);
}

}  // namespace

absl::Status CollectGarbage(const Call& call) {
  if (!call.config.valid) {  // nor may IPAM think that all is stale
    Sweep(call);
    return absl::OkStatus();
  }
  Stale stale;
  Errors errors;
  AddRecords(call, &stale, &errors);
  AddPorts(call, &stale, &errors);
  const auto deadline = std::chrono::steady_clock::now() + call.config.timeout;
  for (const auto& [attachment, record] : stale) errors.Add(Collect(call, record, deadline));
  Sweep(call);
  errors.Add(call.ipam.Gc());
  return errors.Take();
}

}  // namespace sluice::cni
