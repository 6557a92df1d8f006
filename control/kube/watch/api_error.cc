#include "control/kube/watch/api_error.h"

#include <fmt/format.h>

#include <vector>

#include "control/kube/json_documents.h"
#include "control/kube/one_line.h"

namespace sluice::control {
namespace {

using nlohmann::json;

constexpr size_t kMaxMessage = 300;

std::string Shortened(std::string_view text) { return OneLine(text.substr(0, kMaxMessage)); }

}  // namespace

ApiError ReadApiError(const json& tree) {
  ApiError error;
  if (!tree.is_object()) return error;
  const auto code = tree.find("code");
  if (code != tree.end() && code->is_number_integer()) error.code = code->get<int>();
  const auto message = tree.find("message");
  if (message != tree.end() && message->is_string()) {
    error.message = Shortened(message->get_ref<const std::string&>());
  }
  return error;
}

ApiError ReadErrorBody(int status, std::string_view body) {
  ApiError error;
  const auto documents = ReadJsonDocuments(body, {});
  if (documents.ok() && documents->size() == 1) error = ReadApiError(documents->front());
  if (error.message.empty()) error.message = Shortened(body);
  error.code = status;
  error.message = fmt::format("HTTP {}: {}", status, error.message);
  return error;
}

}  // namespace sluice::control
