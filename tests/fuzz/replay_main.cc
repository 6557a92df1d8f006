// Runs a fuzz target over files, without libFuzzer: every file whole, and cut short at every
// length.
//
//   replay_NAME FILE|DIRECTORY...
//
// Each input lies in a heap buffer of its exact size, so that ASan sees a read beyond it.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr size_t kMaxCuts = 4096;  // a longer file is cut at every size/kMaxCuts-th length

void RunOne(const uint8_t* data, size_t size) {
  const auto exact = std::make_unique<uint8_t[]>(size);
  std::copy(data, data + size, exact.get());
  LLVMFuzzerTestOneInput(exact.get(), size);
}

size_t RunFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
  size_t runs = 0;
  const size_t step = bytes.size() / kMaxCuts + 1;
  for (size_t size = 0; size < bytes.size(); size += step, ++runs) RunOne(bytes.data(), size);
  RunOne(bytes.data(), bytes.size());
  return runs + 1;
}

std::vector<std::filesystem::path> FilesUnder(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  size_t files = 0;
  size_t runs = 0;
  for (int i = 1; i < argc; ++i) {
    for (const std::filesystem::path& file : FilesUnder(argv[i])) {
      runs += RunFile(file);
      ++files;
    }
  }
  std::printf("%zu inputs from %zu files\n", runs, files);
  return files == 0 ? 1 : 0;
}
