// Files that are there whole or not at all.
#pragma once

#include <absl/status/status.h>

#include <string>

namespace sluice::cni {

// Puts `content` into the file `path`, which others see as it was before or as it is after; its
// directory is made if need be. Errors: kIo "PATH: REASON".
absl::Status WriteWholeFile(const std::string& path, const std::string& content);

// Removes it; a file that is not there is no error. Errors: as above.
absl::Status RemoveFile(const std::string& path);

}  // namespace sluice::cni
