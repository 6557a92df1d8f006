// Writes a .tar.gz of small files.
#pragma once

#include <absl/status/status.h>

#include <map>
#include <string>

namespace sluice::ctl {

// `files`: path in the archive -> content. The archive is for its owner alone, whatever the umask.
// A file that is there is left alone. Errors, "PATH: REASON": Unavailable.
absl::Status WriteArchive(const std::string& path, const std::map<std::string, std::string>& files);

}  // namespace sluice::ctl
