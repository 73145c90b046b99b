#include "core/hash.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <memory>

#include "core/error.h"
#include "core/files.h"
#include "core/interrupt.h"

namespace sqpsych {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{16} << 20;

std::string hexadecimal(const unsigned char* bytes, std::size_t count) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(count * 2);
  for (std::size_t i = 0; i < count; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  SQPSYCH_CHECK(
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1);
  return hexadecimal(digest.data(), size);
}

std::string sha256_hex_of_file(const std::filesystem::path& path) {
  const MappedFile file(path);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  SQPSYCH_CHECK(context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1);
  for (std::string_view rest = file.text(); !rest.empty();) {
    throw_if_interrupted(path.c_str());
    const auto block = rest.substr(0, kBlockBytes);
    SQPSYCH_CHECK(EVP_DigestUpdate(context.get(), block.data(), block.size()) == 1);
    rest.remove_prefix(block.size());
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  SQPSYCH_CHECK(EVP_DigestFinal_ex(context.get(), digest.data(), &size) == 1);
  return hexadecimal(digest.data(), size);
}

std::string hmac_sha256_hex(std::string_view key, std::string_view message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
  SQPSYCH_CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes, message.size(),
                     digest.data(), &size));
  return hexadecimal(digest.data(), size);
}

}  // namespace sqpsych
