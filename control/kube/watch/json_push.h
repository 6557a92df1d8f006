// JSON that comes in pieces, as events: where a piece is cut does not matter.
//
// The grammar and UTF-8 are the library's (yajl). Here: bounds, and numbers as the tree has them.
#pragma once

#include <absl/status/status.h>

#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

struct yajl_handle_t;

namespace sluice::control {

// Events in the order of the text. An error ends the reading.
class JsonEvents {
 public:
  virtual ~JsonEvents() = default;
  virtual absl::Status OnScalar(nlohmann::json value) = 0;
  virtual absl::Status OnKey(std::string key) = 0;
  virtual absl::Status OnBegin(bool is_map) = 0;  // or a list
  virtual absl::Status OnEnd() = 0;
};

class JsonPush {
 public:
  // A single text or number may not be larger: it is in memory as a whole.
  static constexpr size_t kMaxTokenBytes = size_t{16} << 20;

  // Reads one value, or with `many` any number of them. `events` must outlive the reader.
  JsonPush(JsonEvents& events, bool many);
  ~JsonPush();
  JsonPush(const JsonPush&) = delete;
  JsonPush& operator=(const JsonPush&) = delete;

  // Errors: InvalidArgument "JSON: REASON", or the events' own. After one there is no more to read.
  absl::Status Feed(std::string_view piece);
  // No more comes. Error if that is in the middle of a value.
  absl::Status Finish();

 private:
  struct Callbacks;
  absl::Status Result(int yajl_status);

  JsonEvents& events_;
  yajl_handle_t* handle_;
  size_t since_event_ = 0;  // bytes
  absl::Status status_;
};

}  // namespace sluice::control
