#include "tests/differential/naive_fragments.h"

#include <algorithm>

namespace sluice::test {

using dataplane::DropReason;
using dataplane::Fragment;

namespace {

unsigned EndOf(const Fragment& fragment) { return unsigned{fragment.offset} + fragment.length; }

bool IsCopy(const Fragment& a, const Fragment& b) {
  return a.offset == b.offset && a.length == b.length && a.more == b.more;
}

}  // namespace

DropReason NaiveFragments::Check(const Datagram& datagram, const Fragment& fragment) {
  for (const Fragment& piece : datagram.pieces) {
    if (IsCopy(piece, fragment)) return DropReason::kFragmentDuplicate;
  }
  for (unsigned at = fragment.offset; at < EndOf(fragment); ++at) {
    if (datagram.covered[at]) return DropReason::kFragmentOverlap;
  }
  for (const Fragment& piece : datagram.pieces) {
    if (!piece.more && EndOf(fragment) > EndOf(piece)) return DropReason::kFragmentOverlap;
    if (!fragment.more && EndOf(piece) > EndOf(fragment)) return DropReason::kFragmentOverlap;
    if (!piece.more && !fragment.more) return DropReason::kFragmentOverlap;
  }
  const bool many = datagram.pieces.size() == dataplane::kMaxPieces;
  return many ? DropReason::kFragmentLimit : DropReason::kNone;
}

bool NaiveFragments::IsComplete(const Datagram& datagram) {
  for (const Fragment& piece : datagram.pieces) {
    if (piece.more) continue;
    return std::all_of(datagram.covered.begin(), datagram.covered.begin() + EndOf(piece),
                       [](bool covered) { return covered; });
  }
  return false;
}

void NaiveFragments::Take(const FragmentInput& input, unsigned index) {
  const Key key{input.fragment.identification, input.flood ? 0 : input.out_port, input.flood};
  const bool is_new = !datagrams_.contains(key);
  Datagram& datagram = datagrams_[key];
  if (is_new) datagram.opened_ms = now_ms_;
  if (datagram.doom != DropReason::kNone) {
    events_.push_back({index, datagram.doom, 0});
    return;
  }
  const DropReason found = Check(datagram, input.fragment);
  if (found != DropReason::kNone) {
    if (found != DropReason::kFragmentDuplicate) datagram.doom = found;
    events_.push_back({index, found, 0});
    return;
  }
  datagram.pieces.push_back(input.fragment);
  std::fill(datagram.covered.begin() + input.fragment.offset,
            datagram.covered.begin() + EndOf(input.fragment), true);
  if (input.fragment.first()) {
    datagram.has_first = true;
    datagram.port = input.port;
  }
  if (!datagram.has_first) {
    datagram.waiting.push_back(index);
  } else if (IsAllowed(datagram.port)) {
    events_.push_back({index, DropReason::kNone, datagram.port});
  } else {
    events_.push_back({index, DropReason::kPolicyIngress, 0});
  }
}

// The verdict on first fragments is known now.
void NaiveFragments::EndOfBurst() {
  for (auto it = datagrams_.begin(); it != datagrams_.end();) {
    Datagram& datagram = it->second;
    const bool denied = datagram.has_first && !IsAllowed(datagram.port);
    if (denied && datagram.doom == DropReason::kNone) datagram.doom = DropReason::kPolicyIngress;
    const bool doomed = datagram.doom != DropReason::kNone;
    if (doomed || datagram.has_first) {
      for (const unsigned index : datagram.waiting) {
        events_.push_back({index, datagram.doom, doomed ? uint16_t{0} : datagram.port});
      }
      datagram.waiting.clear();
    }
    it = !doomed && IsComplete(datagram) ? datagrams_.erase(it) : std::next(it);
  }
}

std::vector<FragmentRig::Event> NaiveFragments::Feed(std::span<const FragmentInput> inputs) {
  events_.clear();
  for (const FragmentInput& input : inputs) Take(input, next_++);
  EndOfBurst();
  return events_;
}

void NaiveFragments::Advance(uint32_t ms) {
  now_ms_ += ms;
  for (auto it = datagrams_.begin(); it != datagrams_.end();) {
    const bool old = now_ms_ - it->second.opened_ms >= timeout_ms_;
    if (old) timed_out_ += it->second.waiting.size();
    it = old ? datagrams_.erase(it) : std::next(it);
  }
}

int NaiveFragments::waiting() const {
  int waiting = 0;
  for (const auto& [key, datagram] : datagrams_) {
    waiting += static_cast<int>(datagram.waiting.size());
  }
  return waiting;
}

}  // namespace sluice::test
