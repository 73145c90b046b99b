#include "core/files.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/text.h"

namespace sqpsych {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const char* action) {
  throw ResourceError(
      format("files: '{}': cannot {}: {}.", path.string(), action, std::strerror(errno)));
}

void sync_folder(const fs::path& folder) {
  const int descriptor =
      open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  fsync(descriptor);
  close(descriptor);
}

void sync_tree(const fs::path& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const int descriptor = open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) continue;
    fsync(descriptor);
    close(descriptor);
  }
  sync_folder(folder);
}

std::string temporary_prefix(const fs::path& path) {
  return format(".{}.tmp-", path.filename().string());
}

/// Same folder and file system as `path`; the process id keeps two writers apart.
fs::path temporary_beside(const fs::path& path) {
  return path.parent_path() / (temporary_prefix(path) + std::to_string(getpid()));
}

bool is_running(std::string_view process_id) {
  pid_t id = 0;
  const auto* end = process_id.data() + process_id.size();
  const auto [stop, error] = std::from_chars(process_id.data(), end, id);
  if (error != std::errc() || stop != end || id <= 0) return true;
  return kill(id, 0) == 0 || errno != ESRCH;
}

/// What killed writers of `path` left behind: it may hold client data that nobody would look for.
void remove_abandoned(const fs::path& path) {
  const std::string prefix = temporary_prefix(path);
  std::error_code error;
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::vector<fs::path> abandoned;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(prefix) && !is_running(std::string_view(name).substr(prefix.size())))
      abandoned.push_back(entry.path());
  }
  for (const auto& left : abandoned) fs::remove_all(left, error);
}

/// Puts `temporary` where `path` is, in one step: no moment without either. What was there before
/// is then under the name `temporary`.
void exchange(const fs::path& temporary, const fs::path& path) {
  if (renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) == 0) return;
  if (errno != EINVAL && errno != ENOSYS) fail(path, "replace");
  // This file system cannot exchange two names: three renames, undone when the second fails.
  const fs::path old =
      path.parent_path() / format(".{}.old-{}", path.filename().string(), getpid());
  fs::rename(path, old);
  std::error_code error;
  fs::rename(temporary, path, error);
  if (error) {
    fs::rename(old, path);
    throw fs::filesystem_error("rename", temporary, path, error);
  }
  fs::rename(old, temporary);
}

/// A regular file open for reading.
struct OpenFile {
  explicit OpenFile(const fs::path& path) : descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor < 0) fail(path, "open");
    struct stat status = {};
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
      close(descriptor);
      throw ResourceError(
          format("files: '{}': found something else, expected a regular file.", path.string()));
    }
    size_bytes = static_cast<std::uint64_t>(status.st_size);
  }
  ~OpenFile() { close(descriptor); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int descriptor;
  std::uint64_t size_bytes = 0;
};

void create_parent(const fs::path& path) {
  if (!path.has_parent_path()) return;
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error)
    throw ResourceError(format("files: '{}': cannot create the folder: {}.",
                               path.parent_path().string(), error.message()));
}

}  // namespace

MappedFile::MappedFile(const fs::path& path) : path_(path) {
  const OpenFile file(path);
  size_bytes_ = file.size_bytes;
  if (size_bytes_ == 0) return;
  // Private and writable: who changes a weight in place changes its own copy of that page only.
  void* mapping = mmap(nullptr, size_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE,
                       file.descriptor, 0);
  if (mapping == MAP_FAILED) fail(path, "map");
  data_ = static_cast<const std::uint8_t*>(mapping);
}

MappedFile::~MappedFile() {
  if (data_) munmap(const_cast<std::uint8_t*>(data_), size_bytes_);
}

// Not mapped: a file that its writer shortens meanwhile would end this process (SIGBUS).
std::string read_file(const fs::path& path) {
  const OpenFile file(path);
  std::string text(file.size_bytes, '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const auto count = read(file.descriptor, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path, "read");
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  text.resize(done);
  return text;
}

AtomicFile::AtomicFile(const fs::path& path) : path_(path), temporary_(temporary_beside(path)) {
  create_parent(path);
  descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(temporary_, "create");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  unlink(temporary_.c_str());
}

void AtomicFile::write(const void* bytes, std::uint64_t size_bytes) {
  const char* next = static_cast<const char*>(bytes);
  for (std::uint64_t left = size_bytes; left > 0;) {
    const ssize_t written = ::write(descriptor_, next, left);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(path_, "write");
    next += written;
    left -= static_cast<std::uint64_t>(written);
  }
  position_ += size_bytes;
}

void AtomicFile::commit() {
  if (fsync(descriptor_) != 0) fail(path_, "write");
  const int descriptor = std::exchange(descriptor_, -1);
  if (close(descriptor) != 0 || rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int saved = errno;
    unlink(temporary_.c_str());
    errno = saved;
    fail(path_, "write");
  }
  sync_folder(path_.parent_path());
}

void write_file_atomic(const fs::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

void write_folder_atomic(const fs::path& given, bool replace,
                         const std::function<void(const fs::path&)>& fill) {
  // "run/" names the folder "run"; its own last part would be empty.
  const fs::path path = given.has_filename() ? given : given.parent_path();
  create_parent(path);
  remove_abandoned(path);
  const fs::path temporary = temporary_beside(path);
  fs::remove_all(temporary);
  fs::create_directories(temporary);
  try {
    fill(temporary);
    sync_tree(temporary);
    if (replace && fs::exists(path)) {
      exchange(temporary, path);
      fs::remove_all(temporary);
    } else {
      fs::rename(temporary, path);
    }
  } catch (const fs::filesystem_error& error) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw ResourceError(
        format("files: '{}': cannot write the folder: {}.", path.string(), error.code().message()));
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw;
  }
  sync_folder(path.parent_path());
}

void refuse_output_holding(const fs::path& output, const std::vector<fs::path>& inputs,
                           const std::string& where) {
  if (!fs::exists(output)) return;
  const fs::path folder = fs::canonical(output);
  for (const auto& input : inputs) {
    const auto relative = fs::weakly_canonical(input).lexically_relative(folder);
    if (!input.empty() && !relative.empty() && *relative.begin() != "..")
      throw ConfigError(
          format("{}: --output: found '{}', which holds the input '{}', expected another place. "
                 "Choose another --output.",
                 where, output.string(), input.string()));
  }
}

void prepare_output(const fs::path& path, Existing existing, const std::vector<fs::path>& inputs,
                    const std::string& where) {
  if (path.empty()) throw ConfigError(where + ": --output: found nothing, expected a path.");
  refuse_output_holding(path, inputs, where);
  const bool is_folder = fs::is_directory(path);
  const bool occupied = fs::exists(path) && !(is_folder && fs::is_empty(path));
  if (occupied && !is_folder && !fs::is_regular_file(path))
    throw ConfigError(
        format("{}: --output: '{}': found a device or a pipe, expected a path for a file. Choose "
               "another --output.",
               where, path.string()));
  if (occupied && existing == Existing::kRefuse)
    throw ConfigError(format("{}: '{}' exists. Choose another --output or pass --overwrite.", where,
                             path.string()));
  if (occupied && is_folder && !fs::exists(path / "manifest.json"))
    throw ConfigError(
        format("{}: '{}': found a folder without manifest.json, expected one that sqpsych wrote. "
               "Remove it by hand if it is to go.",
               where, path.string()));
}

void create_private_files() { umask(077); }

fs::path configs_folder() {
  const auto is_configs = [](const fs::path& folder) {
    return fs::is_directory(folder / "questionnaires") || fs::is_directory(folder / "prompts");
  };
  if (const char* configured = std::getenv("SQPSYCH_CONFIGS")) {
    if (is_configs(configured)) return configured;
    throw ConfigError(
        format("configs: SQPSYCH_CONFIGS: found '{}', expected the configs folder, with "
               "questionnaires/ and prompts/ inside. Correct or unset it.",
               configured));
  }
  std::vector<fs::path> candidates;
  std::error_code error;
  // Beside the binary: the install prefix's share folder, or the source tree of a build folder.
  const fs::path binary = fs::read_symlink("/proc/self/exe", error);
  for (fs::path folder = binary.parent_path(); !error && folder.has_relative_path();
       folder = folder.parent_path()) {
    candidates.push_back(folder / "share" / "sqpsych" / "configs");
    candidates.push_back(folder / "configs");
  }
  for (const auto& candidate : candidates)
    if (is_configs(candidate)) return candidate;
  throw ResourceError(
      "configs: folder not found beside the binary. Set SQPSYCH_CONFIGS to the configs folder.");
}

}  // namespace sqpsych
