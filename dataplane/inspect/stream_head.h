// The first bytes of one side of a TCP connection, in order, however they come.
//
// What was taken once stays: a segment that says otherwise of the same place in the stream is
// refused, so whatever rule the receiver has for overlaps, it cannot read anything else than what
// was judged. Bytes behind a gap are kept in pieces until it closes.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace sluice::dataplane {

class StreamHead {
 public:
  // Pieces that lie behind a gap at one time.
  static constexpr unsigned kMaxPieces = 8;

  enum class Outcome : uint8_t {
    kTaken,      // what of it fits the buffer is here, now or from before
    kDiffers,    // it contradicts what is here: nothing was taken
    kScattered,  // it would be one piece too many: nothing was taken
  };

  // `buffer` outlives the head's use; `first` is the sequence number of its first byte.
  void Begin(std::span<uint8_t> buffer, uint32_t first);
  // What lies before the first byte, or behind the buffer, is left out.
  Outcome Take(uint32_t sequence, std::span<const uint8_t> bytes);
  // Whether `bytes` say nothing else than what is here of the same place.
  bool Agrees(uint32_t sequence, std::span<const uint8_t> bytes) const;
  // The same head in a larger buffer.
  void MoveTo(std::span<uint8_t> buffer);

  uint32_t first() const { return first_; }
  std::span<uint8_t> buffer() const { return buffer_; }
  // How large a buffer would have to be for them.
  uint64_t EndOf(uint32_t sequence, size_t length) const;
  // Without a gap, from the first byte on.
  std::span<const uint8_t> bytes() const { return buffer_.first(length()); }
  uint32_t length() const { return count_ > 0 && pieces_[0].first == 0 ? pieces_[0].last : 0; }
  // Bytes behind a gap.
  bool HasGap() const { return count_ > (length() > 0 ? 1 : 0); }

 private:
  // Offsets, the last one past the end.
  struct Piece {
    uint32_t first = 0, last = 0;
  };
  uint32_t Clip(uint32_t sequence, std::span<const uint8_t>& bytes) const;
  bool Agrees(const Piece& piece, std::span<const uint8_t> bytes, uint32_t offset) const;

  std::span<uint8_t> buffer_;
  uint32_t first_ = 0;
  unsigned count_ = 0;
  std::array<Piece, kMaxPieces + 2> pieces_;  // sorted, with gaps between; one in hand, one behind
};

}  // namespace sluice::dataplane
