#include "control/kube/json_documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <istream>
#include <streambuf>
#include <string>

namespace sluice::control {
namespace {

using nlohmann::json;

// Reads from text that somebody else owns, and says how far it got: the parser's own positions
// start anew with each document.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // streambuf wants it; nothing is ever put back
    setg(begin, begin, begin + text.size());
  }
  size_t position() const { return static_cast<size_t>(gptr() - eback()); }
};

// nlohmann's SAX interface, turned into the builder's events. Names and signatures are the
// library's.
class Handler {
 public:
  explicit Handler(const TreeLimits& limits) : builder_(limits) {}

  bool null() { return Took(builder_.Scalar(nullptr)); }
  bool boolean(bool value) { return Took(builder_.Scalar(value)); }
  bool number_integer(int64_t value) { return Took(builder_.Scalar(value)); }
  bool number_unsigned(uint64_t value) { return Took(builder_.Scalar(value)); }
  bool number_float(double value, const std::string&) { return Took(builder_.Scalar(value)); }
  bool string(std::string& value) { return Took(builder_.Scalar(std::move(value))); }
  bool binary(json::binary_t&) { return false; }  // not in JSON text
  bool start_object(size_t) { return Took(builder_.BeginObject()); }
  bool start_array(size_t) { return Took(builder_.BeginArray()); }
  bool key(std::string& value) { return Took(builder_.Key(std::move(value))); }
  bool end_object() { return Took(builder_.End()); }
  bool end_array() { return Took(builder_.End()); }

  bool parse_error(size_t, const std::string&, const json::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: REASON"
    const std::string what = error.what();
    const size_t start = what.find(": ");
    return Took(absl::InvalidArgumentError(
        "JSON: " + (start == std::string::npos ? what : what.substr(start + 2))));
  }

  const absl::Status& status() const { return status_; }
  json TakeDocument() { return builder_.TakeDocument(); }

 private:
  bool Took(absl::Status status) {
    status_ = std::move(status);
    return status_.ok();
  }

  TreeBuilder builder_;
  absl::Status status_;
};

absl::Status AtLine(std::string_view text, size_t position, const absl::Status& status) {
  const auto line = 1 + std::ranges::count(text.substr(0, position), '\n');
  return absl::InvalidArgumentError(
      fmt::format("line {}: {}", line, std::string(status.message())));
}

}  // namespace

absl::StatusOr<std::vector<json>> ReadJsonDocuments(std::string_view text,
                                                    const TreeLimits& limits) {
  ViewBuffer buffer(text);
  std::istream in(&buffer);
  Handler handler(limits);
  std::vector<json> documents;
  while (in >> std::ws && !in.eof()) {
    if (!json::sax_parse(in, &handler, json::input_format_t::json, /*strict=*/false)) {
      return AtLine(text, buffer.position(), handler.status());
    }
    documents.push_back(handler.TakeDocument());
  }
  return documents;
}

}  // namespace sluice::control
