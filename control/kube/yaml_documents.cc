#include "control/kube/yaml_documents.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>
#include <string>

#include "control/kube/one_line.h"
#include "control/kube/scalar.h"

namespace sluice::control {
namespace {

using nlohmann::json;

constexpr char kPlain[] = "?";   // yaml-cpp's tag for an unquoted scalar
constexpr char kQuoted[] = "!";  // and for a quoted one
constexpr char kCoreTag[] = "tag:yaml.org,2002:";

// Turns yaml-cpp's events into the builder's. Its parser can only be left by an exception: errors
// go up as YAML::ParserException, which is what the parser itself throws.
class Handler : public YAML::EventHandler {
 public:
  explicit Handler(const TreeLimits& limits) : builder_(limits) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Value(mark, nullptr, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (builder_.WantsKey())
      throw YAML::ParserException(mark, "an alias as a key is not supported");
    Check(mark, builder_.Alias(anchor));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (builder_.WantsKey() && tag == kPlain && text == "<<") {
      Check(mark, builder_.MergeKey());
    } else {
      Value(mark, Resolve(mark, tag, text), anchor);
    }
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    CheckContainer(mark, tag, "seq");
    Check(mark, builder_.BeginArray(anchor));
  }
  void OnSequenceEnd() override { Check(YAML::Mark::null_mark(), builder_.End()); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    CheckContainer(mark, tag, "map");
    Check(mark, builder_.BeginObject(anchor));
  }
  void OnMapEnd() override { Check(YAML::Mark::null_mark(), builder_.End()); }

  json TakeDocument() { return builder_.TakeDocument(); }

 private:
  void Check(const YAML::Mark& mark, const absl::Status& status) {
    if (!mark.is_null()) last_ = mark;
    if (!status.ok()) throw YAML::ParserException(last_, std::string(status.message()));
  }

  void CheckContainer(const YAML::Mark& mark, const std::string& tag, const char* kind) {
    if (builder_.WantsKey()) throw YAML::ParserException(mark, "a list or map as a key");
    if (!tag.empty() && tag != kPlain && tag != kQuoted && tag != std::string(kCoreTag) + kind) {
      throw YAML::ParserException(mark, fmt::format("tag {} is not supported", tag));
    }
  }

  json Resolve(const YAML::Mark& mark, const std::string& tag, const std::string& text) {
    if (tag == kPlain) return ResolveScalar(text);
    if (tag == kQuoted || tag == std::string(kCoreTag) + "str") return text;
    throw YAML::ParserException(mark, fmt::format("tag {} is not supported", tag));
  }

  void Value(const YAML::Mark& mark, json value, YAML::anchor_t anchor) {
    if (!builder_.WantsKey()) {
      Check(mark, builder_.Scalar(std::move(value), anchor));
    } else if (value.is_string()) {
      Check(mark, builder_.Key(value.get<std::string>()));
    } else if (value.is_number_integer()) {
      Check(mark, builder_.Key(value.dump()));
    } else {
      throw YAML::ParserException(mark, "a key that YAML does not read as text: quote it");
    }
  }

  TreeBuilder builder_;
  YAML::Mark last_;  // of the last event that had one
};

}  // namespace

absl::StatusOr<std::vector<json>> ReadYamlDocuments(std::string_view text,
                                                    const TreeLimits& limits) {
  std::istringstream in{std::string(text)};
  Handler handler(limits);
  std::vector<json> documents;
  try {
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(handler)) {
      json document = handler.TakeDocument();
      if (!document.is_null()) documents.push_back(std::move(document));
    }
  } catch (const YAML::Exception& error) {
    const int line = error.mark.is_null() ? 1 : error.mark.line + 1;
    return absl::InvalidArgumentError(fmt::format("line {}: {}", line, OneLine(error.msg)));
  }
  return documents;
}

}  // namespace sluice::control
