#include "control/cni/sweep.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <filesystem>
#include <system_error>

#include "control/cni/daemon_tombstone.h"
#include "control/cni/detach.h"

namespace sluice::cni {
namespace {

using Clock = std::chrono::steady_clock;

bool IsNamespace(const std::filesystem::path& path) {
  struct statfs info {};
  return statfs(path.c_str(), &info) == 0 && info.f_type == NSFS_MAGIC;
}

bool HasNamespace(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::directory_iterator files(directory, error);
  for (; !error && files != std::filesystem::directory_iterator(); files.increment(error)) {
    if (IsNamespace(files->path())) return true;
  }
  return false;
}

bool IsTombstone(const Record& record) { return record.state == Record::State::kGone; }

// Whether nobody will call for it any more.
bool IsLeft(const Call& call, const Record& record) {
  if (record.daemon != call.config.daemon) return false;
  if (IsTombstone(record)) return true;
  return record.id.network == call.config.name && IsNamespaceGone(record.netns);
}

// Whether the daemon could be told.
bool TakeTombstone(const Call& call, const Record& record) {
  const absl::Status deleted = DeletePort(call, PortNameOf(record.id));
  if (IsAway(deleted)) return false;
  // A port that came back with the daemon may have brought its interface.
  if (deleted.ok() && RemoveFiles(record).ok()) call.store.Remove(record.id).IgnoreError();
  return true;
}

// As above. If not, it is a tombstone from now on.
bool TakeVanished(const Call& call, const Record& record) {
  Detach(call, record).IgnoreError();
  const auto left = call.store.Load(record.id);
  return !left.ok() || !*left || !IsTombstone(**left);
}

}  // namespace

bool IsNamespaceGone(const std::string& path) {
  const std::filesystem::path file(path);
  std::error_code error;
  const auto found = std::filesystem::symlink_status(file, error);
  return found.type() == std::filesystem::file_type::not_found && HasNamespace(file.parent_path());
}

void Sweep(const Call& call) {
  SweepUntil(Clock::now() + std::chrono::milliseconds(call.config.timeout) / 4, call);
}

void SweepUntil(Clock::time_point deadline, const Call& call) {
  const auto records = call.store.List();
  if (!records.ok()) return;
  for (const Record& record : *records) {
    if (!IsLeft(call, record)) continue;
    if (Clock::now() >= deadline) return;
    const auto lock = call.store.Lock(record.id, Clock::time_point::min());
    if (!lock.ok()) continue;  // whoever has it does as much
    const auto now = call.store.Load(record.id);
    if (!now.ok() || !*now || !IsLeft(call, **now)) continue;
    const bool told = IsTombstone(**now) ? TakeTombstone(call, **now) : TakeVanished(call, **now);
    if (!told) return;  // so would the others be, each as long
  }
}

}  // namespace sluice::cni
