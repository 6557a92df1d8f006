#include "control/kube/watch/absence.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "control/kube/json_documents.h"
#include "control/kube/watch/api_error.h"

namespace sluice::control {
namespace {

using nlohmann::json;

constexpr char kGroups[] = "/apis";
constexpr int kOk = 200;

// "GROUP/VERSION" of the path of a collection, "/apis/GROUP/VERSION/NAME".
std::string GroupVersionOf(const std::string& path) {
  const size_t begin = sizeof(kGroups);
  return path.substr(begin, path.rfind('/') - begin);
}

bool IsKind(const json& document, const char* kind) {
  const auto found = document.is_object() ? document.find("kind") : document.end();
  return found != document.end() && *found == kind;
}

// Each element of the list `field` must have the text `name`; they are returned.
absl::StatusOr<std::vector<std::string>> TextsOf(const json& object, const char* field,
                                                 const char* name) {
  const absl::Status malformed = absl::DataLossError(fmt::format("{}: is malformed", field));
  const auto list = object.is_object() ? object.find(field) : object.end();
  if (list == object.end() || !list->is_array()) return malformed;
  std::vector<std::string> texts;
  for (const json& element : *list) {
    if (!element.is_object()) return malformed;
    const auto text = element.find(name);
    if (text == element.end() || !text->is_string()) return malformed;
    texts.push_back(text->get<std::string>());
  }
  return texts;
}

}  // namespace

void AbsenceCheck::Start() {
  listed_.clear();
  Ask(kGroups);
}

void AbsenceCheck::Ask(const std::string& target) {
  target_ = target;
  status_ = 0;
  body_.clear();
  HttpRequest request;
  request.target = target;
  request.compressed = true;
  request_ = transport_.Start(request, *this);
}

void AbsenceCheck::AskNextVersion() {
  if (listed_.empty()) return done_(absl::OkStatus());
  const std::string version = listed_.back();
  listed_.pop_back();
  Ask(fmt::format("{}/{}", kGroups, version));
}

bool AbsenceCheck::OnBody(std::string_view piece) {
  body_.append(piece.substr(0, kMaxBody + 1 - body_.size()));
  return body_.size() <= kMaxBody;
}

void AbsenceCheck::OnEnd(const absl::Status& status) {
  request_ = HttpTransport::kNone;
  absl::StatusOr<json> document = ReadDocument(status);
  absl::Status outcome = document.status();
  if (outcome.ok()) {
    outcome = target_ == kGroups ? TakeGroups(*document) : TakeResources(*document);
  }
  if (outcome.ok()) return AskNextVersion();
  done_(
      absl::Status(outcome.code(), fmt::format("{}: {}", target_, std::string(outcome.message()))));
}

absl::StatusOr<json> AbsenceCheck::ReadDocument(const absl::Status& status) const {
  if (body_.size() > kMaxBody) return absl::DataLossError("is too large");
  if (!status.ok()) return status;
  if (status_ != kOk) return absl::UnavailableError(ReadErrorBody(status_, body_).message);
  absl::StatusOr<std::vector<json>> documents = ReadJsonDocuments(body_, {});
  if (!documents.ok()) return absl::DataLossError(std::string(documents.status().message()));
  if (documents->size() != 1) return absl::DataLossError("is no discovery document");
  return std::move(documents->front());
}

// A server without a single group is none.
absl::Status AbsenceCheck::TakeGroups(const json& document) {
  if (!IsKind(document, "APIGroupList")) return absl::DataLossError("is no APIGroupList");
  const auto names = TextsOf(document, "groups", "name");
  if (!names.ok()) return names.status();
  if (names->empty()) return absl::DataLossError("groups: is empty");
  for (const json& group : document["groups"]) {
    const auto versions = TextsOf(group, "versions", "groupVersion");
    if (!versions.ok()) return versions.status();
    for (const std::string& path : resource_.paths) {
      const std::string version = GroupVersionOf(path);
      if (std::ranges::find(*versions, version) != versions->end()) listed_.push_back(version);
    }
  }
  return absl::OkStatus();
}

absl::Status AbsenceCheck::TakeResources(const json& document) const {
  if (!IsKind(document, "APIResourceList")) return absl::DataLossError("is no APIResourceList");
  const auto names = TextsOf(document, "resources", "name");
  if (!names.ok()) return names.status();
  if (std::ranges::find(*names, resource_.name) == names->end()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("lists {}, which is not found all the same", resource_.name));
}

}  // namespace sluice::control
