#include "dataplane/denial_tally.h"

namespace sluice::dataplane {
namespace {

// A key's parts, from the lowest bit: rule, network, reason, outcome, port, generation. Numbers
// that do not fit are counted as nobody's: 0.
constexpr unsigned kRuleBits = 21, kNetworkBits = 8, kReasonBits = 7, kOutcomeBits = 2,
                   kPortBits = 10;
constexpr unsigned kNetworkShift = kRuleBits;
constexpr unsigned kReasonShift = kNetworkShift + kNetworkBits;
constexpr unsigned kOutcomeShift = kReasonShift + kReasonBits;
constexpr unsigned kPortShift = kOutcomeShift + kOutcomeBits;
constexpr unsigned kGenerationShift = kPortShift + kPortBits;
static_assert(kGenerationShift + 16 == 64 && kMaxPorts <= 1u << kPortBits &&
              kDropReasonCount <= 1u << kReasonBits);

constexpr uint64_t Mask(unsigned bits) { return (uint64_t{1} << bits) - 1; }

uint64_t Mix(uint64_t key) {
  key *= 0x9e37'79b9'7f4a'7c15;
  return key ^ (key >> 32);
}

}  // namespace

uint64_t DenialTally::Pack(const Denial& denial) {
  const bool fits = denial.rule <= Mask(kRuleBits) && denial.network <= Mask(kNetworkBits);
  return (fits ? uint64_t{denial.rule} | uint64_t{denial.network} << kNetworkShift : 0) |
         static_cast<uint64_t>(denial.reason) << kReasonShift |
         static_cast<uint64_t>(denial.outcome) << kOutcomeShift |
         uint64_t{denial.port} << kPortShift | uint64_t{denial.generation} << kGenerationShift;
}

Denial DenialTally::Unpack(uint64_t key) {
  Denial denial;
  denial.rule = static_cast<acl::RuleId>(key & Mask(kRuleBits));
  denial.network = static_cast<NetworkId>((key >> kNetworkShift) & Mask(kNetworkBits));
  denial.reason = static_cast<DropReason>((key >> kReasonShift) & Mask(kReasonBits));
  denial.outcome = static_cast<Outcome>((key >> kOutcomeShift) & Mask(kOutcomeBits));
  denial.port = static_cast<PortId>((key >> kPortShift) & Mask(kPortBits));
  denial.generation = static_cast<uint16_t>(key >> kGenerationShift);
  return denial;
}

void DenialTally::Add(const Denial& denial, const std::vector<PortView>& ports) {
  const uint64_t key = Pack(denial);
  Slot* slot = Find(key, ports);
  if (slot == nullptr) return;
  const uint64_t packets = slot->packets.load(std::memory_order_relaxed) + 1;
  slot->packets.store(packets, std::memory_order_release);
  // After its count: a reader that sees the key twice has read the key's own count.
  if (slot->key.load(std::memory_order_relaxed) != key) {
    slot->key.store(key, std::memory_order_release);
  }
}

// The key's slot, or one for it, cleared; null: no room.
DenialTally::Slot* DenialTally::Find(uint64_t key, const std::vector<PortView>& ports) {
  const uint64_t start = Mix(key);
  Slot* room = nullptr;
  for (unsigned probe = 0; probe < kProbes; ++probe) {
    Slot& slot = slots_[(start + probe) % kSlots];
    const uint64_t held = slot.key.load(std::memory_order_relaxed);
    if (held == key) return &slot;
    const Denial denial = Unpack(held);
    const bool stale = held == 0 || denial.port >= ports.size() || !ports[denial.port].in_use ||
                       ports[denial.port].generation != denial.generation;
    if (stale && room == nullptr) room = &slot;
    if (held == 0) break;
  }
  if (room != nullptr) {
    room->key.store(0, std::memory_order_release);
    room->packets.store(0, std::memory_order_release);
  }
  return room;
}

}  // namespace sluice::dataplane
