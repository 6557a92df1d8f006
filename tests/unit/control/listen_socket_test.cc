#include "control/listen_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace sluice::control {
namespace {

using ::testing::HasSubstr;

class ListenSocketTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return (directory_ / name).string(); }

  static int Listen(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(fd, 1), 0);
    return fd;
  }

  const test::TemporaryDirectory directory_;
};

TEST(ListenAddressTest, UnixPathsAreTaken) {
  EXPECT_EQ(*ParseListenAddress("unix:///run/s.sock"), "/run/s.sock");
  EXPECT_EQ(*ParseListenAddress("unix:/run/s.sock"), "/run/s.sock");
}

TEST(ListenAddressTest, AllElseIsRefusedWithTheReason) {
  const struct {
    std::string address;
    const char* reason;
  } kRows[] = {{"0.0.0.0:8443", "mutual TLS"},
               {"localhost:1", "mutual TLS"},
               {"", "mutual TLS"},
               {"unix:", "absolute path"},
               {"unix:s.sock", "absolute path"},
               {"unix:///" + std::string(107, 'x'), "108 characters"}};
  for (const auto& row : kRows) {
    const auto parsed = ParseListenAddress(row.address);
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << row.address;
    EXPECT_THAT(std::string(parsed.status().message()), HasSubstr(row.reason));
  }
}

TEST_F(ListenSocketTest, TheDirectoryIsMadeForItsOwnerOnly) {
  ASSERT_TRUE(PrepareSocketPath(Path("run/s.sock")).ok());
  struct stat info {};
  ASSERT_EQ(stat(Path("run").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(ListenSocketTest, ASocketNobodyListensOnIsRemoved) {
  close(Listen(Path("s.sock")));
  ASSERT_TRUE(std::filesystem::exists(Path("s.sock")));
  EXPECT_TRUE(PrepareSocketPath(Path("s.sock")).ok());
  EXPECT_FALSE(std::filesystem::exists(Path("s.sock")));
}

TEST_F(ListenSocketTest, ASocketInUseIsLeftAlone) {
  const int fd = Listen(Path("s.sock"));
  const absl::Status status = PrepareSocketPath(Path("s.sock"));
  close(fd);
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(status.message()), HasSubstr("another process listens there"));
  EXPECT_TRUE(std::filesystem::exists(Path("s.sock")));
}

TEST_F(ListenSocketTest, AFileThatIsNoSocketIsLeftAlone) {
  std::ofstream(Path("file")) << "precious";
  const absl::Status status = PrepareSocketPath(Path("file"));
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(status.message()), HasSubstr("is not a socket"));
  EXPECT_TRUE(std::filesystem::exists(Path("file")));
}

TEST_F(ListenSocketTest, ADirectoryThatCannotBeMadeIsTheError) {
  std::ofstream(Path("file")) << "x";
  EXPECT_EQ(PrepareSocketPath(Path("file/s.sock")).code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace sluice::control
