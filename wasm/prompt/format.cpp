// `"%s: %d" % values`: Python's formatting of texts with %.
#include <algorithm>
#include <cmath>

#include "base/ascii.h"
#include "prompt/code_points.h"
#include "prompt/runtime.h"
#include "prompt/text_form.h"

namespace tierwise::prompt {
namespace {

constexpr std::int64_t kMostWidth = 100'000;
constexpr std::int64_t kMostPlaces = 400;

char upper_case(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

// Behind what is there.
void append_in_base(std::string& out, std::uint64_t number, unsigned base) {
  const std::size_t begin = out.size();
  do {
    out.insert(begin, 1, "0123456789abcdef"[number % base]);
    number /= base;
  } while (number > 0);
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
    if (peek() == '%') {
      out += '%';
      continue;
    }
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
    // In the order of the enum.
    static constexpr std::string_view kFlags = "-+ 0#";
    enum : unsigned { kLeftward = 1, kSigned = 2, kSpaced = 4, kZeros = 8, kAlternate = 16 };
    unsigned flags = 0;
    for (std::size_t flag; (flag = kFlags.find(peek())) != std::string_view::npos; ++at) flags |= 1U << flag;
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
      flags |= kLeftward;
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
    if (!named) value = next_value();
    if (failed()) return undefined();
    const std::size_t begin = out.size();
    // What of it is no sign begins here.
    std::size_t body = begin;
    const auto put_sign = [&](bool negative) {
      if (negative) {
        out += '-';
      } else if ((flags & (kSigned | kSpaced)) != 0) {
        out += (flags & kSigned) != 0 ? '+' : ' ';
      }
      body = out.size();
    };
    const char small = lower_case(kind);
    if (kind == 's' || kind == 'r' || kind == 'a') {
      flags &= ~kZeros;
      std::string text;
      if (!(kind == 's' ? append_str(text, value) : append_repr(text, value))) return fail(kTooMuch);
      out.append(text, 0, places < 0 ? text.size() : bytes_of(text, static_cast<std::size_t>(places)));
    } else if (kind == 'c') {
      flags &= ~kZeros;
      if (value.is(Kind::kText) && count_code_points(value.view()) == 1) {
        out += value.view();
      } else if (value.is_whole() && value.whole() >= 0 && value.whole() < 0x110000) {
        // Half a pair is no character.
        const auto code = static_cast<std::uint32_t>(value.whole());
        append_code_point(out, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
      } else {
        return fail("This needs one character.");
      }
    } else if (kind == 'd' || kind == 'i' || kind == 'u' || small == 'x' || kind == 'o') {
      const unsigned base = small == 'x' ? 16 : kind == 'o' ? 8 : 10;
      if (!value.is_number() || (base != 10 && !value.is_whole())) return fail("This needs a number.");
      if (value.is(Kind::kReal) && !(std::fabs(value.real) < 9.2e18)) return fail("This is too large.");
      const std::int64_t whole = value.is_whole() ? value.whole() : static_cast<std::int64_t>(value.real);
      put_sign(whole < 0);
      if ((flags & kAlternate) != 0 && base != 10) {
        out += '0';
        out += small;
        body = out.size();
      }
      append_in_base(out, whole < 0 ? 0 - static_cast<std::uint64_t>(whole) : static_cast<std::uint64_t>(whole), base);
      const std::size_t size = out.size() - body;
      if (places > static_cast<std::int64_t>(size)) out.insert(body, static_cast<std::size_t>(places) - size, '0');
    } else if (std::string_view("efg").find(small) != std::string_view::npos) {
      if (!value.is_number()) return fail("This needs a number.");
      const double real = value.number();
      charge_digits(real);
      put_sign(std::signbit(real) && !std::isnan(real));
      const int digits = places < 0 ? 6 : static_cast<int>(std::min(places, kMostPlaces));
      const double size = std::fabs(real);
      if (small == 'f') {
        append_fixed(out, size, digits);
      } else if (small == 'e') {
        append_scientific(out, size, digits);
      } else {
        append_general(out, size, digits, (flags & kAlternate) != 0);
      }
      if (!std::isfinite(real)) flags &= ~kZeros;
    } else {
      return fail("There is no such format.");
    }
    if (kind != small) {
      for (std::size_t i = begin; i < out.size(); ++i) out[i] = upper_case(out[i]);
    }
    const auto size = static_cast<std::int64_t>(count_code_points(std::string_view(out).substr(begin)));
    if (width > size) {
      const bool zeros = (flags & (kZeros | kLeftward)) == kZeros;
      const std::size_t at_place = (flags & kLeftward) != 0 ? out.size() : zeros ? body : begin;
      out.insert(at_place, static_cast<std::size_t>(width - size), zeros ? '0' : ' ');
    }
    if (out.size() > kMaxMadeBytes || !charge(1 + (out.size() - begin) / 16)) return fail(kTooMuch);
  }
  if (failed()) return undefined();
  // What has items by a key need not be used.
  const bool optional =
      values.is(Kind::kUndefined) || values.is(Kind::kDict) || values.is(Kind::kList) || values.is_range();
  if (many ? used < values.items->size : used == 0 && !optional) {
    return fail("There are too many values.");
  }
  return new_text(out);
}

}  // namespace tierwise::prompt
