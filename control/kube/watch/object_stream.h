// The body of a list or of a watch, in pieces of any size -> one object after the other.
//
//   list   {"metadata": {...}, "items": [OBJECT, OBJECT, ...]}
//   watch  {"type": "ADDED", "object": OBJECT} {"type": ...} ...
//
// Only one object is in memory at a time, and only the fields of its shape. An object that is too
// large, too deep or has a key twice does not end the stream: it comes by name, with the reason.
#pragma once

#include <absl/status/status.h>

#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/kube/tree_builder.h"
#include "control/kube/watch/field_shape.h"
#include "control/kube/watch/json_push.h"

namespace sluice::control {

// What metadata says, empty where it does not. Known also of an object that is refused.
struct ObjectIdentity {
  std::string namespace_name;
  std::string name;
  std::string uid;
  std::string resource_version;
};

struct StreamedObject {
  std::string type;  // of a watch's event: "ADDED", ...; "" in a list
  ObjectIdentity identity;
  nlohmann::json tree;  // null if the status is an error
  absl::Status status;  // InvalidArgument with the bare reason
  size_t bytes = 0;     // of keys, text and scalars kept
};

class ObjectStream : private JsonEvents {
 public:
  enum class Form { kList, kWatch };
  using Take = std::function<void(StreamedObject)>;

  static constexpr size_t kMaxObjectBytes = size_t{2} << 20;  // of keys, text and scalars kept
  static constexpr size_t kMaxDepth = 500;         // of the text of an object, kept or not
  static constexpr size_t kMaxTextDepth = 20'000;  // of any text; Go writes and reads 10,000

  // `shape` must outlive the stream. `take` is called from inside Feed.
  ObjectStream(Form form, const FieldShape& shape, Take take);

  // Errors end the stream: InvalidArgument, for text that is no JSON or neither list nor watch.
  absl::Status Feed(std::string_view piece) { return push_.Feed(piece); }
  // The body has ended. Error if that is in the middle of something.
  absl::Status Finish();

  // What is around the objects; of a list, whole after Finish.
  const nlohmann::json& frame() const { return frame_; }

 private:
  struct Level {
    const FieldShape* shape;
    bool is_map;
  };

  absl::Status OnScalar(nlohmann::json value) override;
  absl::Status OnKey(std::string key) override;
  absl::Status OnBegin(bool is_map) override;
  absl::Status OnEnd() override;

  bool StartsObject(bool is_map) const;
  absl::Status EndFrame();
  const FieldShape* ShapeOfValue() const;
  void Identify(const nlohmann::json& value);
  void SkipTooDeep();
  void Keep(size_t bytes, const std::function<absl::Status(TreeBuilder&)>& add);
  void EndObject();

  const Form form_;
  const FieldShape& shape_;
  const Take take_;
  JsonPush push_;

  size_t depth_ = 0;    // open maps and lists
  size_t skipped_ = 0;  // depth of the dropped value that we are in; 0: in none
  TreeBuilder frame_builder_{TreeLimits{.max_nodes = 10'000}};
  nlohmann::json frame_;
  std::string frame_key_;
  bool ended_ = false;  // a list is over

  // The object that we are in, or that waits for its event to end.
  size_t object_depth_ = 0;  // 0: in none
  std::optional<StreamedObject> object_;
  std::optional<TreeBuilder> builder_;
  size_t object_bytes_ = 0;
  std::vector<Level> levels_;
  const FieldShape* value_shape_ = nullptr;
  std::string object_key_, metadata_key_;
};

}  // namespace sluice::control
