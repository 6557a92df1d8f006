// StreamHead takes segments in any order, against the octets one by one.
//
// The input is a list of segments: offset (two bytes, from 256 before the head's first octet),
// length (one byte), octets.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

#include "dataplane/inspect/stream_head.h"

namespace {

using sluice::dataplane::StreamHead;

constexpr size_t kCapacity = 1000;
constexpr uint32_t kFirst = 0xffff'ff80;

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::unique_ptr<uint8_t[]> buffer(new uint8_t[kCapacity]);
  StreamHead head;
  head.Begin({buffer.get(), kCapacity}, kFirst);
  std::array<std::optional<uint8_t>, kCapacity> model;
  while (size >= 3) {
    const int offset = (int{data[0]} << 8 | data[1]) % 1536 - 256;
    const size_t length = std::min<size_t>(data[2], size - 3);
    const std::unique_ptr<uint8_t[]> exact(new uint8_t[length]);
    std::memcpy(exact.get(), data + 3, length);
    data += 3 + length;
    size -= 3 + length;
    auto after = model;
    bool agrees = true;
    for (size_t i = 0; i < length; ++i) {
      const int place = offset + static_cast<int>(i);
      if (place < 0 || place >= static_cast<int>(kCapacity)) continue;
      auto& octet = after[static_cast<size_t>(place)];
      agrees = agrees && (!octet || *octet == exact[i]);
      octet = exact[i];
    }
    const uint32_t sequence = kFirst + static_cast<uint32_t>(offset);
    Require(head.Agrees(sequence, {exact.get(), length}) == agrees);
    const auto outcome = head.Take(sequence, {exact.get(), length});
    Require((outcome == StreamHead::Outcome::kDiffers) == !agrees);
    if (outcome == StreamHead::Outcome::kTaken) model = after;
    for (size_t i = 0; i < head.length(); ++i) Require(model[i] == head.bytes()[i]);
    Require(head.length() == kCapacity || !model[head.length()]);
  }
  return 0;
}
