// Packet buffers whose data are heap blocks of exactly the segments' sizes, for AddressSanitizer.
#pragma once

#include <rte_mbuf.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

namespace sluice::test {

class ExactMbuf {
 public:
  // The whole frame in one segment, or its first `first` bytes, and the rest in a second one; the
  // first block begins `headroom` bytes before the frame.
  explicit ExactMbuf(const std::vector<uint8_t>& frame) : ExactMbuf(frame, frame.size()) {}
  ExactMbuf(const std::vector<uint8_t>& frame, size_t first, uint16_t headroom = 0)
      : head_(frame.data(), first, headroom), tail_(frame.data() + first, frame.size() - first, 0) {
    head_.mbuf->pkt_len = static_cast<uint32_t>(frame.size());
    if (first == frame.size()) return;
    head_.mbuf->nb_segs = 2;
    head_.mbuf->next = tail_.mbuf.get();
  }
  rte_mbuf* get() { return head_.mbuf.get(); }

 private:
  struct Segment {
    Segment(const uint8_t* from, size_t size, uint16_t headroom)
        : data(new uint8_t[headroom + size]), mbuf(std::make_unique<rte_mbuf>()) {
      std::copy(from, from + size, data.get() + headroom);
      mbuf->buf_addr = data.get();
      mbuf->data_off = headroom;
      rte_mbuf_refcnt_set(mbuf.get(), 1);
      mbuf->data_len = static_cast<uint16_t>(size);
      mbuf->nb_segs = 1;
    }
    std::unique_ptr<uint8_t[]> data;
    std::unique_ptr<rte_mbuf> mbuf;
  };
  Segment head_, tail_;
};

}  // namespace sluice::test
