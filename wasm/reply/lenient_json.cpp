#include "reply/lenient_json.h"

#include <cstddef>
#include <string>

#include "base/ascii.h"
#include "base/text.h"

namespace tierwise::reply {
namespace {

// The number after \u, or -1.
int hex4(std::string_view text, std::size_t at) {
  if (at + 4 > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    const int digit = hex_value(text[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

bool is_high_surrogate(int unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low_surrogate(int unit) { return unit >= 0xDC00 && unit < 0xE000; }

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
  while (end < text.size() && is_letter(text[end])) ++end;
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
  std::size_t at = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  while (at < text.size()) {
    const char c = text[at];
    if (in_string && c == '\\') {
      at = copy_escape(text, at, out);
    } else if (!in_string && is_letter(c)) {
      at = copy_word(text, at, out);
    } else {
      if (c == '"') {
        in_string = !in_string;
        last_quote = at;
      }
      const std::size_t length = character_bytes(text.substr(at));
      out += length == 0 ? kReplacementCharacter : text.substr(at, length);
      at += length == 0 ? 1 : length;
    }
  }
  if (in_string && last_quote + 1 == text.size()) out.pop_back();
  return out;
}

}  // namespace

Result<json> parse_lenient(std::string_view text) {
  auto strict = parse_json(text);
  if (strict || strict.error().code != "invalid-json") return strict;
  return parse_json(repair(text));
}

}  // namespace tierwise::reply
