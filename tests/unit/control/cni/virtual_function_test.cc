#include "control/cni/virtual_function.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "control/cni/cni_error.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/control/cni/made_sysfs.h"

namespace sluice::cni {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Two ports of one NIC, which share its switch, and one NIC in legacy mode.
class VirtualFunctionTest : public ::testing::Test {
 protected:
  VirtualFunctionTest() {
    sysfs_.AddPhysical("0000:03:00.0", "ens0", "e1");
    sysfs_.AddPhysical("0000:03:00.1", "ens1", "e1");
    sysfs_.AddVirtual("0000:03:00.0", 0, "0000:03:00.2");
    sysfs_.AddVirtual("0000:03:00.0", 11, "0000:03:01.5");
    sysfs_.AddVirtual("0000:03:00.1", 0, "0000:03:08.2");
    sysfs_.AddInterface("0000:03:00.0", "eth0", "e1", "pf0vf0");
    sysfs_.AddInterface("0000:03:00.0", "eth1", "e1", "pf0vf11");
    sysfs_.AddInterface("0000:03:00.1", "eth2", "e1", "c1pf1vf0");
    sysfs_.AddPhysical("0000:05:00.0", "old0", "");
    sysfs_.AddVirtual("0000:05:00.0", 0, "0000:05:00.2");
  }

  absl::StatusOr<VirtualFunction> Find(const std::string& pci) const {
    return FindVirtualFunction(sysfs_.path(), "deviceID", pci);
  }
  void ExpectRefused(const std::string& pci, const std::string& why) const {
    const absl::Status status = Find(pci).status();
    EXPECT_EQ(CodeOf(status), kConfig);
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("configuration: deviceID: " + pci), HasSubstr(why)));
  }

  const test::TemporaryDirectory directory_;
  MadeSysfs sysfs_{directory_.path()};
};

TEST_F(VirtualFunctionTest, ItsRepresentorIsFoundByFunctionAndNumber) {
  struct Case {
    const char* pci;
    const char* physical;
    const char* netdev;
    unsigned number;
    const char* representor;
  };
  for (const Case& c : {Case{"0000:03:00.2", "0000:03:00.0", "ens0", 0, "eth0"},
                        Case{"0000:03:01.5", "0000:03:00.0", "ens0", 11, "eth1"},
                        Case{"0000:03:08.2", "0000:03:00.1", "ens1", 0, "eth2"}}) {
    const auto found = Find(c.pci);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(found->physical, c.physical);
    EXPECT_EQ(found->physical_netdev, c.netdev);
    EXPECT_EQ(found->number, c.number);
    EXPECT_EQ(found->representor, c.representor);
  }
}

TEST_F(VirtualFunctionTest, OneWhoseNicIsInLegacyModeWouldBypassPolicy) {
  ExpectRefused("0000:05:00.2",
                "0000:05:00.0 is not in switchdev mode: traffic would bypass policy");
  ExpectRefused("0000:05:00.2", "devlink dev eswitch set pci/0000:05:00.0 mode switchdev");
}

TEST_F(VirtualFunctionTest, OneWithoutARepresentorIsRefused) {
  sysfs_.AddVirtual("0000:03:00.0", 1, "0000:03:00.3");
  ExpectRefused("0000:03:00.3", "no representor of its virtual function 1");
  sysfs_.AddInterface("0000:05:00.0", "eth9", "e2", "pf0vf1");  // of another switch
  ExpectRefused("0000:03:00.3", "no representor of its virtual function 1");
}

TEST_F(VirtualFunctionTest, WhatIsNoneOrTheKernelsIsRefused) {
  ExpectRefused("0000:09:00.0", "no such PCI device");
  ExpectRefused("0000:03:00.0", "is no virtual function");
  sysfs_.AddInterface("0000:03:00.2", "vf0", "", "");
  ExpectRefused("0000:03:00.2", "is interface vf0 of the kernel's: bind it to vfio-pci");
}

}  // namespace
}  // namespace sluice::cni
