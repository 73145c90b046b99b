#include "core/hash.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

// FIPS 180-4, one-block example.
TEST(Hash, Sha256OfAbc) {
  const std::string expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  EXPECT_EQ(sha256_hex("abc"), expected);
  const testing::TemporaryFolder folder;
  testing::write_text(folder / "abc", "abc");
  EXPECT_EQ(sha256_hex_of_file(folder / "abc"), expected);
}

// RFC 4231, test case 2.
TEST(Hash, HmacSha256OfRfc4231) {
  EXPECT_EQ(hmac_sha256_hex("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

}  // namespace
}  // namespace sqpsych
