// Files that are there whole or not at all.
#pragma once

#include <absl/status/status.h>
#include <sys/stat.h>

#include <string>

namespace sluice::control {

// Writes all of `content` from where `fd` is. 0, or the errno of what failed.
int WriteAll(int fd, const std::string& content);

// Puts `content` into the file `path`, which others see as it was before or as it is after: when it
// returns Ok, it is on disk. A file that is made anew has `mode`. One caller at a time for one
// path. It is `path`.new first, which errors name if that could not be written. Errors: NotFound
// (its directory is not there), Unavailable; "PATH: REASON". Then the file is as it was, or, if
// only its directory could not be synced, as it is to be, but perhaps not on disk.
absl::Status WriteWholeFile(const std::string& path, const std::string& content, mode_t mode);

// Makes the directory `path`, and what is missing above it. Errors: Unavailable "PATH: REASON".
absl::Status MakeDirectories(const std::string& path);

// A file that is not there is no error. Errors: Unavailable "PATH: REASON".
absl::Status RemoveFile(const std::string& path);

}  // namespace sluice::control
