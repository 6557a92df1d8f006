// What an API server sends: a list or a watch is the same objects, however it is cut into pieces.
// The first byte says which of the two it is and how large the pieces are.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "control/kube/watch/object_stream.h"

namespace {

using sluice::control::FieldShape;
using sluice::control::ObjectStream;
using sluice::control::StreamedObject;
using Seen =
    std::tuple<std::string, std::string, std::string, std::string, std::string, bool, std::string>;

const FieldShape& Shape() {
  static const FieldShape shape = FieldShape::Only(
      "", {FieldShape::All("metadata"), FieldShape::Only("spec", {FieldShape::All("ports")}),
           FieldShape::None("status")});
  return shape;
}

Seen ToSeen(const StreamedObject& object) {
  const auto& identity = object.identity;
  return {object.type,       identity.namespace_name,   identity.name,
          identity.uid,      identity.resource_version, object.status.ok(),
          object.tree.dump()};
}

// The objects, and whether the body was whole.
std::pair<std::vector<Seen>, bool> Read(ObjectStream::Form form, std::string_view text,
                                        size_t piece) {
  std::vector<Seen> seen;
  ObjectStream stream(form, Shape(), [&](StreamedObject object) {
    if (object.bytes > ObjectStream::kMaxObjectBytes && object.status.ok()) std::abort();
    if (!object.status.ok() && !object.tree.is_null()) std::abort();
    seen.push_back(ToSeen(object));
  });
  absl::Status status;
  for (size_t at = 0; at < text.size() && status.ok(); at += piece) {
    status = stream.Feed(text.substr(at, piece));
  }
  if (status.ok()) status = stream.Finish();
  if (!status.ok() && status.message().empty()) std::abort();
  return {std::move(seen), status.ok()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto form = data[0] % 2 == 0 ? ObjectStream::Form::kList : ObjectStream::Form::kWatch;
  const size_t piece = 1 + data[0] / 2;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (Read(form, text, piece) != Read(form, text, std::max<size_t>(text.size(), 1))) std::abort();
  return 0;
}
