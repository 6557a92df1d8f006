#include "control/ctl/capture_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "control/ctl/pcapng.h"
#include "control/version.h"

namespace sluice::ctl {

CaptureFile::CaptureFile(std::string path, uint32_t snaplen)
    : path_(std::move(path)), snaplen_(snaplen) {}

uint64_t CaptureFile::lost() const {
  uint64_t lost = 0;
  for (const Interface& interface : interfaces_) lost += interface.lost;
  return lost;
}

absl::Status CaptureFile::Open() {
  if (path_ == "-") {
    file_ = stdout;
  } else {
    const int descriptor = open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor >= 0) owned_.reset(fdopen(descriptor, "wb"));
    if (owned_ == nullptr) {
      return absl::UnavailableError(fmt::format("{}: {}", path_, strerror(errno)));
    }
    file_ = owned_.get();
  }
  return Write(PcapngSection(fmt::format("sluicectl {}", control::kVersion)));
}

absl::Status CaptureFile::Write(const std::string& blocks) {
  const bool written = fwrite(blocks.data(), 1, blocks.size(), file_) == blocks.size();
  if (written && fflush(file_) == 0) return absl::OkStatus();
  return absl::UnavailableError(fmt::format("{}: {}", path_, strerror(errno)));
}

absl::Status CaptureFile::Take(const v1::CaptureResponse& message) {
  if (file_ == nullptr) {
    if (absl::Status opened = Open(); !opened.ok()) return opened;
  }
  const std::string blocks = BlocksOf(message);
  return blocks.empty() ? absl::OkStatus() : Write(blocks);
}

std::string CaptureFile::BlocksOf(const v1::CaptureResponse& message) {
  std::string blocks;
  for (const v1::CaptureInterface& interface : message.interfaces()) {
    blocks += PcapngInterface(interface.name(), interface.description(), snaplen_);
    interfaces_.emplace_back();
  }
  for (const v1::CapturedPacket& packet : message.packets()) {
    blocks += PcapngPacketBlock({.interface = packet.interface(),
                                 .time_ns = packet.time_ns(),
                                 .outbound = packet.outbound(),
                                 .length = packet.length(),
                                 .data = packet.data(),
                                 .comment = packet.comment()});
    ++interfaces_.at(packet.interface()).captured;
    ++captured_;
    last_ns_ = std::max<uint64_t>(last_ns_, packet.time_ns());
  }
  for (const v1::CaptureLoss& loss : message.losses()) {
    interfaces_.at(loss.interface()).lost = loss.packets();
  }
  return blocks;
}

absl::Status CaptureFile::Finish() {
  if (file_ == nullptr) return absl::OkStatus();
  std::string blocks;
  for (uint32_t number = 0; number < interfaces_.size(); ++number) {
    const Interface& interface = interfaces_[number];
    blocks +=
        PcapngStatistics(number, last_ns_, interface.captured + interface.lost, interface.lost);
  }
  return Write(blocks);
}

}  // namespace sluice::ctl
