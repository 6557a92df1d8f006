#include "dataplane/tap_port.h"

#include <poll.h>
#include <rte_branch_prediction.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sluice::dataplane {

absl::StatusOr<std::unique_ptr<TapPort>> TapPort::Open(const TapPortConfig& config) {
  const absl::StatusOr<int> fd = OpenTap(config.interface);
  if (!fd.ok()) return fd.status();
  std::unique_ptr<TapPort> port(new TapPort(config, *fd));
  if (config.watch != nullptr) {
    const auto watched = config.watch->Watch(*fd, &port->readable_);
    if (!watched.ok()) return watched.status();
    port->watched_ = *watched;
  }
  return port;
}

TapPort::TapPort(const TapPortConfig& config, int fd) : config_(config), fd_(fd) {
  vectors_[0] = {&header_, sizeof(header_)};
  if (config_.tx != nullptr) config_.tx->takes = kOffloadChecksum | kOffloadTcp4 | kOffloadTcp6;
}

TapPort::~TapPort() {
  if (config_.tx != nullptr) config_.tx->takes = 0;
  if (watched_.has_value()) config_.watch->Forget(*watched_, fd_);
  close(fd_);
}

uint16_t TapPort::Receive(rte_mbuf** mbufs, uint16_t count) {
  if (!readable_.load(std::memory_order_acquire)) return 0;
  uint16_t received = 0;
  while (received < count) {
    rte_mbuf* mbuf = Read();
    if (mbuf == nullptr) break;
    mbufs[received++] = mbuf;
  }
  GiveRoomBack();
  empty_looks_ = received > 0 ? 0 : empty_looks_ + 1;
  if (empty_looks_ == kPatience) Rest();
  return received;
}

// Until the kernel has something.
void TapPort::Rest() {
  empty_looks_ = 0;
  if (!gone_ && !watched_.has_value()) return;  // it is asked for ever
  readable_.store(false, std::memory_order_relaxed);
  if (!gone_) config_.watch->Await(*watched_, fd_);
}

// False: there are not enough buffers. What is to be read waits in the kernel.
bool TapPort::MakeRoom() {
  if (missing_ == 0) return true;
  if (rte_pktmbuf_alloc_bulk(config_.pool, room_.data(), missing_) != 0) return false;
  for (unsigned i = 0; i < missing_; ++i) {
    vectors_[i + 1] = {rte_pktmbuf_mtod(room_[i], void*), rte_pktmbuf_tailroom(room_[i])};
  }
  missing_ = 0;
  return true;
}

void TapPort::GiveRoomBack() {
  rte_pktmbuf_free_bulk(room_.data() + missing_, kRoom - missing_);
  missing_ = kRoom;
}

// The next frame; null: there is none, or none that can be taken.
rte_mbuf* TapPort::Read() {
  if (unlikely(!MakeRoom())) return nullptr;
  // Behind a header that somebody made longer would be what the buffer held before.
  std::memset(vectors_[1].iov_base, 0, RTE_ETHER_HDR_LEN);
  const ssize_t bytes = readv(fd_, vectors_.data(), vectors_.size());
  if (unlikely(bytes < 0 && errno == EBADFD)) gone_ = true;
  constexpr ssize_t kLeast = sizeof(VirtioHeader) + RTE_ETHER_HDR_LEN;
  return bytes < kLeast ? nullptr : Take(static_cast<uint32_t>(bytes) - sizeof(VirtioHeader));
}

// The first `length` bytes of the room, as one packet. One that fills it was longer, and is lost.
rte_mbuf* TapPort::Take(uint32_t length) {
  rte_mbuf* first = room_[0];
  uint32_t left = length;
  unsigned taken = 0;
  for (rte_mbuf* last = nullptr; left > 0; last = room_[taken++]) {
    rte_mbuf* piece = room_[taken];
    piece->data_len = static_cast<uint16_t>(std::min<size_t>(left, vectors_[taken + 1].iov_len));
    left -= piece->data_len;
    if (last != nullptr) last->next = piece;
  }
  missing_ = taken;
  first->nb_segs = static_cast<uint16_t>(taken);
  first->pkt_len = length;
  const rte_mbuf& end = *room_[taken - 1];
  if (unlikely(taken == kRoom && end.data_len == vectors_[kRoom].iov_len)) {
    rte_pktmbuf_free(first);
    return nullptr;
  }
  SayReceived(header_, *first);
  return first;
}

uint16_t TapPort::Send(rte_mbuf** mbufs, uint16_t count) {
  uint16_t sent = 0;
  while (sent < count && Write(*mbufs[sent])) ++sent;
  rte_pktmbuf_free_bulk(mbufs, sent);
  return sent;
}

bool TapPort::Write(const rte_mbuf& mbuf) {
  if (unlikely(mbuf.nb_segs > kMaxPieces)) return false;
  VirtioHeader header = HeaderOf(mbuf);
  std::array<iovec, kMaxPieces + 1> vectors;
  vectors[0] = {&header, sizeof(header)};
  int used = 1;
  for (const rte_mbuf* piece = &mbuf; piece != nullptr; piece = piece->next) {
    vectors[used++] = {rte_pktmbuf_mtod(piece, void*), piece->data_len};
  }
  return writev(fd_, vectors.data(), used) >= 0;
}

// Asked by its file, the kernel says "writable" of an interface that is up.
bool TapPort::LinkUp() const {
  pollfd state{fd_, POLLOUT, 0};
  return ::poll(&state, 1, 0) == 1 && (state.revents & (POLLOUT | POLLERR)) == POLLOUT;
}

}  // namespace sluice::dataplane
