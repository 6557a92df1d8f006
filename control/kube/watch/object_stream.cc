#include "control/kube/watch/object_stream.h"

#include <fmt/format.h>

#include <utility>

namespace sluice::control {
namespace {

using nlohmann::json;

constexpr size_t kScalarBytes = 8;

size_t SizeOf(const json& value) {
  const auto* text = value.get_ptr<const std::string*>();
  return kScalarBytes + (text == nullptr ? 0 : text->size());
}

}  // namespace

ObjectStream::ObjectStream(Form form, const FieldShape& shape, Take take)
    : form_(form), shape_(shape), take_(std::move(take)), push_(*this, form == Form::kWatch) {}

absl::Status ObjectStream::Finish() {
  absl::Status status = push_.Finish();
  if (!status.ok() || form_ == Form::kWatch) return status;
  if (!ended_ || !frame_.is_object()) return absl::InvalidArgumentError("JSON: is no list");
  const auto items = frame_.find("items");
  // Go writes an empty list as null.
  if (items != frame_.end() && !items->is_null() && (!items->is_array() || !items->empty())) {
    return absl::InvalidArgumentError("items: is no list of objects");
  }
  return absl::OkStatus();
}

bool ObjectStream::StartsObject(bool is_map) const {
  if (!is_map || object_depth_ != 0) return false;
  if (form_ == Form::kWatch) return depth_ == 2 && frame_key_ == "object" && !object_;
  return depth_ == 3 && frame_key_ == "items";
}

absl::Status ObjectStream::OnBegin(bool is_map) {
  if (++depth_ > (object_depth_ == 0 ? kMaxDepth : kMaxTextDepth)) {
    return absl::InvalidArgumentError(fmt::format("JSON: nested deeper than {}", depth_ - 1));
  }
  if (skipped_ == 0 && depth_ > kMaxDepth) SkipTooDeep();
  if (skipped_ != 0) return absl::OkStatus();
  if (StartsObject(is_map)) {
    object_depth_ = depth_;
    object_.emplace();
    builder_.emplace(TreeLimits());
    object_bytes_ = 0;
    value_shape_ = &shape_;
  } else if (object_depth_ == 0) {
    return is_map ? frame_builder_.BeginObject() : frame_builder_.BeginArray();
  }
  const FieldShape* shape = ShapeOfValue();
  if (shape == nullptr) {
    skipped_ = depth_;
    return absl::OkStatus();
  }
  levels_.push_back({shape, is_map});
  Keep(kScalarBytes,
       [is_map](TreeBuilder& tree) { return is_map ? tree.BeginObject() : tree.BeginArray(); });
  return absl::OkStatus();
}

absl::Status ObjectStream::OnKey(std::string key) {
  if (object_depth_ == 0) {
    if (depth_ == 1) frame_key_ = key;
    return frame_builder_.Key(std::move(key));
  }
  if (depth_ == object_depth_) object_key_ = key;
  if (depth_ == object_depth_ + 1) metadata_key_ = key;
  if (skipped_ != 0) return absl::OkStatus();
  value_shape_ = levels_.back().shape->Find(key);
  if (value_shape_ == nullptr) return absl::OkStatus();
  Keep(key.size(), [&](TreeBuilder& tree) { return tree.Key(std::move(key)); });
  return absl::OkStatus();
}

absl::Status ObjectStream::OnScalar(json value) {
  if (object_depth_ == 0) {
    if (depth_ == 0) return absl::InvalidArgumentError("JSON: neither list nor event");
    return frame_builder_.Scalar(std::move(value));
  }
  if (depth_ == object_depth_ + 1 && object_key_ == "metadata") Identify(value);
  if (skipped_ != 0 || ShapeOfValue() == nullptr) return absl::OkStatus();
  Keep(SizeOf(value), [&](TreeBuilder& tree) { return tree.Scalar(std::move(value)); });
  return absl::OkStatus();
}

absl::Status ObjectStream::OnEnd() {
  const size_t depth = depth_--;
  if (skipped_ != 0) {
    if (skipped_ == depth) skipped_ = 0;
    return absl::OkStatus();
  }
  if (object_depth_ == 0) return EndFrame();
  levels_.pop_back();
  Keep(0, [](TreeBuilder& tree) { return tree.End(); });
  if (depth == object_depth_) EndObject();
  return absl::OkStatus();
}

absl::Status ObjectStream::EndFrame() {
  absl::Status status = frame_builder_.End();
  if (depth_ != 0 || !status.ok()) return status;
  frame_ = frame_builder_.TakeDocument();
  ended_ = true;
  if (form_ == Form::kList) return absl::OkStatus();
  frame_builder_ = TreeBuilder(TreeLimits{.max_nodes = 10'000});
  const auto type = frame_.is_object() ? frame_.find("type") : frame_.end();
  if (!object_ || type == frame_.end() || !type->is_string()) {
    return absl::InvalidArgumentError("watch: an event without type or object");
  }
  object_->type = type->get<std::string>();
  take_(*std::exchange(object_, std::nullopt));
  return absl::OkStatus();
}

// Elements of a list are of the list's shape; the value of a key, of the key's.
const FieldShape* ObjectStream::ShapeOfValue() const {
  return levels_.empty() || levels_.back().is_map ? value_shape_ : levels_.back().shape;
}

void ObjectStream::Identify(const json& value) {
  const auto* text = value.get_ptr<const std::string*>();
  if (text == nullptr) return;
  ObjectIdentity& identity = object_->identity;
  if (metadata_key_ == "namespace") identity.namespace_name = *text;
  if (metadata_key_ == "name") identity.name = *text;
  if (metadata_key_ == "uid") identity.uid = *text;
  if (metadata_key_ == "resourceVersion") identity.resource_version = *text;
}

// The object is refused by name; of the rest of this value only the depth is followed.
void ObjectStream::SkipTooDeep() {
  Keep(0, [](TreeBuilder&) {
    return absl::InvalidArgumentError(fmt::format("is nested deeper than {}", kMaxDepth));
  });
  skipped_ = depth_;
}

// Adds to the object's tree, unless the object is refused already.
void ObjectStream::Keep(size_t bytes, const std::function<absl::Status(TreeBuilder&)>& add) {
  if (!builder_) return;
  object_bytes_ += bytes;
  absl::Status status = add(*builder_);
  if (status.ok() && object_bytes_ > kMaxObjectBytes) {
    status =
        absl::InvalidArgumentError(fmt::format("is larger than {} MiB", kMaxObjectBytes >> 20));
  }
  if (status.ok()) return;
  object_->status = std::move(status);
  builder_.reset();
}

void ObjectStream::EndObject() {
  if (builder_) object_->tree = builder_->TakeDocument();
  builder_.reset();
  object_->bytes = object_bytes_;
  object_depth_ = 0;
  levels_.clear();
  if (form_ == Form::kList) take_(*std::exchange(object_, std::nullopt));
}

}  // namespace sluice::control
