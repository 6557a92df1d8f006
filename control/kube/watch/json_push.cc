#include "control/kube/watch/json_push.h"

#include <fmt/format.h>
#include <yajl/yajl_parse.h>

#include <charconv>
#include <system_error>
#include <utility>

namespace sluice::control {
namespace {

using nlohmann::json;

template <typename Number>
bool ParseAs(std::string_view text, json* out) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  *out = number;
  return true;
}

// 64 bits where they hold it, else a double; null for what not even that holds.
json ToNumber(std::string_view text) {
  json number;
  if (ParseAs<int64_t>(text, &number) || ParseAs<uint64_t>(text, &number)) return number;
  ParseAs<double>(text, &number);
  return number;
}

}  // namespace

// yajl's callbacks; 0 ends the reading.
struct JsonPush::Callbacks {
  static int Take(void* context, absl::Status (*call)(JsonEvents&)) {
    return TakeWith(context, call);
  }
  template <typename Call>
  static int TakeWith(void* context, Call call) {
    auto* self = static_cast<JsonPush*>(context);
    self->since_event_ = 0;
    self->status_ = call(self->events_);
    return self->status_.ok() ? 1 : 0;
  }
  static int Scalar(void* context, json value) {
    return TakeWith(context, [&](JsonEvents& e) { return e.OnScalar(std::move(value)); });
  }
  static int Null(void* context) { return Scalar(context, nullptr); }
  static int Boolean(void* context, int value) { return Scalar(context, value != 0); }
  static int Number(void* context, const char* text, size_t size) {
    return Scalar(context, ToNumber({text, size}));
  }
  static int String(void* context, const unsigned char* text, size_t size) {
    return Scalar(context, std::string(reinterpret_cast<const char*>(text), size));
  }
  static int Key(void* context, const unsigned char* text, size_t size) {
    std::string key(reinterpret_cast<const char*>(text), size);
    return TakeWith(context, [&](JsonEvents& e) { return e.OnKey(std::move(key)); });
  }
  static int BeginMap(void* context) {
    return Take(context, [](JsonEvents& e) { return e.OnBegin(true); });
  }
  static int BeginList(void* context) {
    return Take(context, [](JsonEvents& e) { return e.OnBegin(false); });
  }
  static int End(void* context) {
    return Take(context, [](JsonEvents& e) { return e.OnEnd(); });
  }
  static constexpr yajl_callbacks kTable = {Null,     Boolean, nullptr, nullptr,   Number, String,
                                            BeginMap, Key,     End,     BeginList, End};
};

JsonPush::JsonPush(JsonEvents& events, bool many)
    : events_(events), handle_(yajl_alloc(&Callbacks::kTable, nullptr, this)) {
  if (many) yajl_config(handle_, yajl_allow_multiple_values, 1);
}

JsonPush::~JsonPush() { yajl_free(handle_); }

absl::Status JsonPush::Feed(std::string_view piece) {
  if (!status_.ok()) return status_;
  since_event_ += piece.size();
  const auto* bytes = reinterpret_cast<const unsigned char*>(piece.data());
  const absl::Status status = Result(yajl_parse(handle_, bytes, piece.size()));
  if (status.ok() && since_event_ > kMaxTokenBytes) {
    status_ = absl::InvalidArgumentError(
        fmt::format("JSON: one value is larger than {} MiB", kMaxTokenBytes >> 20));
  }
  return status_;
}

absl::Status JsonPush::Finish() {
  if (!status_.ok()) return status_;
  return Result(yajl_complete_parse(handle_));
}

absl::Status JsonPush::Result(int yajl_status) {
  if (yajl_status != yajl_status_error) return status_;
  unsigned char* error = yajl_get_error(handle_, 0, nullptr, 0);
  std::string reason(reinterpret_cast<const char*>(error));
  yajl_free_error(handle_, error);
  while (reason.ends_with('\n')) reason.pop_back();
  status_ = absl::InvalidArgumentError(fmt::format("JSON: {}", reason));
  return status_;
}

}  // namespace sluice::control
