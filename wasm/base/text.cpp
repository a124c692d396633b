#include "base/text.h"

#include <cstdint>
#include <cstring>

#include "base/ascii.h"
#include "base/number.h"

namespace tierwise {
namespace {

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; }

}  // namespace

std::size_t character_bytes(std::string_view text) {
  const auto byte = [text](std::size_t at) -> unsigned { return static_cast<unsigned char>(text[at]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const std::size_t bytes = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (text.size() < bytes) return 0;
  const unsigned lowest = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned highest = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < lowest || byte(1) > highest) return 0;
  for (std::size_t at = 2; at < bytes; ++at) {
    if (!continues(text[at])) return 0;
  }
  return bytes;
}

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
      const std::size_t size = character_bytes(text.substr(at));
      if (size == 0) return false;
      at += size;
    }
  }
  return true;
}

std::size_t plain_bytes(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  std::size_t count = 0;
  // Eight at once: a byte that is below 0x20, or 0 after the exclusive or, borrows into its highest bit.
  for (std::uint64_t eight; count + sizeof eight <= text.size(); count += sizeof eight) {
    std::memcpy(&eight, text.data() + count, sizeof eight);
    const std::uint64_t quotes = eight ^ (kOnes * '"');
    const std::uint64_t slashes = eight ^ (kOnes * '\\');
    const std::uint64_t stops =
        ((eight - kOnes * 0x20) & ~eight) | ((quotes - kOnes) & ~quotes) | ((slashes - kOnes) & ~slashes) | eight;
    if ((stops & kOnes * 0x80) != 0) break;
  }
  for (; count < text.size(); ++count) {
    const char c = text[count];
    if (static_cast<signed char>(c) < 0x20 || c == '"' || c == '\\') break;  // what is no ASCII is below 0
  }
  return count;
}

std::string to_valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const std::size_t size = character_bytes(text);
    valid += size == 0 ? kReplacementCharacter : text.substr(0, size);
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return valid;
}

std::string_view cut_utf8(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  std::size_t end = max_bytes;
  for (int back = 0; back < 3 && end > 0 && continues(text[end]); ++back) --end;
  return text.substr(0, end);
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_white(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_white(text.back())) text.remove_suffix(1);
  return text;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = lower_case(c);
  return lower;
}

std::string fill(std::string_view pattern, std::initializer_list<Part> parts) {
  std::string text;
  for (const Part& part : parts) {
    const std::size_t gap = pattern.find("{}");
    text += pattern.substr(0, gap);
    text += part.text();
    pattern.remove_prefix(gap + 2);
  }
  text += pattern;
  return text;
}

std::string digits(std::int64_t whole) {
  std::string text;
  append_number(text, whole);
  return text;
}

}  // namespace tierwise
