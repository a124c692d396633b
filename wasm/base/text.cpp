#include "base/text.h"

#include <cstdint>
#include <cstring>

namespace tierwise {
namespace {

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; }

// Bytes of the well-formed character at `p`, of which `left` > 0 bytes are there; 0 when there is none.
std::size_t character_bytes(const unsigned char* p, std::size_t left) {
  const unsigned lead = p[0];
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const std::size_t bytes = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (left < bytes) return 0;
  const unsigned lowest = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned highest = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (p[1] < lowest || p[1] > highest) return 0;
  for (std::size_t i = 2; i < bytes; ++i) {
    if ((p[i] & 0xc0U) != 0x80U) return 0;
  }
  return bytes;
}

}  // namespace

bool valid_utf8(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080U;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t at = 0;
  while (at < text.size()) {
    while (text.size() - at >= 32) {
      std::uint64_t words[4];
      std::memcpy(words, bytes + at, sizeof words);
      if (((words[0] | words[1] | words[2] | words[3]) & kHighBits) != 0) break;
      at += sizeof words;
    }
    // One stretch character by character: it ends with the text or at ASCII again.
    for (std::size_t stretch = 0; at < text.size(); ++stretch) {
      if (stretch >= 32 && bytes[at] < 0x80) break;
      const std::size_t size = character_bytes(bytes + at, text.size() - at);
      if (size == 0) return false;
      at += size;
    }
  }
  return true;
}

std::size_t code_points(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += continues(c) ? 0 : 1;
  return count;
}

std::string_view cut_utf8(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  std::size_t end = max_bytes;
  for (int back = 0; back < 3 && end > 0 && continues(text[end]); ++back) --end;
  return text.substr(0, end);
}

}  // namespace tierwise
