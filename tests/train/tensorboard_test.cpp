#include "train/tensorboard.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

std::string hex(const std::string& bytes) {
  static const char* digits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

TEST(Tensorboard, Crc32cGivesTheValuesOfRfc3720) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43u);
  EXPECT_EQ(crc32c(""), 0u);
}

// The frame that tensorboard 2.21's RecordWriter makes of b"abc".
TEST(Tensorboard, FramesADataBlock) {
  EXPECT_EQ(hex(tfrecord_frame("abc")), "0300000000000000b099490e6162636e57f121");
}

// Event(wall_time=1.5, step=300, summary=Summary(value=[Summary.Value(tag="train/loss",
// simple_value=0.25)])).SerializeToString() of tensorboard 2.21.
TEST(Tensorboard, EncodesAScalarEvent) {
  EXPECT_EQ(hex(scalar_event(1.5, 300, "train/loss", 0.25F)),
            "09000000000000f83f10ac022a130a110a0a747261696e2f6c6f7373150000803e");
}

TEST(Tensorboard, AFileIsASequenceOfFrames) {
  const testing::TemporaryFolder folder;
  {
    TensorboardWriter writer(folder.path(), 0);
    writer.add_scalar("train/loss", 2.5, 1);
    writer.add_scalar("train/loss", 1.5, 2);
  }
  const auto file = *std::filesystem::directory_iterator(folder.path());
  EXPECT_TRUE(file.path().filename().string().starts_with("events.out.tfevents."));
  const std::string content = read_file(file.path());
  std::size_t frames = 0;
  for (std::size_t at = 0; at < content.size(); ++frames) {
    const std::size_t length = static_cast<unsigned char>(content[at]);
    ASSERT_EQ(content.substr(at, length + 16), tfrecord_frame(content.substr(at + 12, length)));
    at += length + 16;
  }
  EXPECT_EQ(frames, 3u);
}

}  // namespace
}  // namespace sqpsych
