#include "core/free_space.h"

#include "core/error.h"
#include "core/text.h"

namespace fs = std::filesystem;

namespace sqpsych {

void need_free_space(const fs::path& path, std::uint64_t bytes, const std::string& where) {
  std::error_code error;
  auto folder = fs::absolute(path, error);
  while (!error && !fs::exists(folder, error) && folder.has_relative_path())
    folder = folder.parent_path();
  const auto space = fs::space(folder, error);
  // A file system that cannot tell is left to the write itself.
  if (error || space.capacity == 0 || space.available >= bytes) return;
  throw ResourceError(
      format("{}: '{}': found {} of free disk space, expected {}. Free some or choose another "
             "--output.",
             where, path.string(), bytes_text(space.available), bytes_text(bytes)));
}

}  // namespace sqpsych
