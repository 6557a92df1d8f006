// What pods and outsiders send who want in: each call makes a few frames of one kind of mischief.
//
// Where it is certain that a frame must not pass, it says so; about the others the oracle has its
// own opinion once they come out.
#pragma once

#include <random>
#include <vector>

#include "tests/soak/flows.h"
#include "tests/soak/oracle.h"
#include "tests/soak/world.h"

namespace sluice::soak {

class Hostile {
 public:
  Hostile(const World& world, Flows& flows, std::mt19937_64& random)
      : world_(world), flows_(flows), random_(random) {}

  // Adds `count` rounds of mischief to `batch`, after Flows::AddTo.
  void AddTo(std::vector<Sent>& batch, unsigned count);

 private:
  size_t Below(size_t limit) { return random_() % limit; }
  bool Chance(int percent) { return static_cast<int>(Below(100)) < percent; }
  Place AnyOpen();
  PacketSpec FirstPacket(Place from, Place to);
  IpAddress AnyAddress(acl::Family family);
  void Add(std::vector<Sent>& batch, Place from, Bytes frame, const char* what,
           Claim claim = Claim::kNone, bool honest = false);

  void Noise(std::vector<Sent>& batch);
  void FlippedBits(std::vector<Sent>& batch);
  void CutShort(std::vector<Sent>& batch);
  void SpoofedSource(std::vector<Sent>& batch);
  void WrongMac(std::vector<Sent>& batch);
  void OfNoConnection(std::vector<Sent>& batch);
  void First(std::vector<Sent>& batch);
  void Flood(std::vector<Sent>& batch);
  void Tagged(std::vector<Sent>& batch);
  void IcmpError(std::vector<Sent>& batch);
  void Fragments(std::vector<Sent>& batch);
  void ArpAndNeighbour(std::vector<Sent>& batch);
  void ToGroups(std::vector<Sent>& batch);
  void Extensions(std::vector<Sent>& batch);
  void Large(std::vector<Sent>& batch);
  void SpoiledConversation(std::vector<Sent>& batch);

  const World& world_;
  Flows& flows_;
  std::mt19937_64& random_;
};

}  // namespace sluice::soak
