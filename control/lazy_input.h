// What policy was compiled from: at hand, or made when somebody asks.
//
// A change of one endpoint does not need all objects of the cluster side by side; who explains,
// compares or compiles anew does. Any thread; copies share what has been made.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "acl/policy_input.h"

namespace sluice::control {

class LazyInput {
 public:
  LazyInput() = default;
  explicit LazyInput(acl::PolicyInput input) : shared_(std::make_shared<Shared>()) {
    shared_->input = std::move(input);
  }
  // `make` is called once at most, by the first who asks.
  explicit LazyInput(std::function<acl::PolicyInput()> make) : shared_(std::make_shared<Shared>()) {
    shared_->make = std::move(make);
  }

  explicit operator bool() const { return shared_ != nullptr; }
  const acl::PolicyInput& operator*() const {
    std::call_once(shared_->made, [this] {
      if (shared_->make) shared_->input = std::exchange(shared_->make, nullptr)();
    });
    return shared_->input;
  }
  const acl::PolicyInput* operator->() const { return &**this; }

 private:
  struct Shared {
    std::once_flag made;
    std::function<acl::PolicyInput()> make;
    acl::PolicyInput input;
  };
  std::shared_ptr<Shared> shared_;
};

}  // namespace sluice::control
