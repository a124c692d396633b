#include "base/json_scanner.h"

#include <cstring>

#include "base/ascii.h"
#include "base/json.h"
#include "base/number.h"
#include "base/text.h"

namespace tierwise {
namespace {

char* put_character(char* place, std::uint32_t point) {
  if (point < 0x80) {
    *place++ = static_cast<char>(point);
    return place;
  }
  const int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  constexpr std::uint32_t kLeads[] = {0, 0xC0, 0xE0, 0xF0};
  *place++ = static_cast<char>(kLeads[more] | point >> (6 * more));
  for (int left = more - 1; left >= 0; --left) *place++ = static_cast<char>(0x80 | (point >> (6 * left) & 0x3F));
  return place;
}

}  // namespace

JsonScanner::JsonScanner(std::string_view text, std::size_t most_values)
    : at_(text.data()), end_(at_ + text.size()), values_left_(most_values), most_values_(most_values) {
  if (text.starts_with(kByteOrderMark)) at_ += kByteOrderMark.size();
}

OwnedError JsonScanner::error() const {
  switch (trouble_) {
    case Trouble::kNone: return nullptr;
    case Trouble::kTooDeep:
      return make_error("too-deep", fill("The JSON text nests deeper than {} levels.", {digits(kMaxJsonDepth)}));
    case Trouble::kTooLarge:
      return make_error("too-large", fill("The JSON text holds more than {} values.", {digits(static_cast<std::int64_t>(most_values_))}));
    default: return make_error("invalid-json", "The text is not valid JSON in UTF-8.");
  }
}

char JsonScanner::take() {
  const char c = front();
  at_ == end_ ? fail() : void(++at_);
  return c;
}

void JsonScanner::expect(std::string_view word) {
  for (const char c : word) {
    if (take() != c) return fail();
  }
}

char JsonScanner::begin_value(std::size_t depth) {
  values_left_ > 0 ? void(--values_left_) : fail(Trouble::kTooLarge);
  const char first = peek();
  if (first == '{' || first == '[') {
    if (depth > kMaxJsonDepth) {
      fail(Trouble::kTooDeep);
      return '\0';
    }
    ++at_;
  }
  return first;
}

bool JsonScanner::has_element(char close) {
  if (peek() != close) return !failed();
  ++at_;
  return false;
}

bool JsonScanner::goes_on(char close) {
  peek();
  const char c = take();
  if (c != ',' && c != close) fail();
  return c == ',';
}

std::string_view JsonScanner::take_plain() {
  const char* const begin = at_;
  while (at_ != end_) {
    // Eight at a time: a byte's high bit is set where it is no ASCII, a control, " or \\ (or stands behind such a one).
    constexpr std::uint64_t kOnes = 0x0101010101010101U;
    std::uint64_t word;
    while (rest_left() >= sizeof word) {
      std::memcpy(&word, at_, sizeof word);
      const std::uint64_t stops = word | (word - kOnes * 0x20) | ((word ^ kOnes * '"') - kOnes) | ((word ^ kOnes * '\\') - kOnes);
      if ((stops & kOnes * 0x80) != 0) break;
      at_ += sizeof word;
    }
    if (at_ == end_) break;
    const auto c = static_cast<signed char>(*at_);
    if (c >= 0x20) {
      if (c == '"' || c == '\\') break;
      ++at_;
      continue;
    }
    if (c >= 0) break;
    const std::size_t size = character_bytes({at_, static_cast<std::size_t>(end_ - at_)});
    if (size == 0) break;
    at_ += size;
  }
  return {begin, static_cast<std::size_t>(at_ - begin)};
}

std::size_t JsonScanner::text_left() const {
  const char* at = at_;
  while ((at = static_cast<const char*>(std::memchr(at, '"', static_cast<std::size_t>(end_ - at)))) != nullptr) {
    const char* escape = at;
    while (escape != at_ && escape[-1] == '\\') --escape;
    if ((at - escape) % 2 == 0) return static_cast<std::size_t>(at - at_);
    ++at;
  }
  return rest_left();
}

char* JsonScanner::read_text(char* place) {
  for (;;) {
    const std::string_view plain = take_plain();
    std::memcpy(place, plain.data(), plain.size());
    place += plain.size();
    if (front() != '\\') break;
    place = read_escape(place);
  }
  expect("\"");
  return place;
}

char* JsonScanner::read_escape(char* place) {
  take();
  constexpr std::string_view kLetters = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  const char letter = take();
  const std::size_t known = kLetters.find(letter);
  if (known != std::string_view::npos) {
    *place++ = kMeanings[known];
    return place;
  }
  if (letter != 'u') fail();
  std::uint32_t point = read_unit();
  if (point >= 0xD800 && point < 0xE000) {
    expect("\\u");
    const std::uint32_t low = read_unit();
    if (point >= 0xDC00 || low < 0xDC00 || low >= 0xE000) fail();
    point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
  }
  return failed() ? place : put_character(place, point);
}

std::uint32_t JsonScanner::read_unit() {
  std::uint32_t unit = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_value(take());
    if (digit < 0) fail();
    unit = unit * 16 + static_cast<std::uint32_t>(digit);
  }
  return unit;
}

JsonScanner::Scalar JsonScanner::read_scalar() {
  Scalar value;
  switch (front()) {
    case 't':
      value.truth = true;
      [[fallthrough]];
    case 'f':
      value.type = Scalar::kBoolean;
      expect(value.truth ? "true" : "false");
      break;
    case 'n':
      expect("null");
      break;
    default:
      read_number(value);
  }
  return value;
}

const char* JsonScanner::skip_digits(const char* at) const {
  while (at != end_ && is_digit(*at)) ++at;
  return at;
}

void JsonScanner::read_number(Scalar& value) {
  const auto is = [this](const char* at, char c) { return at != end_ && *at == c; };
  const bool negative = front() == '-';
  const char* const start = at_ + (negative ? 1 : 0);
  const char* end = is(start, '0') ? start + 1 : skip_digits(start);
  bool good = end != start;
  const char* const whole = end;
  if (is(end, '.')) {
    end = skip_digits(whole + 1);
    good = good && end != whole + 1;
  }
  if (is(end, 'e') || is(end, 'E')) {
    const char* first = end + 1;
    if (is(first, '+') || is(first, '-')) ++first;
    end = skip_digits(first);
    good = good && end != first;
  }
  if (!good) return fail();
  const char* const begin = at_;
  at_ = end;
  constexpr std::ptrdiff_t kSafeDigits = 18;  // of 64 bits, with a sign
  if (end == whole && end - start <= kSafeDigits) {
    std::int64_t number = 0;
    for (const char* digit = start; digit != end; ++digit) number = number * 10 + (*digit - '0');
    value.type = Scalar::kWhole;
    value.whole = negative ? -number : number;
    return;
  }
  const auto number = read_decimal({begin, static_cast<std::size_t>(end - begin)});
  if (!number) return fail();
  value.type = Scalar::kReal;
  value.real = *number;
}

}  // namespace tierwise
