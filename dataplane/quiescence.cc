#include "dataplane/quiescence.h"

#include <rte_rcu_qsbr.h>

#include <cstdlib>
#include <new>

#include "dataplane/tsan.h"

namespace sluice::dataplane {

void Quiescence::Free::operator()(rte_rcu_qsbr* state) const { std::free(state); }

Quiescence::Quiescence(unsigned readers) {
  const size_t size = rte_rcu_qsbr_get_memsize(readers);
  state_.reset(static_cast<rte_rcu_qsbr*>(std::aligned_alloc(64, (size + 63) / 64 * 64)));
  if (state_ == nullptr) throw std::bad_alloc();
  rte_rcu_qsbr_init(state_.get(), readers);
  for (unsigned reader = 0; reader < readers; ++reader) {
    rte_rcu_qsbr_thread_register(state_.get(), reader);
  }
}

void Quiescence::GoOnline(unsigned reader) { rte_rcu_qsbr_thread_online(state_.get(), reader); }
void Quiescence::GoOffline(unsigned reader) {
  ReadersLetGo(state_.get());
  rte_rcu_qsbr_thread_offline(state_.get(), reader);
}
void Quiescence::Report(unsigned reader) {
  ReadersLetGo(state_.get());
  rte_rcu_qsbr_quiescent(state_.get(), reader);
}
uint64_t Quiescence::Start() { return rte_rcu_qsbr_start(state_.get()); }
bool Quiescence::Passed(uint64_t token) {
  if (rte_rcu_qsbr_check(state_.get(), token, false) != 1) return false;
  AllHaveLetGo(state_.get());
  return true;
}
void Quiescence::Wait() {
  rte_rcu_qsbr_synchronize(state_.get(), RTE_QSBR_THRID_INVALID);
  AllHaveLetGo(state_.get());
}

}  // namespace sluice::dataplane
