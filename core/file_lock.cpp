#include "core/file_lock.h"

#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

namespace sqpsych {

FileLock::~FileLock() { release(); }

void FileLock::release() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

void FileLock::hold(const std::filesystem::path& file) {
  release();
  descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor_ >= 0 && ::flock(descriptor_, LOCK_EX | LOCK_NB) != 0)
    throw ConfigError(
        format("--output: '{}': found process {} at work in it, expected none. Wait for it or "
               "choose another --output.",
               file.parent_path().string(), trim(read_file(file))));
  const auto process = format("{}\n", ::getpid());
  if (descriptor_ < 0 || ::ftruncate(descriptor_, 0) != 0 ||
      ::write(descriptor_, process.data(), process.size()) != static_cast<ssize_t>(process.size()))
    throw ResourceError(
        format("--output: '{}': found that it cannot be written, expected a folder "
               "of yours with room on the disk.",
               file.string()));
}

}  // namespace sqpsych
