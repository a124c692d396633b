// `"%s: %d" % values`: Python's formatting of texts with %.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "prompt/code_points.h"
#include "prompt/runtime.h"
#include "prompt/text_form.h"

namespace tierwise::prompt {
namespace {

constexpr std::int64_t kMostWidth = 100'000;
constexpr std::int64_t kMostPlaces = 400;

std::string in_base(std::uint64_t number, unsigned base, bool upper) {
  // No index into a conditional of two literals: GCC 12 takes 0 for it where bounds are sanitized.
  const char* const all = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string out;
  do {
    out.insert(out.begin(), all[number % base]);
    number /= base;
  } while (number > 0);
  return out;
}

}  // namespace

Value Runtime::format(const Value& pattern_value, const Value& values) {
  const std::string_view pattern = look_into(pattern_value);
  if (!closed(values)) return undefined();
  const bool many = values.is(Kind::kTuple);
  std::uint32_t used = 0;
  const auto next_value = [&]() -> Value {
    const std::uint32_t size = many ? values.items->size : 1;
    if (used >= size) return fail("There are too few values.");
    return many ? values.items->data[used++] : (++used, values);
  };
  std::string out;
  for (std::size_t at = 0; at < pattern.size() && !failed(); ++at) {
    if (pattern[at] != '%') {
      out += pattern[at];
      continue;
    }
    const auto peek = [&] { return at < pattern.size() ? pattern[at] : '\0'; };
    ++at;
    bool named = false;
    Value value;
    if (peek() == '(') {
      int open = 1;
      const std::size_t begin = ++at;
      while (at < pattern.size() && open > 0) {
        if (pattern[at] == '(') ++open;
        if (pattern[at] == ')') --open;
        ++at;
      }
      if (open > 0) return fail("There is no such format.");
      if (!values.is(Kind::kDict)) return fail("This needs a dictionary.");
      const Value* found = find(*values.dict, pattern.substr(begin, at - 1 - begin));
      if (found == nullptr) return fail("The dictionary has no value of this name.");
      value = *found;
      named = true;
    }
    bool left = false, sign = false, space = false, zero = false, alternate = false;
    for (;; ++at) {
      const char c = peek();
      if (c == '-') left = true;
      else if (c == '+') sign = true;
      else if (c == ' ') space = true;
      else if (c == '0') zero = true;
      else if (c == '#') alternate = true;
      else break;
    }
    const auto number = [&]() -> std::int64_t {
      if (peek() == '*') {
        ++at;
        const Value given = next_value();
        return given.is_whole() ? given.whole() : (fail("This needs a whole number."), 0);
      }
      std::int64_t n = 0;
      while (peek() >= '0' && peek() <= '9') n = std::min<std::int64_t>(n * 10 + (pattern[at++] - '0'), 1'000'000'000);
      return n;
    };
    std::int64_t width = number();
    if (width < 0) {
      left = true;
      width = -width;
    }
    std::int64_t places = -1;
    if (peek() == '.') {
      ++at;
      places = std::max<std::int64_t>(0, number());
    }
    while (peek() == 'h' || peek() == 'l' || peek() == 'L') ++at;
    const char kind = peek();
    if (kind == '\0') return fail("There is no such format.");
    if (width > kMostWidth || places > kMostWidth) return fail("This is too large.");
    if (kind == '%') {
      out += '%';
      continue;
    }
    if (!named) value = next_value();
    if (failed()) return undefined();
    std::string text;
    bool numeric = true;
    bool negative = false;
    if (kind == 's' || kind == 'r' || kind == 'a') {
      numeric = false;
      if (!(kind == 's' ? append_str(text, value) : append_repr(text, value))) return fail(kTooMuch);
      if (places >= 0) text.resize(bytes_of(text, static_cast<std::size_t>(places)));
    } else if (kind == 'c') {
      numeric = false;
      if (value.is(Kind::kText) && count_code_points(value.view()) == 1) {
        text = value.view();
      } else if (value.is_whole() && value.whole() >= 0 && value.whole() < 0x110000) {
        // Half a pair is no character.
        const auto code = static_cast<std::uint32_t>(value.whole());
        append_code_point(text, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
      } else {
        return fail("This needs one character.");
      }
    } else if (kind == 'd' || kind == 'i' || kind == 'u' || kind == 'x' || kind == 'X' || kind == 'o') {
      const bool decimal = kind == 'd' || kind == 'i' || kind == 'u';
      if (!value.is_number() || (!decimal && !value.is_whole())) return fail("This needs a number.");
      if (value.is(Kind::kReal) && !(std::fabs(value.real) < 9.2e18)) return fail("This is too large.");
      const std::int64_t whole = value.is_whole() ? value.whole() : static_cast<std::int64_t>(value.real);
      negative = whole < 0;
      const std::uint64_t size = negative ? 0 - static_cast<std::uint64_t>(whole) : static_cast<std::uint64_t>(whole);
      text = in_base(size, decimal ? 10 : kind == 'o' ? 8 : 16, kind == 'X');
      if (places > static_cast<std::int64_t>(text.size())) {
        text.insert(0, static_cast<std::size_t>(places) - text.size(), '0');
      }
    } else if (std::string_view("eEfFgG").find(kind) != std::string_view::npos) {
      if (!value.is_number()) return fail("This needs a number.");
      const double real = value.number();
      charge_digits(real);
      negative = std::signbit(real) && !std::isnan(real);
      const int digits = places < 0 ? 6 : static_cast<int>(std::min(places, kMostPlaces));
      const double size = std::fabs(real);
      if (kind == 'f' || kind == 'F') {
        append_fixed(text, size, digits);
      } else if (kind == 'e' || kind == 'E') {
        append_scientific(text, size, digits);
      } else {
        append_general(text, size, digits, alternate);
      }
      if (kind <= 'Z') std::transform(text.begin(), text.end(), text.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
      if (!std::isfinite(real)) zero = false;
    } else {
      return fail("There is no such format.");
    }
    std::string front = !numeric ? "" : negative ? "-" : sign ? "+" : space ? " " : "";
    if (alternate && kind == 'o') front += "0o";
    if (alternate && (kind == 'x' || kind == 'X')) front += kind == 'x' ? "0x" : "0X";
    const auto size = static_cast<std::int64_t>(front.size() + count_code_points(text));
    const std::string padding(static_cast<std::size_t>(std::max<std::int64_t>(0, width - size)), zero && numeric && !left ? '0' : ' ');
    if (left) {
      out += front + text + padding;
    } else if (zero && numeric) {
      out += front + padding + text;
    } else {
      out += padding + front + text;
    }
    if (out.size() > kMaxMadeBytes || !charge(1 + text.size() / 16)) return fail(kTooMuch);
  }
  if (failed()) return undefined();
  if (many ? used < values.items->size : used == 0 && !values.is(Kind::kUndefined) && !values.is(Kind::kDict) && !values.is(Kind::kList) && !values.is(Kind::kView)) {
    return fail("There are too many values.");
  }
  return new_text(out);
}

}  // namespace tierwise::prompt
