// One file of saved state: replaced whole, or not at all.
#pragma once

#include <absl/status/status.h>
#include <google/protobuf/message_lite.h>

#include <string>

namespace sluice::control {

// Replaces `path`, readable by the owner only, as WriteWholeFile does (whole_file.h), with its
// errors.
absl::Status WriteStateFile(const std::string& path, const std::string& what,
                            const google::protobuf::MessageLite& content);

// Errors, all "PATH: ...": NotFound (no such file), Unavailable (it cannot be read), DataLoss (it
// is no such file, of another format, cut short or changed).
absl::Status ReadStateFile(const std::string& path, const std::string& what,
                           google::protobuf::MessageLite* content);

}  // namespace sluice::control
