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
  // The whole frame in one segment, or its first `first` bytes, and the rest in a second one.
  explicit ExactMbuf(const std::vector<uint8_t>& frame) : ExactMbuf(frame, frame.size()) {}
  ExactMbuf(const std::vector<uint8_t>& frame, size_t first)
      : head_(frame.data(), first), tail_(frame.data() + first, frame.size() - first) {
    head_.mbuf->pkt_len = static_cast<uint32_t>(frame.size());
    if (first == frame.size()) return;
    head_.mbuf->nb_segs = 2;
    head_.mbuf->next = tail_.mbuf.get();
  }
  rte_mbuf* get() { return head_.mbuf.get(); }

 private:
  struct Segment {
    Segment(const uint8_t* from, size_t size)
        : data(new uint8_t[size]), mbuf(std::make_unique<rte_mbuf>()) {
      std::copy(from, from + size, data.get());
      mbuf->buf_addr = data.get();
      mbuf->data_off = 0;
      mbuf->data_len = static_cast<uint16_t>(size);
      mbuf->nb_segs = 1;
    }
    std::unique_ptr<uint8_t[]> data;
    std::unique_ptr<rte_mbuf> mbuf;
  };
  Segment head_, tail_;
};

}  // namespace sluice::test
