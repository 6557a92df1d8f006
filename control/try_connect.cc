#include "control/try_connect.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>

#include "control/file_descriptor.h"

namespace sluice::control {

int TryConnect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const FileDescriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.IsOpen()) return errno;
  const int rc = connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  return rc == 0 ? 0 : errno;
}

}  // namespace sluice::control
