#include "data/profiles/pseudonym.h"

#include <sys/random.h>

#include <array>

#include "core/error.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/text.h"

namespace sqpsych {
namespace {
constexpr std::size_t kShortestKey = 16;
constexpr std::size_t kPseudonymDigits = 16;
}  // namespace

std::string new_pseudonym_key() {
  std::array<unsigned char, 32> bytes;
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw ResourceError("links: the system gives no random bytes for a new key");
  std::string key;
  for (const auto byte : bytes) key += format("{:02x}", static_cast<unsigned>(byte));
  return key;
}

std::string read_pseudonym_key(const std::filesystem::path& file) {
  if (!std::filesystem::is_regular_file(file))
    throw ConfigError(
        format("links.key_file: '{}': found no such file, expected the key of the "
               "pseudonyms. Make one: openssl rand -hex 32",
               file.string()));
  const std::string key(trim(read_file(file)));
  if (key.size() < kShortestKey)
    throw ConfigError(
        format("links.key_file: '{}': found {} characters, expected at least {}. Make "
               "a key: openssl rand -hex 32",
               file.string(), key.size(), kShortestKey));
  return key;
}

std::string pseudonym_of(const std::string& key, const std::string& source_id) {
  return "c_" + hmac_sha256_hex(key, "client:" + source_id).substr(0, kPseudonymDigits);
}

}  // namespace sqpsych
