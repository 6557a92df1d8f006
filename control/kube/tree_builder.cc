#include "control/kube/tree_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sluice::control {
namespace {

using nlohmann::json;

constexpr size_t kTextBytesPerNode = 64;

size_t TextSize(const json& value) {
  const auto* text = value.get_ptr<const std::string*>();
  return text == nullptr ? 0 : text->size();
}

}  // namespace

absl::Status TreeBuilder::Scalar(json value, Anchor anchor) {
  const size_t nodes = 1 + TextSize(value) / kTextBytesPerNode;
  if (absl::Status status = Count(nodes); !status.ok()) return status;
  return Place(Node{std::move(value), nodes, 0}, anchor);
}

absl::Status TreeBuilder::Begin(json container, Anchor anchor) {
  if (open_.size() >= limits_.max_depth) {
    return absl::InvalidArgumentError(
        fmt::format("lists and maps are nested deeper than {}", limits_.max_depth));
  }
  if (absl::Status status = Count(1); !status.ok()) return status;
  open_.push_back(Frame{.node = Node{std::move(container), 1, 1}, .anchor = anchor});
  return absl::OkStatus();
}

absl::Status TreeBuilder::Key(std::string key) {
  Frame& frame = open_.back();
  if (frame.node.value.contains(key)) {
    return absl::InvalidArgumentError(fmt::format("key \"{}\" is there twice in one map", key));
  }
  const size_t nodes = key.size() / kTextBytesPerNode;
  frame.node.nodes += nodes;
  frame.key = std::move(key);
  frame.key_state = KeyState::kSet;
  return Count(nodes);
}

absl::Status TreeBuilder::MergeKey() {
  open_.back().key_state = KeyState::kMerge;
  return absl::OkStatus();
}

absl::Status TreeBuilder::End() {
  Frame frame = std::move(open_.back());
  open_.pop_back();
  for (const json& map : frame.merged) {
    for (const auto& [key, value] : map.items()) frame.node.value.emplace(key, value);
  }
  return Place(std::move(frame.node), frame.anchor);
}

absl::Status TreeBuilder::Alias(Anchor anchor) {
  auto found = anchored_.find(anchor);
  if (found == anchored_.end()) {
    return absl::InvalidArgumentError("an alias to the value that it is itself part of");
  }
  if (absl::Status status = Count(found->second.nodes); !status.ok()) return status;
  if (open_.size() + found->second.height > limits_.max_depth) {
    return absl::InvalidArgumentError(
        fmt::format("aliases nest lists and maps deeper than {}", limits_.max_depth));
  }
  return Place(Node(found->second), kNoAnchor);
}

bool TreeBuilder::WantsKey() const {
  return !open_.empty() && open_.back().node.value.is_object() &&
         open_.back().key_state == KeyState::kWanted;
}

json TreeBuilder::TakeDocument() {
  anchored_.clear();
  return std::exchange(document_, nullptr);
}

absl::Status TreeBuilder::Count(size_t nodes) {
  if (nodes > limits_.max_nodes - nodes_) {
    return absl::InvalidArgumentError(fmt::format(
        "the file, with what its aliases repeat, has more than {} values", limits_.max_nodes));
  }
  nodes_ += nodes;
  return absl::OkStatus();
}

// Puts a finished value where it belongs. Keeping a copy for its anchor counts like an alias.
absl::Status TreeBuilder::Place(Node node, Anchor anchor) {
  if (anchor != kNoAnchor) {
    if (absl::Status status = Count(node.nodes); !status.ok()) return status;
    anchored_[anchor] = node;
  }
  if (open_.empty()) {
    document_ = std::move(node.value);
    return absl::OkStatus();
  }
  Frame& frame = open_.back();
  frame.node.nodes += node.nodes;
  frame.node.height = std::max(frame.node.height, node.height + 1);
  if (frame.node.value.is_array()) {
    frame.node.value.push_back(std::move(node.value));
    return absl::OkStatus();
  }
  if (std::exchange(frame.key_state, KeyState::kWanted) == KeyState::kMerge) {
    return CollectMerge(frame, std::move(node.value));
  }
  frame.node.value.emplace(std::move(frame.key), std::move(node.value));
  return absl::OkStatus();
}

absl::Status TreeBuilder::CollectMerge(Frame& frame, json value) {
  if (value.is_object()) value = json::array({std::move(value)});
  if (!value.is_array() ||
      !std::ranges::all_of(value, [](const json& map) { return map.is_object(); })) {
    return absl::InvalidArgumentError("the merge key << needs a map, or a list of maps");
  }
  for (json& map : value) {
    for (const auto& [key, entry] : map.items()) {
      // YAML lets the map's own key win, kubectl lets the later one win.
      if (frame.node.value.contains(key)) {
        return absl::InvalidArgumentError(
            fmt::format("key \"{}\" stands before a merge key << that sets it too", key));
      }
    }
    frame.merged.push_back(std::move(map));
  }
  return absl::OkStatus();
}

}  // namespace sluice::control
