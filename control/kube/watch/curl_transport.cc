#include "control/kube/watch/curl_transport.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <cctype>
#include <charconv>
#include <string_view>
#include <utility>

namespace sluice::control {
namespace {

constexpr int kFirstFinalStatus = 200;
constexpr long kConnectSeconds = 10;
constexpr std::chrono::seconds kLongestRetryAfter{120};  // whatever a server says
constexpr long kKeepAliveSeconds = 15;  // a peer that is gone without a word is found by TCP too

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// The value of "NAME: VALUE\r\n" if that is the name, in any case; else nothing.
std::optional<std::string_view> ValueOf(std::string_view line, std::string_view name) {
  if (line.size() <= name.size() || line[name.size()] != ':') return std::nullopt;
  for (size_t i = 0; i < name.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(line[i])) != name[i]) return std::nullopt;
  }
  line.remove_prefix(name.size() + 1);
  const size_t first = line.find_first_not_of(" \t");
  if (first == std::string_view::npos) return "";
  return line.substr(first, line.find_last_not_of(" \t\r\n") + 1 - first);
}

absl::StatusCode CodeOf(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return absl::StatusCode::kDeadlineExceeded;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
      return absl::StatusCode::kUnauthenticated;
    case CURLE_WRITE_ERROR:
      return absl::StatusCode::kAborted;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

void SetBlob(CURL* easy, CURLoption option, const std::string& bytes) {
  curl_blob blob{const_cast<char*>(bytes.data()), bytes.size(), CURL_BLOB_COPY};
  curl_easy_setopt(easy, option, &blob);
}

}  // namespace

struct CurlTransport::Multi {
  CURLM* handle = curl_multi_init();
  ~Multi() { curl_multi_cleanup(handle); }
};

struct CurlTransport::Transfer {
  std::unique_ptr<CURL, EasyDeleter> easy;
  std::unique_ptr<curl_slist, ListDeleter> headers;
  std::string body;
  std::array<char, CURL_ERROR_SIZE> error{};
  HttpReceiver* receiver = nullptr;  // null: cancelled
  HttpHead head;
  bool head_told = false;

  void AddHeader(const std::string& line) {
    headers.reset(curl_slist_append(headers.release(), line.c_str()));
  }
  int Status() const {
    long status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    return static_cast<int>(status);
  }
  // Redirects are not followed, and of an interim response (1xx) nobody hears.
  void TellHead() {
    if (std::exchange(head_told, true) || receiver == nullptr) return;
    head.status = Status();
    receiver->OnHead(head);
  }
};

struct CurlTransport::Callbacks {
  static size_t Header(const char* text, size_t, size_t size, void* context) {
    auto& transfer = *static_cast<Transfer*>(context);
    // The head ends with an empty line; a watch may be silent for a minute after it.
    if (std::string_view(text, size) == "\r\n" && transfer.Status() >= kFirstFinalStatus) {
      transfer.TellHead();
    }
    const auto value = ValueOf({text, size}, "retry-after");
    unsigned seconds = 0;  // the form with a date is not used by the API server
    if (value &&
        std::from_chars(value->data(), value->data() + value->size(), seconds).ec == std::errc()) {
      transfer.head.retry_after = std::min(std::chrono::seconds(seconds), kLongestRetryAfter);
    }
    return size;
  }
  static size_t Body(const char* bytes, size_t, size_t size, void* context) {
    auto& transfer = *static_cast<Transfer*>(context);
    transfer.TellHead();
    if (transfer.receiver == nullptr) return 0;
    return transfer.receiver->OnBody({bytes, size}) ? size : 0;
  }
};

CurlTransport::CurlTransport(ApiAccess access)
    : access_(std::move(access)), multi_(std::make_unique<Multi>()) {}

CurlTransport::~CurlTransport() {
  for (auto& [id, transfer] : transfers_) {
    transfer->receiver = nullptr;
    curl_multi_remove_handle(multi_->handle, transfer->easy.get());
  }
}

HttpTransport::Id CurlTransport::Start(const HttpRequest& request, HttpReceiver& receiver) {
  const Id id = ++last_id_;
  auto transfer = std::make_unique<Transfer>();
  transfer->easy.reset(curl_easy_init());
  transfer->receiver = &receiver;
  SetUp(*transfer, request);
  const absl::StatusOr<std::string> token = access_.ReadToken();
  if (!token.ok()) failed_.emplace_back(id, token.status());
  if (token.ok() && !token->empty()) transfer->AddHeader("Authorization: Bearer " + *token);
  curl_easy_setopt(transfer->easy.get(), CURLOPT_HTTPHEADER, transfer->headers.get());
  curl_easy_setopt(transfer->easy.get(), CURLOPT_PRIVATE, reinterpret_cast<void*>(id));
  if (token.ok()) curl_multi_add_handle(multi_->handle, transfer->easy.get());
  transfers_.emplace(id, std::move(transfer));
  return id;
}

void CurlTransport::SetUp(Transfer& transfer, const HttpRequest& request) {
  CURL* easy = transfer.easy.get();
  curl_easy_setopt(easy, CURLOPT_URL, (access_.server + request.target).c_str());
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
  // Rather wait for the first connection than open several; without TLS it would be for ever.
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT, access_.server.starts_with("https:") ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request.fresh_connection ? 1L : 0L);
  if (request.compressed) curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.idle_limit.count()));
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, kKeepAliveSeconds);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, kKeepAliveSeconds);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error.data());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, Callbacks::Header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, Callbacks::Body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  transfer.AddHeader("Accept: application/json");
  transfer.AddHeader("User-Agent: sluice-watcher");
  if (request.method != "GET") {
    transfer.body = request.body;
    transfer.AddHeader("Content-Type: " + request.content_type);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(transfer.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer.body.c_str());
  }
  SetCredentials(transfer);
}

void CurlTransport::SetCredentials(Transfer& transfer) {
  CURL* easy = transfer.easy.get();
  const auto set = [easy](CURLoption blob, CURLoption file, const std::string& pem,
                          const std::string& path) {
    if (!pem.empty()) {
      SetBlob(easy, blob, pem);
    } else if (!path.empty()) {
      curl_easy_setopt(easy, file, path.c_str());
    }
  };
  set(CURLOPT_CAINFO_BLOB, CURLOPT_CAINFO, access_.authority_pem, access_.authority_file);
  // Debian's libcurl has a directory of authorities preset, which it would trust beside ours.
  const bool has_authority = !access_.authority_pem.empty() || !access_.authority_file.empty();
  if (has_authority) curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  set(CURLOPT_SSLCERT_BLOB, CURLOPT_SSLCERT, access_.certificate_pem, access_.certificate_file);
  set(CURLOPT_SSLKEY_BLOB, CURLOPT_SSLKEY, access_.key_pem, access_.key_file);
  if (!access_.skips_verification) return;
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
}

// libcurl forbids to remove a request from inside its own calls, so that waits for Perform.
void CurlTransport::Cancel(Id id) {
  const auto found = transfers_.find(id);
  if (found == transfers_.end()) return;
  found->second->receiver = nullptr;
  cancelled_.push_back(id);
}

void CurlTransport::Perform() {
  int running = 0;
  curl_multi_perform(multi_->handle, &running);
  Reap();
}

void CurlTransport::Wait(std::chrono::milliseconds limit) {
  if (!failed_.empty() || !cancelled_.empty()) return;
  curl_multi_poll(multi_->handle, nullptr, 0, static_cast<int>(limit.count()), nullptr);
}

void CurlTransport::Wake() { curl_multi_wakeup(multi_->handle); }

void CurlTransport::Reap() {
  for (const Id id : std::exchange(cancelled_, {})) Finish(id, absl::CancelledError());
  for (const auto& [id, status] : std::exchange(failed_, {})) Finish(id, status);
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_->handle, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    void* context = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &context);
    const Id id = reinterpret_cast<Id>(context);
    const CURLcode code = message->data.result;
    const char* detail = transfers_.at(id)->error.data();
    Finish(id,
           code == CURLE_OK
               ? absl::OkStatus()
               : absl::Status(CodeOf(code),
                              fmt::format("{}: {}", access_.server,
                                          *detail != '\0' ? detail : curl_easy_strerror(code))));
  }
}

void CurlTransport::Finish(Id id, const absl::Status& status) {
  const auto found = transfers_.find(id);
  if (found == transfers_.end()) return;
  const std::unique_ptr<Transfer> transfer = std::move(found->second);
  transfers_.erase(found);
  if (status.ok()) transfer->TellHead();  // a response without a body
  curl_multi_remove_handle(multi_->handle, transfer->easy.get());
  if (transfer->receiver != nullptr) transfer->receiver->OnEnd(status);
}

}  // namespace sluice::control
