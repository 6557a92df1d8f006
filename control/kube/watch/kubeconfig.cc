// The reader of kubeconfig files (client-go's clientcmd/api/v1 Config).
#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "control/kube/documents.h"
#include "control/kube/file.h"
#include "control/kube/object_reader.h"
#include "control/kube/watch/api_access.h"
#include "control/kube/watch/base64.h"

namespace sluice::control {
namespace {

using nlohmann::json;

constexpr size_t kMaxBytes = size_t{4} << 20;

// Fields of a user and of a cluster that change who asks or whom, and that we cannot follow.
constexpr const char* kUnsupportedOfUser[] = {
    "exec", "auth-provider", "username", "password", "as", "as-uid", "as-groups", "as-user-extra"};
constexpr const char* kUnsupportedOfCluster[] = {"proxy-url", "tls-server-name"};

template <size_t kSize>
absl::Status RefuseUnsupported(ObjectReader& object, const char* const (&fields)[kSize]) {
  for (const char* field : fields) {
    if (!object.Has(field)) continue;
    return absl::UnimplementedError(fmt::format(
        "{}: is not supported: use a token, a token file or a client certificate, and a server "
        "that is reached directly",
        object.PathOf(field)));
  }
  return absl::OkStatus();
}

class Kubeconfig {
 public:
  Kubeconfig(const json& tree, std::string directory)
      : directory_(std::move(directory)), config_(tree, "", &error_) {}

  absl::StatusOr<ApiAccess> Read() {
    const std::string context_name = config_.Text("current-context");
    if (context_name.empty()) config_.Fail("current-context", "is missing");
    ObjectReader context = Named("contexts", context_name, "context");
    ObjectReader cluster = Named("clusters", context.Text("cluster"), "cluster");
    const std::string user_name = context.Text("user");
    if (!error_.ok()) return error_;
    absl::Status supported = RefuseUnsupported(cluster, kUnsupportedOfCluster);
    ReadCluster(cluster);
    if (supported.ok() && !user_name.empty()) {
      ObjectReader user = Named("users", user_name, "user");
      supported = RefuseUnsupported(user, kUnsupportedOfUser);
      ReadUser(user);
    }
    if (!supported.ok()) return supported;
    if (!error_.ok()) return error_;
    return access_;
  }

 private:
  // The `field` of the entry of `list` that has the name.
  ObjectReader Named(const char* list, const std::string& name, const char* field) {
    for (ObjectReader& entry : config_.Objects(list)) {
      if (entry.Text("name") == name) return entry.Object(field);
    }
    config_.Fail(list, fmt::format("has no entry \"{}\"", name));
    static const json absent;
    return ObjectReader(absent, list, &error_);
  }

  void ReadCluster(ObjectReader& cluster) {
    access_.server = cluster.Text("server");
    while (access_.server.ends_with('/')) access_.server.pop_back();
    if (!access_.server.starts_with("https://") && !access_.server.starts_with("http://")) {
      cluster.Fail("server", "must be http://... or https://...");
    }
    access_.skips_verification = cluster.Boolean("insecure-skip-tls-verify");
    ReadPem(cluster, "certificate-authority", &access_.authority_pem, &access_.authority_file);
  }

  void ReadUser(ObjectReader& user) {
    ReadPem(user, "client-certificate", &access_.certificate_pem, &access_.certificate_file);
    ReadPem(user, "client-key", &access_.key_pem, &access_.key_file);
    access_.token = user.Text("token");
    access_.token_file = Path(user.Text("tokenFile"));
    const bool certificate = !access_.certificate_pem.empty() || !access_.certificate_file.empty();
    const bool key = !access_.key_pem.empty() || !access_.key_file.empty();
    if (certificate && !key) user.Fail("client-key", "is missing beside the certificate");
    if (key && !certificate) user.Fail("client-certificate", "is missing beside the key");
  }

  // FIELD-data, which wins, or the path that FIELD is.
  void ReadPem(ObjectReader& object, const std::string& field, std::string* pem,
               std::string* file) {
    const std::string data_field = field + "-data";
    const std::string data = object.Text(data_field);
    *file = data.empty() ? Path(object.Text(field)) : "";
    std::optional<std::string> decoded = DecodeBase64(data);
    if (!decoded) object.Fail(data_field, "is no base64");
    *pem = decoded.value_or("");
  }

  std::string Path(const std::string& path) const {
    return path.empty() ? "" : (std::filesystem::path(directory_) / path).string();
  }

  std::string directory_;
  absl::Status error_;
  ObjectReader config_;
  ApiAccess access_;
};

absl::Status InFile(const std::string& path, const absl::Status& status) {
  return absl::Status(status.code(), fmt::format("{}: {}", path, std::string(status.message())));
}

}  // namespace

absl::StatusOr<ApiAccess> ReadKubeconfig(const std::string& path) {
  absl::StatusOr<std::string> text = ReadFile(path, kMaxBytes);
  if (!text.ok()) return text.status();
  absl::StatusOr<ApiAccess> access =
      ParseKubeconfig(*text, std::filesystem::path(path).parent_path().string());
  if (!access.ok()) return InFile(path, access.status());
  return access;
}

absl::StatusOr<ApiAccess> ParseKubeconfig(std::string_view text, const std::string& directory) {
  absl::StatusOr<std::vector<json>> documents = ReadDocuments(text);
  if (!documents.ok()) return documents.status();
  if (documents->size() != 1) return absl::InvalidArgumentError("must be one document");
  return Kubeconfig(documents->front(), directory).Read();
}

}  // namespace sluice::control
