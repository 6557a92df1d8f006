#include "control/kube/manifest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "acl/pattern_check.h"
#include "acl/validate.h"
#include "control/kube/documents.h"
#include "control/kube/file.h"
#include "control/kube/object_reader.h"
#include "control/kube/object_warnings.h"
#include "control/kube/one_line.h"
#include "control/kube/readers.h"

namespace sluice::control {
namespace {

using nlohmann::json;

constexpr std::string_view kList = "list";  // how the kinds of lists end, in lower case

// What an object says it is. Items of a typed list may leave it to the list.
struct TypeMeta {
  std::string api_version;
  std::string kind;
};

bool IsClusterScoped(std::string_view kind) {
  constexpr std::array<std::string_view, 5> kKinds = {"Namespace", "Node", "ClusterNetworkPolicy",
                                                      "AdminNetworkPolicy",
                                                      "BaselineAdminNetworkPolicy"};
  return std::ranges::count(kKinds, kind) > 0;
}

// "KIND NAMESPACE/NAME" for messages, or "KIND (document 2)" for what has no name.
std::string Describe(const TypeMeta& type, const json& tree, const std::string& place) {
  absl::Status ignored;
  ObjectReader object(tree, "", &ignored);
  const Metadata metadata = ReadMetadata(object);
  if (metadata.name.empty()) return fmt::format("{} ({})", type.kind, place);
  if (IsClusterScoped(type.kind)) return fmt::format("{} {}", type.kind, metadata.name);
  return fmt::format("{} {}/{}", type.kind, metadata.namespace_name, metadata.name);
}

template <auto kRead>
absl::StatusOr<Object> ReadAs(const json& tree) {
  auto object = kRead(tree);
  if (!object.ok()) return object.status();
  return Object(*std::move(object));
}

// Reads one document after the other into a Manifest. Errors have no file name yet.
class ManifestReader {
 public:
  explicit ManifestReader(std::string_view file) : file_(file) {}

  absl::Status Read(const json& tree, const TypeMeta& fallback, const std::string& place);
  Manifest Take() { return std::move(manifest_); }

 private:
  absl::Status ReadItems(const json& tree, const TypeMeta& list, const std::string& place);
  absl::Status Skip(const json& tree, const TypeMeta& type, const std::string& place);
  absl::Status Add(const json& tree, absl::StatusOr<Object> object, const TypeMeta& type,
                   const std::string& place);

  std::string_view file_;
  Manifest manifest_;
};

// The kinds that are policy's concern, a row for each version; `group` is the API group, "" for the
// core.
struct Kind {
  const char* kind;
  const char* group;
  const char* version;
  absl::StatusOr<Object> (*read)(const json& tree);

  std::string ApiVersion() const {
    return *group == '\0' ? version : fmt::format("{}/{}", group, version);
  }
};
constexpr char kPolicyGroup[] = "policy.networking.k8s.io";
constexpr char kMultiGroup[] = "k8s.cni.cncf.io";
constexpr std::array kKinds = {
    Kind{"Namespace", "", "v1", ReadAs<ReadNamespace>},
    Kind{"Node", "", "v1", ReadAs<ReadNode>},
    Kind{"Pod", "", "v1", ReadAs<ReadPod>},
    Kind{"NetworkPolicy", "networking.k8s.io", "v1", ReadAs<ReadNetworkPolicy>},
    Kind{"NetworkPolicy", "extensions", "v1beta1", ReadAs<ReadExtensionsPolicy>},
    Kind{"MultiNetworkPolicy", kMultiGroup, "v1beta1", ReadAs<ReadMultiPolicyV1Beta1>},
    Kind{"MultiNetworkPolicy", kMultiGroup, "v1beta2", ReadAs<ReadMultiPolicyV1Beta2>},
    Kind{"SluicePolicy", "sluice.io", "v1alpha1", ReadAs<ReadSluicePolicy>},
    Kind{"ClusterNetworkPolicy", kPolicyGroup, "v1alpha2", ReadAs<ReadClusterNetworkPolicy>},
    Kind{"AdminNetworkPolicy", kPolicyGroup, "v1alpha1", ReadAs<ReadAdminNetworkPolicy>},
    Kind{"BaselineAdminNetworkPolicy", kPolicyGroup, "v1alpha1",
         ReadAs<ReadBaselineAdminNetworkPolicy>},
};

// The rows of a kind in its group, whatever their version.
std::vector<const Kind*> FindKinds(const TypeMeta& type) {
  const size_t slash = type.api_version.find('/');
  const std::string group = slash == std::string::npos ? "" : type.api_version.substr(0, slash);
  std::vector<const Kind*> rows;
  for (const Kind& row : kKinds) {
    if (row.kind == type.kind && row.group == group) rows.push_back(&row);
  }
  return rows;
}

absl::Status ErrorAt(const std::string& object, std::string_view reason) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", object, reason));
}

// The row of an object's very version.
absl::StatusOr<const Kind*> ChooseVersion(const std::vector<const Kind*>& rows,
                                          const TypeMeta& type, const std::string& object) {
  std::vector<std::string> versions;
  for (const Kind* row : rows) {
    versions.push_back(row->ApiVersion());
    if (versions.back() == type.api_version) return row;
  }
  return ErrorAt(object,
                 fmt::format("apiVersion: {} is not supported, only {} {}", type.api_version,
                             fmt::join(versions, " and "), versions.size() == 1 ? "is" : "are"));
}

// Whether to skip an object of this kind, as written, could lose a policy or what policies select:
// every kind of network policy there is, and what is ours but for case, group or "List".
bool MustNotBeSkipped(std::string kind) {
  std::ranges::transform(kind, kind.begin(), [](unsigned char c) { return std::tolower(c); });
  if (kind.ends_with(kList)) kind.erase(kind.size() - kList.size());
  return kind.empty() || kind == "pod" || kind == "namespace" || kind == "sluicepolicy" ||
         kind.ends_with("networkpolicy");
}

absl::Status ManifestReader::Read(const json& tree, const TypeMeta& fallback,
                                  const std::string& place) {
  absl::Status error;
  ObjectReader object(tree, "", &error);
  TypeMeta type{object.Text("apiVersion"), object.Text("kind")};
  if (type.api_version.empty()) type.api_version = fallback.api_version;
  if (type.kind.empty()) type.kind = fallback.kind;
  if (type.kind.empty()) object.Fail("kind", "is missing");
  if (type.api_version.empty()) object.Fail("apiVersion", "is missing");
  if (!error.ok()) return ErrorAt(place, std::string(error.message()));

  if (type.kind.ends_with("List") && tree.contains("items")) return ReadItems(tree, type, place);
  const std::vector<const Kind*> rows = FindKinds(type);
  if (rows.empty()) return Skip(tree, type, place);
  const auto kind = ChooseVersion(rows, type, Describe(type, tree, place));
  if (!kind.ok()) return kind.status();
  return Add(tree, (*kind)->read(tree), type, place);
}

absl::Status ManifestReader::Skip(const json& tree, const TypeMeta& type,
                                  const std::string& place) {
  if (type.kind.ends_with("List") && MustNotBeSkipped(type.kind)) {
    return ErrorAt(place, "items: is missing");
  }
  if (MustNotBeSkipped(type.kind)) {
    return ErrorAt(Describe(type, tree, place),
                   fmt::format("kind: {} {} is not supported", type.api_version, type.kind));
  }
  manifest_.warnings.push_back(OneLine(
      fmt::format("{}: {}: skipped, only Namespace, Node, Pod and network policies are read", file_,
                  Describe(type, tree, place))));
  return absl::OkStatus();
}

absl::Status ManifestReader::ReadItems(const json& tree, const TypeMeta& list,
                                       const std::string& place) {
  absl::Status error;
  ObjectReader object(tree, "", &error);
  const size_t count = object.Objects("items").size();
  if (!error.ok()) return ErrorAt(place, std::string(error.message()));
  TypeMeta item_type;
  if (list.kind != "List") {
    item_type = {list.api_version, list.kind.substr(0, list.kind.size() - kList.size())};
  }
  for (size_t i = 0; i < count; ++i) {
    const std::string item_place = fmt::format("{} items[{}]", place, i);
    if (absl::Status status = Read(tree["items"][i], item_type, item_place); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status ManifestReader::Add(const json& tree, absl::StatusOr<Object> object,
                                 const TypeMeta& type, const std::string& place) {
  if (!object.ok()) {
    return ErrorAt(Describe(type, tree, place), std::string(object.status().message()));
  }
  absl::Status valid = std::visit([](const auto& value) { return acl::Validate(value); }, *object);
  const auto* sluice = std::get_if<acl::SluicePolicy>(&*object);
  if (valid.ok() && sluice != nullptr) valid = acl::CheckPatterns(*sluice);
  if (!valid.ok()) return valid;
  for (const std::string& warning : WarningsOf(*object)) {
    manifest_.warnings.push_back(OneLine(fmt::format("{}: {}", file_, warning)));
  }
  manifest_.objects.push_back(*std::move(object));
  return absl::OkStatus();
}

// One line with the file's name, whatever a hostile name or value put into the message.
absl::Status InFile(std::string_view file, const absl::Status& status) {
  return absl::InvalidArgumentError(
      OneLine(fmt::format("{}: {}", file, std::string(status.message()))));
}

}  // namespace

absl::StatusOr<Manifest> ParseManifest(std::string_view file, std::string_view text) {
  absl::StatusOr<std::vector<json>> documents = ReadDocuments(text);
  if (!documents.ok()) return InFile(file, documents.status());
  ManifestReader reader(file);
  for (size_t i = 0; i < documents->size(); ++i) {
    const absl::Status status =
        reader.Read((*documents)[i], TypeMeta{}, fmt::format("document {}", i + 1));
    if (!status.ok()) return InFile(file, status);
  }
  return reader.Take();
}

absl::StatusOr<Manifest> ReadManifest(const std::string& path) {
  absl::StatusOr<std::string> text = ReadFile(path, TreeLimits().max_bytes);
  if (!text.ok()) return text.status();
  return ParseManifest(path == "-" ? "stdin" : path, *text);
}

}  // namespace sluice::control
