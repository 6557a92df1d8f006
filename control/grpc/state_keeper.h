// Keeps what is desired in a directory, so that the next process has it in force before its first
// packet: ports and networks (`ports`) before anyone hears that they changed, objects (`objects`)
// within a second, by a thread of its own.
//
// A port that is deleted while no process runs leaves a file of its name in `deleted`, made by who
// deleted it: such a port does not come back.
//
// Objects may be a second old after a crash. So no source counts as having synced after a restart:
// one that continues from a version (the watcher) has to send everything again. What takes no
// writing (a full disk) is logged once and tried again every second.
#pragma once

#include <absl/status/statusor.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "control/file_descriptor.h"
#include "control/state_listener.h"
#include "sluice/v1/state.pb.h"

namespace sluice::control {

class StateKeeper : public StateListener {
 public:
  static constexpr std::chrono::milliseconds kInterval{1000};  // between two writes of objects

  // Makes the directory (its parent must exist), locks it and reads what is there. A file that
  // cannot be understood is set aside as NAME.damaged, logged, and counts as absent. Errors:
  // FailedPrecondition (another process has it), Unavailable; all "state directory PATH: ...".
  static absl::StatusOr<std::unique_ptr<StateKeeper>> Open(
      const std::string& directory, std::chrono::milliseconds interval = kInterval);
  // Tries once more to write what is not written yet.
  ~StateKeeper() override;

  const v1::SavedObjects& objects() const { return objects_; }
  const v1::SavedPorts& ports() const { return ports_; }

  // Before Begin: not all that was read is in force. `ports` stays there as `ports.before`.
  void KeepAside() const;
  // From now on changes are kept; before, nothing is written. Once.
  void Begin(const std::shared_ptr<const View>& view);
  void Changed(const std::shared_ptr<const View>& view) override;

  // Ports of which word was left, that they are deleted, since all was read; and that it is done.
  std::vector<std::string> DeletedMeanwhile() const;
  void ForgetDeletion(const std::string& port) const;

 private:
  StateKeeper(std::string directory, FileDescriptor lock, std::chrono::milliseconds interval);
  absl::Status Read();
  void ForgetDeleted();
  void Run();
  // Whether what is on disk is `view`'s.
  bool WritePorts(const View& view);
  bool WriteObjects(const View& view);

  const std::string directory_;
  const FileDescriptor lock_;
  const std::chrono::milliseconds interval_;
  v1::SavedObjects objects_;
  v1::SavedPorts ports_;
  std::vector<std::string> deleted_;  // ports that were when all was read

  std::mutex mutex_;
  std::condition_variable wake_;
  bool begun_ = false, stopping_ = false;                 // mutex_
  std::shared_ptr<const View> newest_;                    // mutex_
  std::shared_ptr<const DesiredState> saved_ports_of_;    // mutex_
  std::string ports_complaint_;                           // mutex_; what was logged last
  std::shared_ptr<const DesiredState> saved_objects_of_;  // thread_
  std::string objects_complaint_;                         // thread_
  std::thread thread_;
};

}  // namespace sluice::control
