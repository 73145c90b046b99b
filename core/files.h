#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sqpsych {

/// A read-only memory-mapped file. ResourceError when it cannot be opened.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t size_bytes() const { return size_bytes_; }
  const std::uint8_t* data() const { return data_; }
  std::string_view text() const {
    return {reinterpret_cast<const char*>(data_), static_cast<std::size_t>(size_bytes_)};
  }

 private:
  std::filesystem::path path_;
  std::uint64_t size_bytes_ = 0;
  const std::uint8_t* data_ = nullptr;
};

std::string read_file(const std::filesystem::path& path);

/// Writes through a temporary file in the same folder, fsync, rename, fsync of the folder.
/// After kill -9 the old content or the new one is there, never a part.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();  // without commit() the temporary file is removed
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  void write(const void* bytes, std::uint64_t size_bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }
  std::uint64_t position() const { return position_; }
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  std::uint64_t position_ = 0;
};

void write_file_atomic(const std::filesystem::path& path, std::string_view content);

/// A folder written under a temporary name and renamed into place as a whole, for checkpoints.
/// `fill` gets the temporary folder. With `replace` an existing `path` gives way in one step.
void write_folder_atomic(const std::filesystem::path& path, bool replace,
                         const std::function<void(const std::filesystem::path&)>& fill);

/// What to do with an output path that exists already.
enum class Existing { kRefuse, kOverwrite };

/// ConfigError (exit 2) when `path` exists (a non-empty folder or a file) and `existing` is
/// kRefuse: `where: 'path' exists. Choose another --output or pass --overwrite.`
/// With kOverwrite only a file or a folder with our manifest.json is accepted, never a device; it
/// stays until the writer replaces it as a whole. Nothing is created here.
/// Nor may it hold one of the `inputs`: see refuse_output_holding.
void prepare_output(const std::filesystem::path& path, Existing existing,
                    const std::vector<std::filesystem::path>& inputs, const std::string& where);

/// ConfigError when an input is the existing `output` or lies in it: replacing the output would
/// remove what it is made from.
void refuse_output_holding(const std::filesystem::path& output,
                           const std::vector<std::filesystem::path>& inputs,
                           const std::string& where);

/// Files and folders created from here on are readable by their owner only (umask 077).
void create_private_files();

/// The `configs/` folder: $SQPSYCH_CONFIGS (ConfigError when it names something else), else the one
/// beside the binary's source or install prefix. ResourceError when none is found.
std::filesystem::path configs_folder();

}  // namespace sqpsych
