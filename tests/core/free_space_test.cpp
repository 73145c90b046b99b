#include "core/free_space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using ::testing::HasSubstr;

TEST(FreeSpace, TooLittleRoomNamesBothNumbers) {
  const testing::TemporaryFolder folder;
  const auto path = folder / "not" / "there" / "yet.gguf";
  need_free_space(path, 1, "export");
  const auto error = testing::error_text<ResourceError>(
      [&] { need_free_space(path, std::uint64_t{1} << 60, "export"); });
  EXPECT_THAT(error, HasSubstr("yet.gguf"));
  EXPECT_THAT(error, HasSubstr("expected 1024.0 PiB"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace sqpsych
