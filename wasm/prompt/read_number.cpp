#include "prompt/read_number.h"

#include <cmath>
#include <string>

#include "base/ascii.h"
#include "base/number.h"
#include "base/text.h"
#include "base/words.h"
#include "prompt/code_points.h"

namespace tierwise::prompt {
namespace {

bool take_sign(std::string_view& text) {
  const char sign = text.empty() ? '\0' : text[0];
  if (sign == '-' || sign == '+') text.remove_prefix(1);
  return sign == '-';
}

// A digit of any base up to 36.
int digit_value(char c) {
  if (is_digit(c)) return c - '0';
  return is_letter(c) ? (c | 0x20) - 'a' + 10 : 99;
}

}  // namespace

bool read_real(std::string_view from, double& number) {
  std::string_view text = strip(from, kBoth);
  const bool negative = take_sign(text);
  if (const std::size_t word = word_position("nan inf infinity", lower_case(text)); word != kNoWord) {
    number = word == 0 ? NAN : INFINITY;
  } else {
    std::string plain;
    // Whether there is a digit of this part of the number.
    bool any = false;
    bool fraction = false;
    bool exponent = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      const char next = i + 1 < text.size() ? text[i + 1] : '\0';
      if (is_digit(c)) {
        any = true;
      } else if (c == '_' && i > 0 && is_digit(text[i - 1]) && is_digit(next)) {
        continue;
      } else if (c == '.' && !fraction) {
        fraction = true;
      } else if ((c == 'e' || c == 'E') && any && !exponent) {
        exponent = fraction = true;
        any = false;
        plain += c;
        if (next != '-' && next != '+') continue;
        plain += next;
        ++i;
        continue;
      } else {
        return false;
      }
      plain += c;
    }
    if (!any) return false;
    number = read_decimal(plain).value_or(INFINITY);
  }
  if (negative) number = -number;
  return true;
}

Read read_whole(std::string_view from, std::int64_t base, std::int64_t& number) {
  std::string_view text = strip(from, kBoth);
  const bool negative = take_sign(text);
  if (text.size() > 1 && text[0] == '0') {
    const char kind = static_cast<char>(text[1] | 0x20);
    const std::int64_t other = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 0;
    if (other != 0 && (base == other || base == 0)) {
      base = other;
      text.remove_prefix(2);
      if (!text.empty() && text[0] == '_') text.remove_prefix(1);
    } else if (base == 0 && text.find_first_not_of("0_") != std::string_view::npos) {
      return Read::kNo;
    }
  }
  if (base == 0) base = 10;
  number = 0;
  bool overflows = false;
  // An underscore stands behind a digit and before one.
  bool gap = true;
  for (const char c : text) {
    if (c == '_' && !gap) {
      gap = true;
      continue;
    }
    gap = false;
    if (digit_value(c) >= base) return Read::kNo;
    overflows = overflows || __builtin_mul_overflow(number, base, &number) ||
                __builtin_sub_overflow(number, std::int64_t{digit_value(c)}, &number);
  }
  if (gap) return Read::kNo;
  // Counted below zero, where there is one number more.
  if (!negative) overflows = overflows || __builtin_sub_overflow(std::int64_t{0}, number, &number);
  return overflows ? Read::kOverflows : Read::kYes;
}

}  // namespace tierwise::prompt
