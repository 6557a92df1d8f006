#include "control/grpc/state_keeper.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "control/deleted_ports.h"
#include "control/grpc/saved_state.h"
#include "control/grpc/state_file.h"

namespace sluice::control {
namespace {

constexpr char kObjects[] = "objects", kPorts[] = "ports";

absl::Status ReadOrSetAside(const std::string& directory, const char* name,
                            google::protobuf::MessageLite* content) {
  const std::string path = fmt::format("{}/{}", directory, name);
  const absl::Status status = ReadStateFile(path, name, content);
  if (status.ok() || absl::IsNotFound(status)) return absl::OkStatus();
  if (!absl::IsDataLoss(status)) return status;
  content->Clear();
  spdlog::error("{}: set aside as {}.damaged", std::string(status.message()), name);
  if (rename(path.c_str(), (path + ".damaged").c_str()) == 0) return absl::OkStatus();
  return absl::UnavailableError(
      fmt::format("{}: cannot be set aside: {}", path, std::strerror(errno)));
}

// Each problem once, and that it is over.
void Complain(const char* what, const absl::Status& status, std::string* last) {
  const std::string problem(status.message());
  if (problem == *last) return;
  if (status.ok()) {
    spdlog::info("{} are kept for the next process again", what);
  } else {
    spdlog::error("{} are not kept for the next process: {}", what, problem);
  }
  *last = problem;
}

bool SameObjects(const DesiredState& one, const DesiredState& other) {
  return one.synced_versions() == other.synced_versions() &&
         one.namespaces() == other.namespaces() && one.nodes() == other.nodes() &&
         one.endpoints() == other.endpoints() && one.policies() == other.policies() &&
         one.multi_policies() == other.multi_policies() &&
         one.sluice_policies() == other.sluice_policies() &&
         one.cluster_policies() == other.cluster_policies();
}

}  // namespace

absl::StatusOr<std::unique_ptr<StateKeeper>> StateKeeper::Open(const std::string& directory,
                                                               std::chrono::milliseconds interval) {
  const auto failed = [&directory](const char* doing) {
    return absl::UnavailableError(
        fmt::format("state directory {}: {}: {}", directory, doing, std::strerror(errno)));
  };
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return failed("cannot be made");
  const std::string deleted = DeletedPortsIn(directory);
  if (mkdir(deleted.c_str(), 0700) != 0 && errno != EEXIST) return failed("cannot be used");
  const std::string lock = directory + "/lock";
  FileDescriptor file(open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.IsOpen()) return failed("cannot be locked");
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return failed("cannot be locked");
    return absl::FailedPreconditionError(
        fmt::format("state directory {}: another process has it", directory));
  }
  std::unique_ptr<StateKeeper> keeper(new StateKeeper(directory, std::move(file), interval));
  if (absl::Status status = keeper->Read(); !status.ok()) {
    return absl::UnavailableError(
        fmt::format("state directory {}: {}", directory, std::string(status.message())));
  }
  return keeper;
}

StateKeeper::StateKeeper(std::string directory, FileDescriptor lock,
                         std::chrono::milliseconds interval)
    : directory_(std::move(directory)), lock_(std::move(lock)), interval_(interval) {}

StateKeeper::~StateKeeper() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

absl::Status StateKeeper::Read() {
  if (absl::Status status = ReadOrSetAside(directory_, kObjects, &objects_); !status.ok()) {
    return status;
  }
  absl::Status status = ReadOrSetAside(directory_, kPorts, &ports_);
  if (status.ok()) ForgetDeleted();
  return status;
}

void StateKeeper::ForgetDeleted() {
  deleted_ = DeletedMeanwhile();
  for (const std::string& name : deleted_) {
    auto& ports = *ports_.mutable_ports();
    const auto gone = std::remove_if(ports.begin(), ports.end(),
                                     [&](const v1::PortSpec& port) { return port.name() == name; });
    if (gone != ports.end()) spdlog::info("port {}: was deleted meanwhile", name);
    ports.erase(gone, ports.end());
  }
}

std::vector<std::string> StateKeeper::DeletedMeanwhile() const {
  std::vector<std::string> names;
  std::error_code error;
  const std::filesystem::directory_iterator files(DeletedPortsIn(directory_), error);
  for (const auto& file : files) names.push_back(file.path().filename());
  return names;
}

void StateKeeper::ForgetDeletion(const std::string& port) const {
  unlink((DeletedPortsIn(directory_) + "/" + port).c_str());
}

void StateKeeper::Begin(const std::shared_ptr<const View>& view) {
  objects_.Clear();  // they are in force now
  ports_.Clear();
  {
    const std::lock_guard guard(mutex_);
    begun_ = true;
  }
  Changed(view);
  thread_ = std::thread([this] { Run(); });
  const std::lock_guard guard(mutex_);
  if (saved_ports_of_ == nullptr) return;
  for (const std::string& port : deleted_) ForgetDeletion(port);  // the ports are saved without
}

void StateKeeper::Changed(const std::shared_ptr<const View>& view) {
  const std::lock_guard guard(mutex_);
  if (!begun_) return;
  if (newest_ != nullptr && view->snapshot->epoch < newest_->snapshot->epoch) return;
  newest_ = view;
  WritePorts(*view);
  wake_.notify_one();
}

void StateKeeper::KeepAside() const {
  const std::string path = fmt::format("{}/{}", directory_, kPorts);
  std::error_code error;
  std::filesystem::copy_file(path, path + ".before",
                             std::filesystem::copy_options::overwrite_existing, error);
  if (error) spdlog::error("{}: cannot be kept aside: {}", path, error.message());
}

bool StateKeeper::WritePorts(const View& view) {
  const PortTable& table = view.state->ports();
  if (saved_ports_of_ != nullptr) {
    const PortTable& saved = saved_ports_of_->ports();
    if (&saved == &table || saved == table) return true;
  }
  const absl::Status status =
      WriteStateFile(fmt::format("{}/{}", directory_, kPorts), kPorts, SavePorts(view));
  Complain(kPorts, status, &ports_complaint_);
  if (status.ok()) saved_ports_of_ = view.state;
  return status.ok();
}

void StateKeeper::Run() {
  std::unique_lock lock(mutex_);
  for (std::shared_ptr<const View> written; !stopping_ || newest_ != written;) {
    wake_.wait(lock, [&] { return stopping_ || newest_ != written; });
    wake_.wait_for(lock, interval_, [&] { return stopping_; });  // more may come
    const bool last = stopping_;
    const std::shared_ptr<const View> view = newest_;
    const bool ports = WritePorts(*view);  // if it could not be when they changed
    lock.unlock();
    const bool objects = WriteObjects(*view);
    lock.lock();
    if (ports && objects) written = view;
    if (last) return;
  }
}

bool StateKeeper::WriteObjects(const View& view) {
  if (saved_objects_of_ != nullptr && SameObjects(*saved_objects_of_, *view.state)) return true;
  const absl::Status status = WriteStateFile(fmt::format("{}/{}", directory_, kObjects), kObjects,
                                             SaveObjects(*view.state));
  Complain(kObjects, status, &objects_complaint_);
  if (status.ok()) saved_objects_of_ = view.state;
  return status.ok();
}

}  // namespace sluice::control
