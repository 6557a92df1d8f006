"""The rules of the tree, as tables. tests/lint/checks.py holds files against them.

INCLUDES: who may include whom (DESIGN section 3). The longest matching prefix governs a file.
  own   prefixes of our own headers, as written in the include
  libs  prefixes of third-party headers; headers of the C and C++ library and of Linux are free,
        but for FORBIDDEN_SYSTEM
"""

_VALUES = ["absl/", "fmt/"]
_FACADE = [
    "dataplane/capture.h", "dataplane/captured_packet.h", "dataplane/connection_event.h",
    "dataplane/denial.h", "dataplane/drop_reason.h",
    "dataplane/eal.h", "dataplane/learned_macs.h", "dataplane/mac_address.h",
    "dataplane/network_namespace.h",
    "dataplane/port_path.h", "dataplane/port_spec.h", "dataplane/snapshot.h", "dataplane/switch.h",
    "dataplane/timeout_setting.h", "dataplane/trace.h", "dataplane/tracking.h"]
_CONTROL = ["acl/", "control/"] + _FACADE
_CONTROL_LIBS = _VALUES + ["spdlog/", "nlohmann/", "yaml-cpp/"]
_GRPC = ["grpcpp/", "grpc/", "google/protobuf/"]
_ACL_TRIE = ["rte_acl", "rte_errno.h", "rte_malloc.h", "rte_memory.h", "rte_cpuflags.h", "rte_vect.h"]

INCLUDES = {
    # prefix: (own, libs)
    "acl/": (["acl/"], _VALUES),
    "acl/pattern_set": (["acl/"], _VALUES + ["hs/"]),
    "acl/text_hash.h": ([], _VALUES + ["xxhash.h"]),
    "acl/trie_classifier.cc": (["acl/"], _VALUES + _ACL_TRIE),
    "dataplane/": (["acl/", "dataplane/"], _VALUES + ["spdlog/", "rte_", "xxhash.h"]),
    "control/": (_CONTROL, _CONTROL_LIBS),
    "control/cli_pages": (["control/"], _VALUES + ["CLI/"]),
    "control/config_file": (_CONTROL, _CONTROL_LIBS + ["CLI/"]),
    "control/page_server": (["control/"], _VALUES + ["CivetServer.h"]),
    "control/metric_family.h": ([], ["prometheus/"]),
    "control/source_metrics": (["control/"], _VALUES + ["prometheus/"]),
    "control/switch_metrics": (_CONTROL, _VALUES + ["prometheus/"]),
    "control/grpc/sluiced.cc": (_CONTROL + ["sluice/v1/"], _CONTROL_LIBS + ["prometheus/"]),
    "control/kube/": (["acl/", "control/kube/", "control/file_descriptor.h"], _CONTROL_LIBS),
    "control/kube/watch/": (["acl/", "control/kube/"], _CONTROL_LIBS + ["curl/", "yajl/"]),
    "control/watcher/": (_CONTROL, _CONTROL_LIBS + ["CLI/", "prometheus/"]),
    "control/watcher/grpc_": (_CONTROL + ["sluice/v1/"], _CONTROL_LIBS + _GRPC),
    "control/cni/": (_CONTROL, _VALUES + ["nlohmann/"]),
    "control/cni/netlink.cc": (_CONTROL, _VALUES + ["libmnl/"]),
    "control/cni/daemon_client.cc": (_CONTROL + ["sluice/v1/"], _VALUES + ["nlohmann/"] + _GRPC),
    "control/grpc/": (_CONTROL + ["sluice/v1/"], _CONTROL_LIBS + _GRPC + ["CLI/", "xxhash.h"]),
    "control/ctl/": (_CONTROL + ["sluice/v1/"], _CONTROL_LIBS + _GRPC + ["CLI/"]),
    "control/ctl/bundle_file.cc": (["control/"], _VALUES + ["archive"]),
    "perf/pktgen/": (["perf/pktgen/", "acl/address.h", "dataplane/eal.h",
                      "dataplane/mac_address.h"],
                     _VALUES + ["spdlog/", "nlohmann/", "CLI/", "rte_"]),
    "perf/micro/": (["acl/", "control/", "dataplane/", "tests/support/"],
                    _VALUES + ["benchmark/", "rte_"]),
    "perf/policy/": (["acl/", "control/", "dataplane/", "perf/policy/"],
                     _VALUES + ["nlohmann/", "rte_"]),
    "perf/": (["acl/", "dataplane/", "perf/"], _VALUES + ["benchmark/", "nlohmann/", "rte_"]),
    "tests/": (["acl/", "dataplane/", "control/", "perf/", "tests/", "sluice/v1/"],
               _CONTROL_LIBS + _GRPC + ["gtest/", "gmock/", "CLI/", "rte_", "prometheus/"]),
    "tests/unit/control/cni/netlink_test.cc": (["control/"], ["gtest/", "libmnl/"]),
}

# acl/ is pure: no threads, clocks, files or sockets.
FORBIDDEN_SYSTEM = {
    "acl/": ["thread", "mutex", "chrono", "fstream", "filesystem", "sys/socket.h",
             "unistd.h", "iostream"],
}

# The API knows nothing of ours.
PROTO_IMPORTS = ["sluice/v1/", "google/protobuf/"]

# Allowed nowhere, with the reason.
FORBIDDEN_INCLUDES = {
    "absl/strings/": "Debian's absl::string_view is not std::string_view; use std and fmt",
    "bits/": "compiler internals",
}

LIBRARY_PREFIXES = ["absl/", "fmt/", "spdlog/", "nlohmann/", "yaml-cpp/", "CLI/", "grpcpp/",
                    "grpc/", "google/", "rte_", "gtest/", "gmock/", "benchmark/", "xxhash.h",
                    "curl/", "yajl/", "prometheus/", "CivetServer.h", "civetweb.h",
                    "libmnl/", "hs/", "archive"]
SYSTEM_DIRECTORIES = ["sys/", "net/", "netinet/", "arpa/", "linux/"]

# Files whose code runs for every packet.
HOT_PATH = ["dataplane/" + name for name in [
    "answer.cc", "answer.h", "audit.cc", "audit.h", "backoff.h", "clock.h", "connection.h", "connection_bucket.h", "connection_event.h",
    "connection_reclaim.cc", "connection_table.cc", "connection_table.h", "denial_events.cc",
    "denial_events.h", "denial_tally.cc", "denial_tally.h", "dhcp.h", "event_ring.h",
    "flood.cc", "flood.h", "inspect/begin.cc", "inspect/begin.h", "inspect/byte_reader.h",
    "inspect/content_judge.cc", "inspect/content_judge.h", "inspect/head_reader.cc",
    "inspect/head_store.cc", "inspect/host_name.cc", "inspect/http_request.cc",
    "inspect/inspector.cc", "inspect/stream_head.cc", "inspect/stream_head.h", "inspect/tls_hello.cc", "forward.cc", "forward.h", "fragment_port.cc", "fragment_port.h",
    "fragments.cc", "fragments.h", "guard.cc", "guard.h", "icmp.h", "journal.cc", "journal.h",
    "judge.cc", "judge.h", "learned_macs.cc", "learned_macs.h", "needs_verdict.cc",
    "needs_verdict.h", "offload.cc", "offload.h", "packet.h", "parse.cc", "parse.h",
    "pipeline.cc", "pipeline.h", "poll_claims.h", "port_accounts.h", "reject.cc", "reject.h", "related.cc", "related.h",
    "returned.cc", "returned.h", "sctp_state.cc", "sctp_state.h", "segment.cc", "segment.h",
    "spin_lock.h", "stage_tally.h", "tally.h", "tcp_options.h", "tcp_state.cc", "tcp_state.h",
    "tcp_window.cc", "tcp_window.h", "token_bucket.h", "trace.h", "trace_mailbox.h", "track.cc", "track.h",
    "transmit.cc", "transmit.h", "tx_ports.h", "vlan.cc", "vlan.h", "worker.cc", "worker.h"]]

# What they may not say (comments and strings do not count), with the reason.
HOT_PATH_FORBIDDEN = {
    r"\bstd::function\b": "an indirect call a packet",
    r"\bvirtual\b": "an indirect call a packet",
    r"\bnew\b(?!\s*\()": "allocates",
    r"\bstd::make_(unique|shared)\b": "allocates",
    r"\b(malloc|calloc|realloc|free|rte_malloc|rte_zmalloc|rte_free)\s*\(": "allocates",
    r"\bstd::(string|ostringstream|stringstream|map|unordered_map|list|deque)\b": "allocates",
    r"\b(push_back|emplace_back|resize)\s*\(": "may allocate",
    r"\bstd::(mutex|lock_guard|unique_lock|scoped_lock|condition_variable)\b": "locks",
    r"\b(spdlog::|printf\s*\(|fprintf\s*\(|std::cout|std::cerr|RTE_LOG)": "logs",
    r"\b(throw|try|catch)\b": "exceptions",
    r"\b(usleep|nanosleep|sleep_for|clock_gettime|gettimeofday|time)\s*\(": "system call",
    r"\bstd::shared_ptr\b": "reference counts bounce between cores",
}

# Where a hot file says one of them all the same: {(file, text): why that is not once a packet}.
_TABLE = "dataplane/connection_table"
HOT_PATH_EXCEPTIONS = {
    ("dataplane/fragments.cc", "std::make_unique"): "the constructor",
    (_TABLE + ".cc", "std::scoped_lock"): "changes lock two buckets; look-ups none",
    (_TABLE + ".cc", "std::unique_lock"): "changes lock two buckets; look-ups none",
    (_TABLE + ".h", "std::mutex"): "between visitors, which are not workers",
    (_TABLE + ".h", "std::function"): "Visit, which is not for workers",
    (_TABLE + ".cc", "std::function"): "Visit, which is not for workers",
    (_TABLE + ".cc", "new"): "Create",
    (_TABLE + ".cc", "std::make_unique"): "Create",
    (_TABLE + ".cc", "push_back("): "Create",
    ("dataplane/inspect/head_reader.cc", "std::make_unique"): "the constructor",
    ("dataplane/inspect/head_store.cc", "new"): "once, for the first connection",
    ("dataplane/inspect/head_store.cc", "resize("): "once, for the first connection",
    ("dataplane/inspect/head_store.cc", "push_back("): "what was taken out goes back",
    ("dataplane/inspect/inspector.cc", "new"): "the constructor",
    ("dataplane/learned_macs.cc", "std::function"): "Visit, for people",
    ("dataplane/learned_macs.h", "std::function"): "Visit, for people",
    (_TABLE + ".h", "std::string"): "what Create is told",
    ("dataplane/connection_reclaim.cc", "std::scoped_lock"): "entries given back, many at once",
    ("dataplane/port_accounts.h", "std::make_unique"): "Create",
    ("dataplane/reject.cc", "std::make_unique"): "the constructor",
    ("dataplane/transmit.cc", "push_back("): "capacity reserved for every port",
    ("dataplane/transmit.cc", "std::scoped_lock"): "once a flush: workers share a queue",
    ("dataplane/worker.cc", "usleep("): "an idle worker, offline",
}

# Paths of one developer's machine.
FORBIDDEN_TEXT = {
    r"(?<![\w.])/(?:work|root|home)/": "a path of one machine",
}
