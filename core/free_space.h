#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace sqpsych {

/// ResourceError when the file system of `path` (which need not exist) has less than `bytes` free:
/// `where: 'path': found 1.2 MiB of free disk space, expected 3.4 MiB. ...`
void need_free_space(const std::filesystem::path& path, std::uint64_t bytes,
                     const std::string& where);

}  // namespace sqpsych
