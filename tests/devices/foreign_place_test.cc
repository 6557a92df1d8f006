// Ports in places that are a pod's: its network namespace, and a directory that it writes in.
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <future>
#include <thread>

#include "dataplane/network_namespace.h"
#include "dataplane/packet_pool.h"
#include "dataplane/port_device.h"
#include "dataplane/sealed_directory.h"

namespace sluice::dataplane {
namespace {

// A network namespace of a thread that waits for its end.
class Namespace {
 public:
  Namespace()
      : thread_([this] {
          made_.set_value(unshare(CLONE_NEWNET) == 0 ? syscall(SYS_gettid) : -1);
          end_.get_future().wait();
        }) {
    path_ = "/proc/self/task/" + std::to_string(made_.get_future().get()) + "/ns/net";
  }
  ~Namespace() {
    end_.set_value();
    thread_.join();
  }
  const std::string& path() const { return path_; }
  bool Has(const std::string& interface) const {
    const auto scope = NetworkNamespaceScope::Enter(path_);
    EXPECT_TRUE(scope.ok()) << scope.status();
    return if_nametoindex(interface.c_str()) != 0;
  }

 private:
  std::promise<long> made_;
  std::promise<void> end_;
  std::thread thread_;
  std::string path_;
};

class ForeignTapTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "not root: no network namespaces";
    static int next = 0;
    auto pool = PacketPool::Create("foreign" + std::to_string(next++), 1023);
    ASSERT_TRUE(pool.ok());
    pool_ = *std::move(pool);
    spec_.name = "web";
    spec_.kind = PortKind::kTap;
    spec_.path = "net1";
    spec_.mac = *MacAddress::Parse("02:00:00:00:00:01");
  }
  absl::Status Open(const PortSpec& spec) {
    return PortDevice::Open(spec, {.pool = pool_.get()}).status();
  }

  PacketPool pool_;
  PortSpec spec_;
};

TEST_F(ForeignTapTest, ATapOutlivesItsPortAndIsTakenAgain) {
  const Namespace pod;
  spec_.netns = pod.path();
  for (int round = 0; round < 2; ++round) {
    const auto device = PortDevice::Open(spec_, {.pool = pool_.get()});
    ASSERT_TRUE(device.ok()) << device.status();
    EXPECT_TRUE(pod.Has("net1"));
    EXPECT_EQ(if_nametoindex("net1"), 0u) << "this thread is at home again";
  }
  EXPECT_TRUE(pod.Has("net1"));
}

TEST_F(ForeignTapTest, AnInterfaceOfOthersIsNotTaken) {
  const Namespace pod;
  spec_.netns = pod.path();
  ASSERT_TRUE(Open(spec_).ok());
  spec_.mac = *MacAddress::Parse("02:00:00:00:00:02");
  EXPECT_EQ(Open(spec_),
            absl::AlreadyExistsError("port web: network interface net1 exists already"));
}

TEST_F(ForeignTapTest, ANamespaceThatIsNotThereIsNamed) {
  spec_.netns = "/no/such/namespace";
  EXPECT_EQ(Open(spec_), absl::FailedPreconditionError(
                             "port web: network namespace /no/such/namespace: No such file or "
                             "directory"));
  spec_.netns = "/dev/null";
  EXPECT_EQ(Open(spec_).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ForeignTapTest, OneWhoseNamespaceDiedCloses) {
  auto pod = std::make_unique<Namespace>();
  spec_.netns = pod->path();
  {
    const auto device = PortDevice::Open(spec_, {.pool = pool_.get()});
    ASSERT_TRUE(device.ok()) << device.status();
    pod.reset();
  }
  const Namespace another;
  spec_.netns = another.path();
  EXPECT_TRUE(Open(spec_).ok());
}

class SealedDirectoryTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "not root: no mounts";
    directory_ = testing::TempDir() + "sluice-XXXXXX";
    ASSERT_NE(mkdtemp(directory_.data()), nullptr);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  static sockaddr_un AddressOf(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    return address;
  }
  // The errno of connect(2).
  static int Connect(const std::string& path) {
    const sockaddr_un address = AddressOf(path);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    const int rc = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    const int error = rc == 0 ? 0 : errno;
    close(fd);
    return error;
  }
  static int Listen(const std::string& path) {
    const sockaddr_un address = AddressOf(path);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(fd, 4), 0);
    return fd;
  }

  std::string directory_;
};

TEST_F(SealedDirectoryTest, SocketsInItAreReachedAndLinksAreNot) {
  const auto sealed = SealedDirectory::Open(directory_);
  ASSERT_TRUE(sealed.ok()) << sealed.status();
  const int fd = Listen(directory_ + "/socket");
  std::filesystem::create_symlink(directory_ + "/socket", directory_ + "/link");
  EXPECT_EQ(Connect(directory_ + "/link"), 0) << "but for the seal it is followed";
  EXPECT_EQ(Connect(sealed->path() + "/socket"), 0);
  EXPECT_EQ(Connect(sealed->path() + "/link"), ELOOP);
  close(fd);
}

TEST_F(SealedDirectoryTest, WhatIsNotThereIsNamed) {
  const absl::Status failed = SealedDirectory::Open(directory_ + "/none").status();
  EXPECT_EQ(failed.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(failed.message().find("/none: links in it"), std::string::npos) << failed;
}

}  // namespace
}  // namespace sluice::dataplane
