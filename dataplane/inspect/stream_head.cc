#include "dataplane/inspect/stream_head.h"

#include <algorithm>
#include <cstring>

namespace sluice::dataplane {

void StreamHead::Begin(std::span<uint8_t> buffer, uint32_t first) {
  buffer_ = buffer;
  first_ = first;
  count_ = 0;
}

uint64_t StreamHead::EndOf(uint32_t sequence, size_t length) const {
  const int64_t end =
      int64_t{static_cast<int32_t>(sequence - first_)} + static_cast<int64_t>(length);
  return static_cast<uint64_t>(std::max<int64_t>(end, 0));
}

// `bytes` are those of the stream from `offset` on.
bool StreamHead::Agrees(const Piece& piece, std::span<const uint8_t> bytes, uint32_t offset) const {
  const uint32_t from = std::max(piece.first, offset);
  const uint32_t to = std::min(piece.last, offset + static_cast<uint32_t>(bytes.size()));
  return from >= to || std::memcmp(&buffer_[from], &bytes[from - offset], to - from) == 0;
}

// Leaves of `bytes` what lies inside the buffer, and says at which offset that begins.
uint32_t StreamHead::Clip(uint32_t sequence, std::span<const uint8_t>& bytes) const {
  const auto ahead = int64_t{static_cast<int32_t>(sequence - first_)};
  const auto before = static_cast<size_t>(std::max<int64_t>(-ahead, 0));
  bytes = bytes.subspan(std::min(before, bytes.size()));
  const auto offset = static_cast<uint32_t>(std::max<int64_t>(ahead, 0));
  const size_t room = offset < buffer_.size() ? buffer_.size() - offset : 0;
  bytes = bytes.first(std::min(bytes.size(), room));
  return offset;
}

bool StreamHead::Agrees(uint32_t sequence, std::span<const uint8_t> bytes) const {
  const uint32_t offset = Clip(sequence, bytes);
  return std::all_of(pieces_.begin(), pieces_.begin() + count_,
                     [&](const Piece& piece) { return Agrees(piece, bytes, offset); });
}

StreamHead::Outcome StreamHead::Take(uint32_t sequence, std::span<const uint8_t> bytes) {
  const uint32_t offset = Clip(sequence, bytes);
  if (bytes.empty()) return Outcome::kTaken;
  Piece made{offset, offset + static_cast<uint32_t>(bytes.size())};

  // Pieces that it touches become one with it.
  std::array<Piece, kMaxPieces + 2> kept;
  unsigned count = 0;
  bool placed = false;
  for (unsigned i = 0; i < count_; ++i) {
    const Piece& piece = pieces_[i];
    if (!Agrees(piece, bytes, offset)) return Outcome::kDiffers;
    if (piece.last < made.first) {
      kept[count++] = piece;
    } else if (made.last < piece.first) {
      if (!placed) kept[count++] = made;
      placed = true;
      kept[count++] = piece;
    } else {
      made = {std::min(made.first, piece.first), std::max(made.last, piece.last)};
    }
  }
  if (!placed) kept[count++] = made;
  if (count > kMaxPieces + 1) return Outcome::kScattered;
  pieces_ = kept;
  count_ = count;
  std::memcpy(&buffer_[offset], bytes.data(), bytes.size());
  return Outcome::kTaken;
}

void StreamHead::MoveTo(std::span<uint8_t> buffer) {
  if (count_ > 0) std::memcpy(buffer.data(), buffer_.data(), pieces_[count_ - 1].last);
  buffer_ = buffer;
}

}  // namespace sluice::dataplane
