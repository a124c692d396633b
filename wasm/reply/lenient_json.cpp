#include "reply/lenient_json.h"

#include <cstdint>

namespace tierwise::reply {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// The number after \u, or -1.
int hex4(std::string_view text, std::size_t at) {
  if (at + 4 > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    const char c = text[i];
    int digit = 0;
    if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if (c >= 'a' && c <= 'f') {
      digit = c - 'a' + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = c - 'A' + 10;
    } else {
      return -1;
    }
    value = value * 16 + digit;
  }
  return value;
}

bool is_high_surrogate(int unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low_surrogate(int unit) { return unit >= 0xDC00 && unit < 0xE000; }

// Length of the well-formed UTF-8 character at `at` (Unicode Standard, table 3-7), or 0.
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(at);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (at + length > text.size()) return 0;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xBF;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  if (byte(at + 1) < low || byte(at + 1) > high) return 0;
  for (std::size_t i = at + 2; i < at + length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

// Copies the escape at `at` (a backslash inside a string); answers where the text goes on.
std::size_t copy_escape(std::string_view text, std::size_t at, std::string& out) {
  std::size_t size = at + 1 < text.size() ? 2 : 1;
  if (size == 2 && text[at + 1] == 'u') {
    const int unit = hex4(text, at + 2);
    if (is_high_surrogate(unit) || is_low_surrogate(unit)) {
      const bool pair =
          is_high_surrogate(unit) && text.substr(at + 6, 2) == "\\u" && is_low_surrogate(hex4(text, at + 8));
      if (!pair) {
        out += "\\ufffd";
        return at + 6;
      }
      size = 12;
    }
  }
  out += text.substr(at, size);
  return at + size;
}

// Copies the word at `at`, outside of strings; null for those that are no JSON but stand for a number.
std::size_t copy_word(std::string_view text, std::size_t at, std::string& out) {
  std::size_t end = at;
  while (end < text.size() && is_word(text[end])) ++end;
  const std::string_view word = text.substr(at, end - at);
  if (word == "NaN" || word == "Infinity") {
    if (!out.empty() && out.back() == '-') out.pop_back();
    out += "null";
  } else {
    out += word;
  }
  return end;
}

std::string repair(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 16);
  bool in_string = false;
  std::size_t last_quote = 0;
  std::size_t at = text.substr(0, kByteOrderMark.size()) == kByteOrderMark ? kByteOrderMark.size() : 0;
  while (at < text.size()) {
    const char c = text[at];
    if (in_string && c == '\\') {
      at = copy_escape(text, at, out);
    } else if (!in_string && is_word(c)) {
      at = copy_word(text, at, out);
    } else {
      if (c == '"') {
        in_string = !in_string;
        last_quote = at;
      }
      const std::size_t length = utf8_length(text, at);
      out += length == 0 ? kReplacement : text.substr(at, length);
      at += length == 0 ? 1 : length;
    }
  }
  if (in_string && last_quote + 1 == text.size()) out.pop_back();
  return out;
}

}  // namespace

std::string to_valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    out += length == 0 ? kReplacement : text.substr(at, length);
    at += length == 0 ? 1 : length;
  }
  return out;
}

Result<json> parse_lenient(std::string_view text) {
  auto strict = parse_json(text);
  if (strict || strict.error().code == "too-deep") return strict;
  return parse_json(repair(text));
}

}  // namespace tierwise::reply
