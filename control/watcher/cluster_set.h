// The objects of the cluster as far as they are known, and what has changed since they were last
// taken: between the thread that reads the API and the one that sends to sluiced.
//
// Nothing can be taken before every kind is known. Changes are one for each object, however often
// it changed, and an object that reads the same as before has not changed.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "control/object_key.h"

namespace sluice::control {

using SharedCandidate = std::shared_ptr<const Candidate>;

// Any thread.
class ClusterSet {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Item {
    SharedCandidate candidate;  // null: of a kind that is only counted
    std::string uid;
    int64_t generation = 0;  // of kinds whose status gets a condition: another one is a change
  };
  struct Batch {
    std::vector<Item> objects;  // all there are, or those that are new or changed
    std::vector<ObjectKey> removed;
    std::map<ObjectKey, Time> read;  // when each change was first read
  };

  ClusterSet(const std::vector<std::string>& kinds, std::function<Time()> clock)
      : unknown_(kinds.begin(), kinds.end()), clock_(std::move(clock)) {}

  // All objects of a kind, which is known from now on. Those that are new or changed.
  std::set<ObjectKey> Replace(const std::string& kind, std::map<ObjectKey, Item> objects);
  // Whether it is new or changed.
  bool Put(const ObjectKey& key, Item item);
  // Not if the object has another UID by now: then it is another object under an old name.
  void Remove(const ObjectKey& key, const std::string& uid);

  // Everything, and nothing is changed any more. Nothing while a kind is not known.
  std::optional<Batch> TakeAll();
  // Nothing if there is no change, or a kind is not known. An object under the name of one that is
  // gone is among `removed`, too: what it replaces is no earlier version of it.
  std::optional<Batch> TakeChanges();
  // What was taken did not arrive: it counts as changed again, since then.
  void PutBack(std::map<ObjectKey, Time> read);
  // Those of `keys` that are there count as changed.
  void SendAgain(const std::vector<ObjectKey>& keys);

  // Until `limit` is over or it is closed; or, with `for_change`, there is something to take.
  void Wait(std::chrono::steady_clock::duration limit, bool for_change);
  void Close();
  bool closed() const;

  std::map<std::string, size_t> Counts() const;  // objects by kind
  size_t pending() const;                        // changes not taken yet

 private:
  bool Ready() const { return unknown_.empty() && (!taken_ || !changed_.empty()); }
  bool Assign(const ObjectKey& key, Item item);
  void Changed(const ObjectKey& key, const Item& item);

  mutable std::mutex mutex_;
  std::condition_variable wakes_;
  std::set<std::string> unknown_;  // kinds
  std::map<ObjectKey, Item> objects_;
  std::map<ObjectKey, Time> changed_;
  std::set<ObjectKey> replaced_;  // whose name another object had when they were last taken
  bool taken_ = false;            // once
  bool closed_ = false;
  std::function<Time()> clock_;
};

}  // namespace sluice::control
