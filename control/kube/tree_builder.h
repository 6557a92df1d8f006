// Builds the tree of one document from a parser's events, within bounds.
//
// YAML and JSON files come through here, so that both are held to the same limits whatever their
// parsers allow. Aliases are copied in, each copy at its full size: a few hundred bytes of YAML can
// mean gigabytes.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/status.h>

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sluice::control {

struct TreeLimits {
  size_t max_bytes = size_t{64} << 20;  // of the file
  size_t max_depth = 100;               // lists and maps inside each other
  // Values of the whole file, copies by alias included. Text counts once more for every 64 bytes.
  size_t max_nodes = 4'000'000;
};

class TreeBuilder {
 public:
  using Anchor = size_t;
  static constexpr Anchor kNoAnchor = 0;

  explicit TreeBuilder(const TreeLimits& limits) : limits_(limits) {}

  // Events, as the parser meets them. An anchored value can be had again by Alias. Errors are
  // InvalidArgument with the bare reason; after one the builder is of no use any more.
  absl::Status Scalar(nlohmann::json value, Anchor anchor = kNoAnchor);
  absl::Status BeginObject(Anchor anchor = kNoAnchor) {
    return Begin(nlohmann::json::object(), anchor);
  }
  absl::Status BeginArray(Anchor anchor = kNoAnchor) {
    return Begin(nlohmann::json::array(), anchor);
  }
  absl::Status Key(std::string key);
  // The next value is YAML's merge key (<<): a map, or a list of maps, whose entries the map around
  // it takes where it has none of its own.
  absl::Status MergeKey();
  absl::Status End();
  absl::Status Alias(Anchor anchor);

  // The innermost open container is an object that waits for a key.
  bool WantsKey() const;

  // The finished document; the next one may follow. Anchors end with their document.
  nlohmann::json TakeDocument();

 private:
  struct Node {
    nlohmann::json value;
    size_t nodes = 1;   // of the whole subtree
    size_t height = 0;  // 0 for a scalar
  };
  enum class KeyState { kWanted, kSet, kMerge };
  struct Frame {
    Node node;
    Anchor anchor = kNoAnchor;
    KeyState key_state = KeyState::kWanted;
    std::string key;
    std::vector<nlohmann::json> merged;  // maps of the merge keys, in order
  };

  absl::Status Begin(nlohmann::json container, Anchor anchor);
  absl::Status Count(size_t nodes);
  absl::Status Place(Node node, Anchor anchor);
  absl::Status CollectMerge(Frame& frame, nlohmann::json value);

  TreeLimits limits_;
  size_t nodes_ = 0;
  std::vector<Frame> open_;
  nlohmann::json document_;
  absl::flat_hash_map<Anchor, Node> anchored_;
};

}  // namespace sluice::control
