#pragma once

#include <filesystem>

namespace sqpsych {

/// Holds an open file with an exclusive lock on it; the system drops the lock with the process.
class FileLock {
 public:
  FileLock() = default;
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  /// Locks `file` of an output folder and writes this process's id into it; a lock held before is
  /// dropped. ConfigError that names the process when another one holds it, ResourceError when the
  /// file cannot be opened or written.
  void hold(const std::filesystem::path& file);

 private:
  void release();
  int descriptor_ = -1;
};

}  // namespace sqpsych
