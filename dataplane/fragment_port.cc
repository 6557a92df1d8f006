#include "dataplane/fragment_port.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

namespace sluice::dataplane {
namespace {

// Where a piece ends; they overlap if each begins before the other ends.
uint32_t EndOf(uint32_t offset, uint32_t length) { return offset + length; }

}  // namespace

uint32_t FragmentPort::TagOf(const DatagramKey& key) {
  return static_cast<uint32_t>(XXH3_64bits(&key, sizeof(key))) | 1u;
}

void FragmentPort::SetOwner(SubjectRef owner, PortTally& tally) {
  if (owner == owner_) return;
  Clear(tally);
  owner_ = owner;
}

FragmentPort::Slot FragmentPort::FindOrOpen(const DatagramKey& key, uint32_t now_ms,
                                            PortTally& tally) {
  const uint32_t tag = TagOf(key);
  for (unsigned slot = 0; slot < kMaxDatagrams; ++slot) {
    if (tags_[slot] != tag || datagrams_[slot].key != key) continue;
    used_in_[slot] = burst_;
    return static_cast<Slot>(slot);
  }
  if (live_ == kMaxDatagrams) EvictOldest(/*waiting_only=*/false, tally);
  const auto free = std::find(tags_.begin(), tags_.end(), 0u);
  const auto slot = static_cast<Slot>(free - tags_.begin());
  tags_[slot] = tag;
  used_in_[slot] = burst_;
  opened_ms_[slot] = now_ms;
  Datagram& datagram = datagrams_[slot];
  datagram.key = key;
  datagram.doom = DropReason::kNone;
  datagram.has_first = false;
  datagram.size = datagram.seen = 0;
  datagram.piece_count = datagram.held_count = 0;
  ++live_;
  return slot;
}

void FragmentPort::Free(Slot slot) {
  tags_[slot] = 0;
  --live_;
}

void FragmentPort::FreeIfDone(Slot slot) {
  const Datagram& datagram = datagrams_[slot];
  const bool done = datagram.complete() && datagram.held_count == 0;
  if (tags_[slot] != 0 && done && datagram.doom == DropReason::kNone) Free(slot);
}

DropReason FragmentPort::Record(Datagram& datagram, const Fragment& fragment) {
  const uint32_t end = EndOf(fragment.offset, fragment.length);
  const std::span<const Datagram::Piece> pieces(datagram.pieces.data(), datagram.piece_count);
  for (const Datagram::Piece& piece : pieces) {
    if (fragment.offset >= EndOf(piece.offset, piece.length) || piece.offset >= end) continue;
    const bool same = piece.offset == fragment.offset && piece.length == fragment.length &&
                      fragment.more == (end != datagram.size);
    if (same) return DropReason::kFragmentDuplicate;
    return datagram.doom = DropReason::kFragmentOverlap;
  }
  const bool beyond = datagram.size != 0 && end > datagram.size;
  if (beyond) return datagram.doom = DropReason::kFragmentOverlap;
  if (!fragment.more) {
    const bool second_end = datagram.size != 0;
    const bool short_end = std::any_of(pieces.begin(), pieces.end(),
                                       [end](const auto& piece) { return piece.offset >= end; });
    if (second_end || short_end) return datagram.doom = DropReason::kFragmentOverlap;
    datagram.size = end;
  }
  if (datagram.piece_count == kMaxPieces) return datagram.doom = DropReason::kFragmentLimit;
  datagram.pieces[datagram.piece_count++] = {fragment.offset, fragment.length, nullptr};
  datagram.seen += fragment.length;
  return DropReason::kNone;
}

bool FragmentPort::Hold(Slot slot, rte_mbuf* mbuf, unsigned budget, PortTally& tally) {
  Datagram& datagram = datagrams_[slot];
  Datagram::Piece& piece = datagram.pieces[datagram.piece_count - 1];
  while (held_segments_ + mbuf->nb_segs > budget) {
    if (EvictOldest(/*waiting_only=*/true, tally)) continue;
    const bool was_last = EndOf(piece.offset, piece.length) == datagram.size;
    if (was_last) datagram.size = 0;
    datagram.seen -= piece.length;
    --datagram.piece_count;
    return false;
  }
  piece.held = mbuf;
  held_segments_ += mbuf->nb_segs;
  ++datagram.held_count;
  return true;
}

unsigned FragmentPort::TakeHeld(Slot slot, std::span<rte_mbuf*> out) {
  Datagram& datagram = datagrams_[slot];
  unsigned taken = 0;
  unsigned kept = 0;
  for (unsigned i = 0; i < datagram.piece_count; ++i) {
    Datagram::Piece& piece = datagram.pieces[i];
    if (piece.held == nullptr || taken == out.size()) {
      datagram.pieces[kept++] = piece;
      continue;
    }
    out[taken++] = piece.held;
    held_segments_ -= piece.held->nb_segs;
    datagram.seen -= piece.length;
    if (EndOf(piece.offset, piece.length) == datagram.size) datagram.size = 0;
  }
  datagram.piece_count = kept;
  datagram.held_count -= taken;
  return taken;
}

void FragmentPort::Evict(Slot slot, DropReason reason, PortTally& tally) {
  std::array<rte_mbuf*, kMaxPieces> held;
  const unsigned count = TakeHeld(slot, held);
  rte_pktmbuf_free_bulk(held.data(), count);
  tally.drops[static_cast<size_t>(reason)].Add(count);
  Free(slot);
}

// Holds buffers, and may do so until its time is over.
bool FragmentPort::IsWaiting(unsigned slot) const {
  const Datagram& datagram = datagrams_[slot];
  return datagram.held_count != 0 && !datagram.has_first && datagram.doom == DropReason::kNone;
}

// The datagram that was not used for longest goes; false if this burst used all there are.
bool FragmentPort::EvictOldest(bool waiting_only, PortTally& tally) {
  unsigned oldest = kNoDatagram;
  uint32_t longest = 0;
  for (unsigned slot = 0; slot < kMaxDatagrams; ++slot) {
    const uint32_t unused = burst_ - used_in_[slot];
    if (tags_[slot] == 0 || unused <= longest) continue;
    if (waiting_only && !IsWaiting(slot)) continue;
    oldest = slot;
    longest = unused;
  }
  if (oldest == kNoDatagram) return false;
  Evict(static_cast<Slot>(oldest), DropReason::kFragmentLimit, tally);
  return true;
}

void FragmentPort::Expire(uint32_t now_ms, uint32_t timeout_ms, PortTally& tally) {
  for (unsigned slot = 0; slot < kMaxDatagrams; ++slot) {
    if (tags_[slot] == 0 || now_ms - opened_ms_[slot] < timeout_ms) continue;
    Evict(static_cast<Slot>(slot), DropReason::kFragmentTimeout, tally);
  }
}

void FragmentPort::Clear(PortTally& tally) {
  for (unsigned slot = 0; slot < kMaxDatagrams; ++slot) {
    if (tags_[slot] != 0) Evict(static_cast<Slot>(slot), DropReason::kFragmentTimeout, tally);
  }
}

}  // namespace sluice::dataplane
