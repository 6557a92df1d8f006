#include "control/cni/attachment_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "control/cni/cni_error.h"
#include "control/cni/key_reader.h"
#include "control/cni/parse_json.h"
#include "control/cni/result.h"
#include "control/kube/file.h"
#include "control/whole_file.h"

namespace sluice::cni {
namespace {

using nlohmann::json;

constexpr size_t kMaxRecordBytes = size_t{1} << 20;

struct StateName {
  Record::State state;
  const char* name;
};
constexpr StateName kStates[] = {{Record::State::kAdding, "adding"},
                                 {Record::State::kAdded, "added"},
                                 {Record::State::kGone, "gone"}};

json RecordToJson(const Record& record) {
  const auto state = std::ranges::find(kStates, record.state, &StateName::state);
  return {{"state", state->name},
          {"network", record.id.network},
          {"container", record.id.container},
          {"ifname", record.id.ifname},
          {"daemon", record.daemon},
          {"netns", record.netns},
          {"mac", record.mac},
          {"addresses", record.addresses},
          {"socketPath", record.socket_path},
          {"interface", record.interface},
          {"routes", record.routes},
          {"pci", record.pci},
          {"ownMac", record.own_mac},
          {"deviceInfoFile", record.device_info_file}};
}

// Whatever bytes the environment held, there is a text.
std::string FileText(const Record& record) {
  return RecordToJson(record).dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

absl::StatusOr<Record> RecordFromJson(const json& from) {
  KeyReader keys(from, "");
  const std::string state = keys.Text("state");
  const auto row = std::ranges::find(kStates, state, &StateName::name);
  Record record;
  record.id = {keys.Text("network"), keys.Text("container"), keys.Text("ifname")};
  record.daemon = keys.Text("daemon");
  record.netns = keys.Text("netns");
  record.mac = keys.Text("mac");
  record.addresses = keys.Texts("addresses");
  record.socket_path = keys.Text("socketPath");
  record.interface = keys.Text("interface");
  record.pci = keys.Text("pci");
  record.own_mac = keys.Text("ownMac");
  record.device_info_file = keys.Text("deviceInfoFile");
  if (!keys.status().ok()) return keys.status();
  if (row == std::end(kStates)) return Fail(kIo, "has no state");
  record.state = row->state;
  const json routes = {{"routes", from.value("routes", json(nullptr))}};
  auto parsed = ParseResult(routes, "record");
  if (!parsed.ok()) return parsed.status();
  record.routes = std::move(parsed->routes);
  return record;
}

absl::StatusOr<Record> ReadRecord(const std::string& path) {
  const auto text = control::ReadFile(path, kMaxRecordBytes);
  if (!text.ok()) return text.status();
  auto record = RecordFromJson(ParseJson(*text));
  if (record.ok()) return record;
  return Fail(kIo, fmt::format("{}: is no record of this plugin: delete it", path));
}

}  // namespace

std::string AttachmentStore::PathOf(const AttachmentId& id) const {
  return fmt::format("{}/{}.json", directory_, PortNameOf(id));
}

absl::StatusOr<AttachmentLock> AttachmentStore::Lock(
    const AttachmentId& id, std::chrono::steady_clock::time_point deadline) const {
  return AttachmentLock::Take(directory_, id, deadline);
}

absl::StatusOr<std::optional<Record>> AttachmentStore::Load(const AttachmentId& id) const {
  auto record = ReadRecord(PathOf(id));
  if (absl::IsNotFound(record.status())) return std::nullopt;
  if (!record.ok()) return Fail(kIo, "state: " + std::string(record.status().message()));
  return *std::move(record);
}

absl::Status AttachmentStore::Save(const Record& record) const {
  absl::Status written = control::MakeDirectories(directory_);
  if (written.ok()) written = control::WriteWholeFile(PathOf(record.id), FileText(record), 0644);
  if (written.ok()) return written;
  return Fail(kIo, fmt::format("stateDirectory: {}: choose one that can be written",
                               std::string(written.message())));
}

absl::Status AttachmentStore::Remove(const AttachmentId& id) const {
  return FailIo("stateDirectory: ", control::RemoveFile(PathOf(id)));
}

absl::StatusOr<std::vector<Record>> AttachmentStore::List() const {
  std::vector<Record> records;
  std::error_code error;
  if (!std::filesystem::exists(directory_, error)) return records;
  std::filesystem::directory_iterator files(directory_, error);
  if (error) return Fail(kIo, fmt::format("stateDirectory: {}: {}", directory_, error.message()));
  for (; !error && files != std::filesystem::directory_iterator(); files.increment(error)) {
    if (files->path().extension() != ".json") continue;
    auto record = ReadRecord(files->path().string());
    if (record.ok()) records.push_back(*std::move(record));
  }
  if (error) return Fail(kIo, fmt::format("stateDirectory: {}: {}", directory_, error.message()));
  return records;
}

}  // namespace sluice::cni
