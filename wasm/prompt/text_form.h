// Values as text: Python's str() and repr(), JSON as Python's json.dumps writes it, % formatting and strftime.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "prompt/value.h"

namespace tierwise::prompt {

// What is made here ends, not complete, where it is larger.
inline constexpr std::size_t kMaxMadeBytes = 8 << 20;

// False when the value nests too deeply, or its text is too large.
bool append_str(std::string& out, const Value& value);
bool append_repr(std::string& out, const Value& value, int depth = 0);

struct JsonStyle {
  // Levels of indentation; nothing: all on one line.
  std::optional<std::string_view> indent;
  std::string_view item_separator;
  std::string_view key_separator;
  bool sort_keys = false;
  bool ensure_ascii = false;
};
// False when a value has no JSON form, nests too deeply, or its text is too large.
bool append_json(std::string& out, const Value& value, const JsonStyle& style, int depth = 0);

// Python's shortest form: 1.0, 1e+16, inf.
void append_real(std::string& out, double number);
// With `digits` behind the point, exactly rounded, ties to even (of the exact value).
void append_fixed(std::string& out, double number, int digits);
// As %e and %g of printf, exactly rounded.
void append_scientific(std::string& out, double number, int digits);
void append_general(std::string& out, double number, int precision, bool keep_zeros);
// round(): to the nearest multiple of 10^-digits.
double round_to(double number, int digits);

// `format` with the parts of the time in UTC; `now` in ms since the epoch. Python's directives in the C locale.
std::string format_time(std::string_view format, double now);

}  // namespace tierwise::prompt
