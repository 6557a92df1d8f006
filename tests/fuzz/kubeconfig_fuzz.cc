// A kubeconfig is what others wrote: any text is either a way to a server, or one line that says
// what is wrong.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "control/kube/watch/api_access.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto access = sluice::control::ParseKubeconfig(text, "/directory");
  if (!access.ok()) {
    const std::string message(access.status().message());
    if (message.empty() || message.find('\n') != std::string::npos) std::abort();
    return 0;
  }
  if (!access->server.starts_with("http") || access->server.ends_with('/')) std::abort();
  const bool certificate = !access->certificate_pem.empty() || !access->certificate_file.empty();
  const bool key = !access->key_pem.empty() || !access->key_file.empty();
  if (certificate != key) std::abort();
  for (const std::string& file : {access->authority_file, access->token_file}) {
    if (!file.empty() && file[0] != '/') std::abort();
  }
  return 0;
}
