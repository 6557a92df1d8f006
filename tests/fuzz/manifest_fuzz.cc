// ParseManifest reads what users write: any text is either objects that are valid, or one line that
// says what is wrong.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "acl/validate.h"
#include "control/kube/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto manifest = sluice::control::ParseManifest("input", text);
  if (!manifest.ok()) {
    const std::string message(manifest.status().message());
    if (message.empty() || message.rfind("input: ", 0) != 0) std::abort();
    if (message.find('\n') != std::string::npos) std::abort();
    return 0;
  }
  for (const auto& object : manifest->objects) {
    const bool valid =
        std::visit([](const auto& value) { return sluice::acl::Validate(value).ok(); }, object);
    if (!valid) std::abort();
  }
  return 0;
}
