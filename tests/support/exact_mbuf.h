// A packet buffer whose data is a heap block of exactly the frame's size, for AddressSanitizer.
#pragma once

#include <rte_mbuf.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

namespace sluice::test {

class ExactMbuf {
 public:
  explicit ExactMbuf(const std::vector<uint8_t>& frame)
      : data_(new uint8_t[frame.size()]), mbuf_(new rte_mbuf{}) {
    std::copy(frame.begin(), frame.end(), data_.get());
    mbuf_->buf_addr = data_.get();
    mbuf_->data_off = 0;
    mbuf_->data_len = static_cast<uint16_t>(frame.size());
    mbuf_->pkt_len = static_cast<uint32_t>(frame.size());
    mbuf_->nb_segs = 1;
  }
  rte_mbuf* get() { return mbuf_.get(); }

 private:
  std::unique_ptr<uint8_t[]> data_;
  std::unique_ptr<rte_mbuf> mbuf_;
};

}  // namespace sluice::test
