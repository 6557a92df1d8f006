#include "control/kube/documents.h"

#include <fmt/format.h>

#include "control/kube/json_documents.h"
#include "control/kube/yaml_documents.h"

namespace sluice::control {
namespace {

bool LooksLikeJson(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] == '{';
}

}  // namespace

absl::StatusOr<std::vector<nlohmann::json>> ReadDocuments(std::string_view text,
                                                          const TreeLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return absl::InvalidArgumentError(
        fmt::format("line 1: the file is larger than {} bytes", limits.max_bytes));
  }
  return LooksLikeJson(text) ? ReadJsonDocuments(text, limits) : ReadYamlDocuments(text, limits);
}

}  // namespace sluice::control
