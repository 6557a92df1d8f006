#include "control/cni/netlink.h"

#include <gtest/gtest.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <array>
#include <cstring>

namespace sluice::cni {
namespace {

// What the kernel answers about the interface of a physical function.
class Link {
 public:
  explicit Link(uint16_t type) : head_(mnl_nlmsg_put_header(bytes_.data())) {
    head_->nlmsg_type = type;
    mnl_nlmsg_put_extra_header(head_, sizeof(ifinfomsg));
    mnl_attr_put_strz(head_, IFLA_IFNAME, "ens0");
    list_ = mnl_attr_nest_start(head_, IFLA_VFINFO_LIST);
  }
  // A virtual function whose MAC has `bytes` bytes of what the kernel sends.
  void Add(unsigned number, uint8_t last, size_t bytes = sizeof(ifla_vf_mac)) {
    ifla_vf_mac mac{};
    mac.vf = number;
    mac.mac[0] = 2;
    mac.mac[5] = last;
    nlattr* info = mnl_attr_nest_start(head_, IFLA_VF_INFO);
    mnl_attr_put(head_, IFLA_VF_MAC, bytes, &mac);
    const ifla_vf_vlan vlan{number, 7, 0};
    mnl_attr_put(head_, IFLA_VF_VLAN, sizeof(vlan), &vlan);
    mnl_attr_nest_end(head_, info);
  }
  const nlmsghdr* Finish() {
    mnl_attr_nest_end(head_, list_);
    return head_;
  }

 private:
  alignas(nlmsghdr) std::array<char, 4096> bytes_{};
  nlmsghdr* head_;
  nlattr* list_;
};

TEST(NetlinkTest, TheMacOfAVirtualFunctionIsThatOfItsNumber) {
  Link link(RTM_NEWLINK);
  for (uint8_t number : {0, 1, 2}) link.Add(number, static_cast<uint8_t>(0xa0 + number));
  const nlmsghdr* message = link.Finish();
  EXPECT_EQ(VirtualFunctionMacIn(message, 1)->ToString(), "02:00:00:00:00:a1");
  EXPECT_EQ(VirtualFunctionMacIn(message, 2)->ToString(), "02:00:00:00:00:a2");
  EXPECT_EQ(VirtualFunctionMacIn(message, 3), std::nullopt);
}

TEST(NetlinkTest, WhatDoesNotSayItIsNotRead) {
  Link none(RTM_NEWLINK), other(RTM_NEWADDR), cut(RTM_NEWLINK);
  EXPECT_EQ(VirtualFunctionMacIn(none.Finish(), 0), std::nullopt);
  other.Add(0, 1);
  EXPECT_EQ(VirtualFunctionMacIn(other.Finish(), 0), std::nullopt);
  cut.Add(0, 1, sizeof(ifla_vf_mac) - 1);
  EXPECT_EQ(VirtualFunctionMacIn(cut.Finish(), 0), std::nullopt);
}

}  // namespace
}  // namespace sluice::cni
