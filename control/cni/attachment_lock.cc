#include "control/cni/attachment_lock.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <limits>
#include <system_error>
#include <thread>

#include "control/cni/cni_error.h"
#include "control/whole_file.h"

namespace sluice::cni {
namespace {

using Clock = std::chrono::steady_clock;

// The kernel wakes no waiter at a given time.
constexpr std::chrono::milliseconds kPause{10};

// Whether the lock was there to take; else errno says why not.
bool TryTake(int file, uint64_t hash) {
  struct flock place {};
  place.l_type = F_WRLCK;
  place.l_whence = SEEK_SET;
  place.l_start = static_cast<off_t>(hash & (std::numeric_limits<off_t>::max() >> 1));
  place.l_len = 1;
  return fcntl(file, F_OFD_SETLK, &place) == 0;
}

}  // namespace

absl::StatusOr<AttachmentLock> AttachmentLock::Take(const std::string& directory,
                                                    const AttachmentId& id,
                                                    Clock::time_point deadline) {
  const std::string path = directory + "/lock";
  const auto failed = [&path](const std::string& why) {
    return Fail(kIo,
                fmt::format("stateDirectory: {}: {}: choose one that can be written", path, why));
  };
  const absl::Status made = control::MakeDirectories(directory);
  if (!made.ok()) return failed(std::string(made.message()));
  control::FileDescriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.IsOpen()) return failed(std::generic_category().message(errno));
  while (!TryTake(file.get(), HashOf(id))) {
    if (errno != EAGAIN && errno != EACCES && errno != EINTR) {
      return failed(std::generic_category().message(errno));
    }
    if (Clock::now() >= deadline) {
      return Fail(kTryAgain,
                  fmt::format("attachment {}: another call for it is under way: try again "
                              "when it has ended",
                              ToText(id)));
    }
    std::this_thread::sleep_for(kPause);
  }
  return AttachmentLock(std::move(file));
}

}  // namespace sluice::cni
