// What opening a port checks before DPDK is asked, and what it takes away that nobody needs.
#include "dataplane/port_device.h"

#include <gtest/gtest.h>
#include <rte_ethdev.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/packet_pool.h"

namespace sluice::dataplane {
namespace {

class PortDeviceTest : public testing::Test {
 protected:
  void SetUp() override {
    static int next = 0;
    directory_ = testing::TempDir() + "sluice-XXXXXX";
    ASSERT_NE(mkdtemp(directory_.data()), nullptr);
    auto pool = PacketPool::Create("port_device" + std::to_string(next++), 1023);
    ASSERT_TRUE(pool.ok());
    pool_ = *std::move(pool);
    spec_.name = "web";
    spec_.role = PortRole::kUplink;
    spec_.path = directory_ + "/web.sock";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  absl::Status Open(const PortSpec& spec) {
    return PortDevice::Open(spec, {.pool = pool_.get(), .pci = allowed_}).status();
  }

  // A listening socket at the port's path.
  int Listen(int type = SOCK_STREAM) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    spec_.path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    const int fd = socket(AF_UNIX, type, 0);
    EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(fd, 1), 0);
    return fd;
  }

  std::string directory_;
  PacketPool pool_;
  PortSpec spec_;
  std::vector<std::string> allowed_;  // PCI devices
};

TEST_F(PortDeviceTest, ASocketThatAKilledSwitchLeftMakesWay) {
  close(Listen());  // the file stays
  ASSERT_TRUE(std::filesystem::exists(spec_.path));
  EXPECT_TRUE(Open(spec_).ok()) << Open(spec_);
  EXPECT_FALSE(std::filesystem::exists(spec_.path)) << "closed again";
}

TEST_F(PortDeviceTest, ASocketThatSomebodyListensOnIsRefused) {
  const int fd = Listen();
  EXPECT_EQ(Open(spec_),
            absl::AlreadyExistsError("port web: socket path " + spec_.path + " exists already"));
  EXPECT_TRUE(std::filesystem::exists(spec_.path));
  close(fd);
}

TEST_F(PortDeviceTest, WhatIsNoSocketIsNotRemoved) {
  std::ofstream(spec_.path) << "precious";
  EXPECT_EQ(Open(spec_).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(std::filesystem::file_size(spec_.path), 8u);
  std::filesystem::remove(spec_.path);
  std::filesystem::create_symlink(directory_ + "/elsewhere", spec_.path);
  EXPECT_EQ(Open(spec_).code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(PortDeviceTest, AClientFollowsNoLinkToItsSocket) {
  const int fd = Listen();
  std::filesystem::rename(spec_.path, directory_ + "/elsewhere");
  std::filesystem::create_symlink(directory_ + "/elsewhere", spec_.path);
  spec_.kind = PortKind::kVhostClient;
  EXPECT_EQ(Open(spec_),
            absl::FailedPreconditionError("port web: " + spec_.path + " is not a socket"));
  close(fd);
}

// DPDK's limit of ethdevs is not one of pods.
TEST_F(PortDeviceTest, VhostPortsAreAsManyAsThereAreSlots) {
  std::vector<PortDevice> devices;
  for (unsigned i = 0; i < 4 * RTE_MAX_ETHPORTS; ++i) {
    spec_.name = "web" + std::to_string(i);
    spec_.path = directory_ + "/" + spec_.name;
    spec_.kind = i % 2 == 0 ? PortKind::kVhostServer : PortKind::kVhostClient;
    auto device = PortDevice::Open(spec_, {.pool = pool_.get()});
    ASSERT_TRUE(device.ok()) << device.status();
    devices.push_back(*std::move(device));
  }
  EXPECT_EQ(rte_eth_dev_count_total(), 0);
}

TEST_F(PortDeviceTest, OneEthdevTooManyIsRefused) {
  std::vector<PortDevice> devices;
  spec_.kind = PortKind::kRing;
  spec_.path.clear();
  for (unsigned i = 0; i < RTE_MAX_ETHPORTS; ++i) {
    spec_.name = "full" + std::to_string(i);
    auto device = PortDevice::Open(spec_, {.pool = pool_.get()});
    ASSERT_TRUE(device.ok()) << device.status();
    devices.push_back(*std::move(device));
  }
  spec_.name = "web";
  EXPECT_EQ(Open(spec_), absl::ResourceExhaustedError(
                             "port web: this build of DPDK allows 32 ports that are neither "
                             "vhost-user nor tap (RTE_MAX_ETHPORTS), all are in use"));
}

TEST_F(PortDeviceTest, AMemifSocketThatAKilledSwitchLeftMakesWay) {
  spec_.kind = PortKind::kMemifServer;
  close(Listen(SOCK_SEQPACKET));
  ASSERT_TRUE(std::filesystem::exists(spec_.path));
  EXPECT_TRUE(Open(spec_).ok()) << Open(spec_);
  EXPECT_FALSE(std::filesystem::exists(spec_.path)) << "closed again";
}

TEST_F(PortDeviceTest, AMemifSocketThatSomebodyListensOnIsRefused) {
  spec_.kind = PortKind::kMemifServer;
  const int fd = Listen(SOCK_SEQPACKET);
  EXPECT_EQ(Open(spec_),
            absl::AlreadyExistsError("port web: socket path " + spec_.path + " exists already"));
  close(fd);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(PortDeviceTest, MemifMemoryIsUnmappedByAFunctionOfOurs) { EXPECT_TRUE(MemifGuard::Works()); }
#endif

TEST_F(PortDeviceTest, AMemifClientWantsSomebodyToListen) {
  spec_.kind = PortKind::kMemifClient;
  const absl::Status nobody = absl::FailedPreconditionError(
      "port web: nobody listens on " + spec_.path +
      ": the peer of a memif-client port has to be there when the port is added");
  EXPECT_EQ(Open(spec_), nobody);
  close(Listen(SOCK_SEQPACKET));
  EXPECT_EQ(Open(spec_), nobody) << "its peer was killed";
  EXPECT_EQ(rte_eth_dev_count_total(), 0);
}

TEST_F(PortDeviceTest, APciDeviceIsRefusedUnlessItIsAllowed) {
  allowed_ = {"ffff:04:00.0"};
  for (const auto& [kind, path] : {std::pair(PortKind::kPci, "ffff:03:00.0"),
                                   std::pair(PortKind::kRepresentor, "ffff:03:00.0/vf2")}) {
    spec_.kind = kind;
    spec_.path = path;
    EXPECT_EQ(Open(spec_), absl::FailedPreconditionError("port web: ffff:03:00.0 is not allowed: "
                                                         "start sluiced with --pci ffff:03:00.0"));
  }
}

TEST_F(PortDeviceTest, APciDeviceThatIsNotThereIsNamed) {
  allowed_ = {"FFFF:03:00.0,devargs=1"};
  spec_.kind = PortKind::kPci;
  spec_.path = "ffff:03:00.0";
  EXPECT_EQ(Open(spec_),
            absl::FailedPreconditionError("port web: there is no PCI device ffff:03:00.0"));
}

TEST_F(PortDeviceTest, ANicThatTheKernelHasIsNamedWithItsInterface) {
  const std::filesystem::path devices = directory_, device = devices / "0000:03:00.0";
  std::filesystem::create_directories(device / "net" / "eth7");
  EXPECT_EQ(NicFault(devices, "0000:03:00.0"),
            "0000:03:00.0 has no driver: bind it to vfio-pci (dpdk-devbind.py --bind=vfio-pci "
            "0000:03:00.0)");
  std::filesystem::create_directory_symlink("../drivers/e1000e", device / "driver");
  EXPECT_EQ(NicFault(devices, "0000:03:00.0"),
            "0000:03:00.0 is the kernel's (driver e1000e, interface eth7): bind it to vfio-pci "
            "(dpdk-devbind.py --bind=vfio-pci 0000:03:00.0)");
  for (const char* usable : {"vfio-pci", "mlx5_core"}) {
    std::filesystem::remove(device / "driver");
    std::filesystem::create_directory_symlink(std::string("../drivers/") + usable,
                                              device / "driver");
    EXPECT_EQ(NicFault(devices, "0000:03:00.0"), std::nullopt) << usable;
  }
}

TEST_F(PortDeviceTest, ARepresentorThatIsNotThereIsNamed) {
  allowed_ = {"ffff:03:00.0"};
  spec_.kind = PortKind::kRepresentor;
  spec_.path = "ffff:03:00.0/vf2";
  const absl::Status failed = Open(spec_);
  EXPECT_EQ(failed.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(failed.message().find("ffff:03:00.0,representor=vf2: no such representor"),
            std::string::npos)
      << failed;
}

}  // namespace
}  // namespace sluice::dataplane
