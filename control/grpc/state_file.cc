#include "control/grpc/state_file.h"

#include <fmt/format.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "control/whole_file.h"
#include "sluice/v1/state.pb.h"

namespace sluice::control {
namespace {

constexpr uint32_t kFormat = 1;

absl::Status Failed(const std::string& path, const char* doing) {
  return absl::UnavailableError(fmt::format("{}: {}: {}", path, doing, std::strerror(errno)));
}

uint64_t ChecksumOf(const std::string& content) {
  return XXH3_64bits(content.data(), content.size());
}

}  // namespace

absl::Status WriteStateFile(const std::string& path, const std::string& what,
                            const google::protobuf::MessageLite& content) {
  v1::StateFile file;
  file.set_what(what);
  file.set_format(kFormat);
  file.set_content(content.SerializeAsString());
  file.set_checksum(ChecksumOf(file.content()));
  return WriteWholeFile(path, file.SerializeAsString(), 0600);
}

absl::Status ReadStateFile(const std::string& path, const std::string& what,
                           google::protobuf::MessageLite* content) {
  if (access(path.c_str(), F_OK) != 0 && errno == ENOENT) {
    return absl::NotFoundError(path + ": does not exist");
  }
  std::ifstream in(path, std::ios::binary);
  std::ostringstream read;
  if (!in || (read << in.rdbuf(), read.bad())) return Failed(path, "cannot be read");
  const std::string bytes = read.str();
  const auto damaged = [&path](const std::string& why) {
    return absl::DataLossError(fmt::format("{}: {}", path, why));
  };
  v1::StateFile file;
  if (!file.ParseFromString(bytes)) return damaged("is no state file, or cut short");
  if (file.what() != what) {
    return damaged(fmt::format("holds \"{}\", not \"{}\"", file.what(), what));
  }
  if (file.format() != kFormat) {
    return damaged(fmt::format("is of format {}, and {} is understood", file.format(), kFormat));
  }
  if (file.checksum() != ChecksumOf(file.content())) return damaged("the checksum is wrong");
  if (!content->ParseFromString(file.content())) return damaged("the content cannot be read");
  return absl::OkStatus();
}

}  // namespace sluice::control
