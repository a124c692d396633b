#include "base/json.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/ascii.h"
#include "base/number.h"
#include "base/text.h"

namespace tierwise {
namespace {

enum class Trouble { kNone, kMalformed, kTooDeep, kTooLarge };

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  // The whole text as one value.
  void read(json& value) {
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
    read_value(value, 1);
    peek();
    if (!rest_.empty()) fail();
  }
  Trouble trouble() const { return trouble_; }

 private:
  // What comes first counts: everything read after it fails for the lack of text.
  void fail(Trouble trouble = Trouble::kMalformed) {
    if (trouble_ == Trouble::kNone) trouble_ = trouble;
    rest_ = {};
  }
  bool failed() const { return trouble_ != Trouble::kNone; }

  // The first character of what follows, '\0' at the end.
  char peek() {
    const std::size_t start = rest_.find_first_not_of(" \t\r\n");
    rest_.remove_prefix(start == std::string_view::npos ? rest_.size() : start);
    return front();
  }
  char front() const { return rest_.empty() ? '\0' : rest_.front(); }
  char take() {
    const char c = front();
    rest_.empty() ? fail() : rest_.remove_prefix(1);
    return c;
  }
  void expect(std::string_view word) {
    if (!rest_.starts_with(word)) return fail();
    rest_.remove_prefix(word.size());
  }

  void read_value(json& value, std::size_t depth) {
    if (++values_ > kMaxJsonValues) return fail(Trouble::kTooLarge);
    const char first = peek();
    if (first == '{' || first == '[') {
      if (depth > kMaxJsonDepth) return fail(Trouble::kTooDeep);
      rest_.remove_prefix(1);
      return first == '{' ? read_object(value, depth) : read_array(value, depth);
    }
    switch (first) {
      case '"': value = std::string(); return read_string(value.get_ref<std::string&>());
      case 't': value = true; return expect("true");
      case 'f': value = false; return expect("false");
      case 'n': return expect("null");
      default: return read_number(value);
    }
  }

  void read_object(json& value, std::size_t depth) {
    value = json::value_t::object;
    auto& members = value.get_ref<json::object_t&>();
    bool more = peek() != '}';
    if (!more) rest_.remove_prefix(1);
    std::uint32_t marks = 0;
    while (more && !failed()) {
      peek();
      std::string name;
      read_string(name);
      peek();
      expect(":");
      read_value(member_named(members, std::move(name), marks), depth + 1);
      more = goes_on('}');
    }
  }

  // A new member, or the one that is there already and is read again. Looked for only if one with the same mark was
  // met, and among the first ones only: a hostile object would be searched as often as it has members.
  static json& member_named(json::object_t& members, std::string name, std::uint32_t& marks) {
    const auto last = static_cast<unsigned char>(name.empty() ? '\0' : name.back());
    const std::uint32_t mark = 1U << ((name.size() + last) & 31);
    if ((marks & mark) != 0) {
      if (json* known = known_member(members, name)) return *known = nullptr;
    }
    marks |= mark;
    members.emplace_back(std::move(name), nullptr);
    return members.back().second;
  }
  static json* known_member(json::object_t& members, const std::string& name) {
    const auto end = members.begin() + static_cast<std::ptrdiff_t>(std::min(members.size(), kMergedMembers));
    const auto known = std::find_if(members.begin(), end, [&](const auto& member) { return member.first == name; });
    return known == end ? nullptr : &known->second;
  }

  void read_array(json& value, std::size_t depth) {
    value = json::value_t::array;
    auto& elements = value.get_ref<json::array_t&>();
    bool more = peek() != ']';
    if (!more) rest_.remove_prefix(1);
    while (more && !failed()) {
      elements.push_back(nullptr);
      read_value(elements.back(), depth + 1);
      more = goes_on(']');
    }
  }

  // Past the comma or the bracket that follows an element.
  bool goes_on(char close) {
    peek();
    const char c = take();
    if (c != ',' && c != close) fail();
    return c == ',';
  }

  void read_string(std::string& text) {
    expect("\"");
    while (!failed()) {
      const std::size_t plain = plain_bytes(rest_);
      text.append(rest_.data(), plain);
      rest_.remove_prefix(plain);
      if (front() == '\\') {
        read_escape(text);
      } else if (static_cast<unsigned char>(front()) >= 0x80) {
        const std::size_t size = character_bytes(rest_);
        if (size == 0) return fail();
        text.append(rest_.data(), size);
        rest_.remove_prefix(size);
      } else {
        return expect("\"");
      }
    }
  }

  void read_escape(std::string& text) {
    take();
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const char letter = take();
    const std::size_t known = kLetters.find(letter);
    if (known != std::string_view::npos) {
      text += kMeanings[known];
      return;
    }
    if (letter != 'u') return fail();
    std::uint32_t point = read_unit();
    if (point >= 0xD800 && point < 0xE000) {
      expect("\\u");
      const std::uint32_t low = read_unit();
      if (point >= 0xDC00 || low < 0xDC00 || low >= 0xE000) return fail();
      point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    }
    append_character(text, point);
  }

  std::uint32_t read_unit() {
    std::uint32_t unit = 0;
    for (int i = 0; i < 4; ++i) {
      const int digit = hex_value(take());
      if (digit < 0) fail();
      unit = unit * 16 + static_cast<std::uint32_t>(digit);
    }
    return unit;
  }

  static void append_character(std::string& text, std::uint32_t point) {
    if (point < 0x80) {
      text += static_cast<char>(point);
      return;
    }
    const int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    constexpr std::uint32_t kLeads[] = {0, 0xC0, 0xE0, 0xF0};
    text += static_cast<char>(kLeads[more] | point >> (6 * more));
    for (int left = more - 1; left >= 0; --left) text += static_cast<char>(0x80 | (point >> (6 * left) & 0x3F));
  }

  std::size_t skip_digits(std::size_t at) const {
    while (at < rest_.size() && is_digit(rest_[at])) ++at;
    return at;
  }

  void read_number(json& value) {
    const auto at_is = [this](std::size_t at, char c) { return at < rest_.size() && rest_[at] == c; };
    const bool negative = front() == '-';
    const std::size_t start = negative ? 1 : 0;
    std::size_t end = at_is(start, '0') ? start + 1 : skip_digits(start);
    bool good = end > start;
    const std::size_t whole = end;
    if (at_is(end, '.')) {
      end = skip_digits(whole + 1);
      good = good && end > whole + 1;
    }
    if (at_is(end, 'e') || at_is(end, 'E')) {
      const std::size_t sign = at_is(end + 1, '+') || at_is(end + 1, '-') ? 1 : 0;
      const std::size_t first = end + 1 + sign;
      end = skip_digits(first);
      good = good && end > first;
    }
    if (!good) return fail();
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end);
    constexpr std::size_t kSafeDigits = 18;  // of 64 bits, with a sign
    if (end == whole && end - start <= kSafeDigits) {
      std::int64_t number = 0;
      for (const char c : text.substr(start)) number = number * 10 + (c - '0');
      value = negative ? -number : number;
      return;
    }
    const auto number = read_decimal(text);
    if (!number) return fail();
    value = *number;
  }

  std::string_view rest_;
  std::size_t values_ = 0;
  Trouble trouble_ = Trouble::kNone;
};

}  // namespace

Result<json> parse_json(std::string_view text) {
  Parser parser(text);
  json value;
  parser.read(value);
  switch (parser.trouble()) {
    case Trouble::kNone: return value;
    case Trouble::kTooDeep:
      return make_error("too-deep", fill("The JSON text nests deeper than {} levels.", {digits(kMaxJsonDepth)}));
    case Trouble::kTooLarge:
      return make_error("too-large", fill("The JSON text holds more than {} values.", {digits(kMaxJsonValues)}));
    default: return make_error("invalid-json", "The text is not valid JSON in UTF-8.");
  }
}

std::string scalar_text(const json& value) {
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (!value.is_number()) return "null";
  std::string text;
  if (value.type() == json::value_t::number_integer) {
    append_number(text, value.get<std::int64_t>());
  } else {
    append_number(text, value.get<double>());
  }
  return text;
}

const json::object_t& members_of(const json& object) { return object.get_ref<const json::object_t&>(); }
const json::array_t& elements_of(const json& array) { return array.get_ref<const json::array_t&>(); }
const std::string* string_in(const json& value) { return value.get_ptr<const std::string*>(); }

const json* find_any_member(const json& object, std::string_view field) {
  const auto* members = object.get_ptr<const json::object_t*>();
  if (members == nullptr) return nullptr;
  const auto found =
      std::find_if(members->rbegin(), members->rend(), [&](const auto& member) { return member.first == field; });
  return found == members->rend() ? nullptr : &found->second;
}

const json* find_member(const json& object, std::string_view field) {
  const json* member = find_any_member(object, field);
  return member == nullptr || member->is_null() ? nullptr : member;
}

std::optional<std::string_view> optional_string(const json& object, std::string_view field) {
  const json* member = find_member(object, field);
  const std::string* text = member == nullptr ? nullptr : string_in(*member);
  return text == nullptr ? std::nullopt : std::optional<std::string_view>(*text);
}

std::string_view string_or_empty(const json& object, std::string_view field) {
  const json* member = find_member(object, field);
  const std::string* text = member == nullptr ? nullptr : string_in(*member);
  return text == nullptr ? std::string_view() : *text;
}

std::optional<double> optional_number(const json& object, std::string_view field) {
  const json* member = find_member(object, field);
  if (member == nullptr || !member->is_number()) return std::nullopt;
  return member->get<double>();
}

std::optional<bool> optional_bool(const json& object, std::string_view field) {
  const json* member = find_member(object, field);
  if (member == nullptr || !member->is_boolean()) return std::nullopt;
  return member->get<bool>();
}

bool is_set(const json& object, std::string_view field) { return optional_bool(object, field).value_or(false); }

}  // namespace tierwise
