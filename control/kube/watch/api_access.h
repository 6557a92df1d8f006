// Where the API server is, and how to show who we are: from a kubeconfig file, or from what a pod
// finds inside the cluster.
#pragma once

#include <absl/status/statusor.h>

#include <functional>
#include <string>
#include <string_view>

namespace sluice::control {

struct ApiAccess {
  std::string server;  // "https://HOST:PORT", a path may follow; no slash at the end
  // PEM text, or else the path of a file of it. Both empty: the system's authorities.
  std::string authority_pem, authority_file;
  std::string certificate_pem, certificate_file;  // both empty: none
  std::string key_pem, key_file;
  std::string token;
  std::string token_file;  // read anew for every request: tokens rotate
  bool skips_verification = false;

  // The bearer token to send now; empty: none. Errors: ReadFile's.
  absl::StatusOr<std::string> ReadToken() const;
};

// The current context of a kubeconfig. Paths in it are relative to the file. Errors, "FILE: FIELD:
// REASON": ReadFile's, InvalidArgument for what is no kubeconfig or lacks something, Unimplemented
// for ways in that are not supported: exec and auth-provider plugins, user and password,
// impersonation, proxies, another name in the certificate (tls-server-name).
absl::StatusOr<ApiAccess> ReadKubeconfig(const std::string& path);

// The same from its text; paths in it are relative to `directory`. Errors: "FIELD: REASON".
absl::StatusOr<ApiAccess> ParseKubeconfig(std::string_view text, const std::string& directory);

// A pod's service account. `getenv` as the C library's. Errors: FailedPrecondition outside of a
// cluster.
absl::StatusOr<ApiAccess> InClusterAccess(
    const std::function<const char*(const char*)>& getenv,
    const std::string& directory = "/var/run/secrets/kubernetes.io/serviceaccount");

}  // namespace sluice::control
