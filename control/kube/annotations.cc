#include "control/kube/annotations.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "acl/annotations.h"
#include "acl/name_syntax.h"
#include "control/kube/json_documents.h"
#include "control/kube/object_reader.h"

namespace sluice::control {
namespace {

using nlohmann::json;

constexpr std::string_view kBlanks = " \t\r\n";

// Null if it is not there.
const std::string* Find(const Metadata& metadata, const std::string& annotation) {
  const auto found = metadata.annotations.find(annotation);
  return found == metadata.annotations.end() ? nullptr : &found->second;
}

void Fail(const std::string& annotation, std::string_view reason, absl::Status* status) {
  if (!status->ok()) return;
  *status =
      absl::InvalidArgumentError(fmt::format("{}: {}", acl::AnnotationPath(annotation), reason));
}

// Whether `annotation` is there; then it says `value` and nothing else.
bool Says(const Metadata& metadata, const std::string& annotation, const std::string& value,
          absl::Status* status) {
  const std::string* text = Find(metadata, annotation);
  if (text == nullptr) return false;
  if (*text == value) return true;
  Fail(annotation, fmt::format("{} is not supported: {}", acl::Quoted(*text), value), status);
  return false;
}

// The one JSON value that an annotation is; null after an error.
json ReadJson(const std::string& annotation, const std::string& text, absl::Status* status) {
  auto documents = ReadJsonDocuments(text, {});
  if (!documents.ok()) {
    Fail(annotation, std::string(documents.status().message()), status);
    return nullptr;
  }
  if (documents->size() == 1) return std::move(documents->front());
  Fail(annotation, "must be one JSON value", status);
  return nullptr;
}

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string QualifiedNetwork(const Metadata& metadata, std::string_view name) {
  if (name.find('/') != std::string_view::npos) return std::string(name);
  return fmt::format("{}/{}", metadata.namespace_name, name);
}

std::vector<acl::IpAddress> ReadIps(ObjectReader& entry) {
  std::vector<acl::IpAddress> addresses;
  for (const std::string& text : entry.Texts("ips")) {
    const absl::StatusOr<acl::IpAddress> address = acl::IpAddress::Parse(text);
    if (!address.ok()) {
      entry.Fail("ips", std::string(address.status().message()));
    } else if (std::ranges::count(addresses, *address) == 0) {
      addresses.push_back(*address);
    }
  }
  return addresses;
}

// Two interfaces on one network are one attachment.
void Add(acl::Attachment attachment, std::vector<acl::Attachment>* attachments) {
  const auto same = std::ranges::find(*attachments, attachment.network, &acl::Attachment::network);
  if (same == attachments->end()) {
    attachments->push_back(std::move(attachment));
    return;
  }
  for (const acl::IpAddress& address : attachment.addresses) {
    if (std::ranges::count(same->addresses, address) == 0) same->addresses.push_back(address);
  }
}

}  // namespace

acl::PolicyOptions ReadPolicyOptions(const Metadata& metadata, absl::Status* status) {
  return {.audit = Says(metadata, acl::kAuditAnnotation, "true", status),
          .reject = Says(metadata, acl::kDenyActionAnnotation, "reject", status),
          .judges_own_node = Says(metadata, acl::kOwnNodeAnnotation, "judge", status)};
}

bool ReadIngressDefaultDeny(const Metadata& metadata, absl::Status* status) {
  const std::string* text = Find(metadata, acl::kIsolationAnnotation);
  if (text == nullptr) return false;
  const json tree = ReadJson(acl::kIsolationAnnotation, *text, status);
  ObjectReader annotation(tree, acl::AnnotationPath(acl::kIsolationAnnotation), status);
  ObjectReader ingress = annotation.Object("ingress");
  const bool isolates = ingress.Has("isolation");
  const std::string isolation = ingress.Text("isolation");
  if (isolates && isolation != "DefaultDeny") {
    ingress.Fail("isolation",
                 fmt::format("{} is not supported: DefaultDeny", acl::Quoted(isolation)));
  }
  ingress.RefuseOtherFields();
  annotation.RefuseOtherFields();
  return isolates;
}

std::vector<std::string> ReadPolicyFor(const Metadata& metadata) {
  std::vector<std::string> networks;
  const std::string* text = Find(metadata, acl::kPolicyForAnnotation);
  if (text == nullptr) return networks;
  for (std::string_view rest = *text; !rest.empty();) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view name = Trim(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (name.empty()) continue;
    std::string network = QualifiedNetwork(metadata, name);
    if (std::ranges::count(networks, network) == 0) networks.push_back(std::move(network));
  }
  return networks;
}

std::vector<acl::Attachment> ReadAttachments(const Metadata& metadata, absl::Status* status) {
  std::vector<acl::Attachment> attachments;
  const std::string* text = Find(metadata, acl::kNetworkStatusAnnotation);
  if (text == nullptr || Trim(*text).empty()) return attachments;
  const json tree = ReadJson(acl::kNetworkStatusAnnotation, *text, status);
  if (!tree.is_array()) {
    Fail(acl::kNetworkStatusAnnotation, "must be a JSON list", status);
    return attachments;
  }
  const std::string path = acl::AnnotationPath(acl::kNetworkStatusAnnotation);
  for (size_t i = 0; i < tree.size(); ++i) {
    ObjectReader entry(tree[i], fmt::format("{}[{}]", path, i), status);
    if (entry.Boolean("default")) continue;
    const std::string name = entry.Text("name");
    if (name.empty()) entry.Fail("name", "is missing");
    Add({QualifiedNetwork(metadata, name), ReadIps(entry)}, &attachments);
  }
  return attachments;
}

}  // namespace sluice::control
