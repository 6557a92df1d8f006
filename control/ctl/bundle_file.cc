#include "control/ctl/bundle_file.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>

#include "control/file_descriptor.h"

namespace sluice::ctl {
namespace {

using Archive = std::unique_ptr<struct archive, decltype(&archive_write_free)>;
using Entry = std::unique_ptr<archive_entry, decltype(&archive_entry_free)>;

bool Add(struct archive* archive, const std::string& name, const std::string& content) {
  const Entry entry(archive_entry_new(), archive_entry_free);
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(content.size()));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0600);
  archive_entry_set_mtime(entry.get(), time(nullptr), 0);
  return archive_write_header(archive, entry.get()) == ARCHIVE_OK &&
         archive_write_data(archive, content.data(), content.size()) ==
             static_cast<la_ssize_t>(content.size());
}

bool AddAll(struct archive* archive, const std::map<std::string, std::string>& files) {
  for (const auto& [name, content] : files) {
    if (!Add(archive, name, content)) return false;
  }
  return archive_write_close(archive) == ARCHIVE_OK;
}

}  // namespace

absl::Status WriteArchive(const std::string& path,
                          const std::map<std::string, std::string>& files) {
  const control::FileDescriptor fd(
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.IsOpen()) return absl::UnavailableError(fmt::format("{}: {}", path, strerror(errno)));
  const Archive archive(archive_write_new(), archive_write_free);
  archive_write_add_filter_gzip(archive.get());
  archive_write_set_format_pax_restricted(archive.get());
  if (archive_write_open_fd(archive.get(), fd.get()) == ARCHIVE_OK &&
      AddAll(archive.get(), files)) {
    return absl::OkStatus();
  }
  const char* reason = archive_error_string(archive.get());
  return absl::UnavailableError(fmt::format("{}: {}", path, reason ? reason : "not written"));
}

}  // namespace sluice::ctl
