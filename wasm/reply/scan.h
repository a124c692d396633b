// Walks JSON text once, in place, building nothing: for hot paths that know which members they want.
// (nlohmann's SAX parser copies every string and refuses NaN: 7 us for a 254-byte frame in WASM, before any
// handler did anything; this and the answer written, 1.6 us.)
//
// Promises: never reads outside the text, no recursion, linear time. Strict about the members that are read
// and about balance; of what is skipped only strings, brackets and commas are looked at, so it accepts more
// than JSON (bare NaN). On the first surprise it fails and every later call answers "nothing": the
// caller then takes its slow, exact path. Strings are given raw: the bytes between the quotes, escapes left in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tierwise::reply {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  // The first character of what follows, '\0' at the end.
  char peek() {
    while (at_ != end_ && is_space(*at_)) ++at_;
    return at_ == end_ ? '\0' : *at_;
  }

  // True when nothing but white space is left.
  bool at_end() { return peek() == '\0' && at_ == end_ && !failed_; }

  bool enter(char bracket) {
    if (peek() != bracket) return fail();
    ++at_;
    first_ = true;
    return true;
  }

  // The key of the next member; false after the last one. Its value must be read or skipped before the next
  // call. A key written with escapes is a surprise.
  bool next_member(std::string_view& key) {
    if (!next('}') || !raw_string(key)) return false;
    if (key.find('\\') != std::string_view::npos) return fail();
    if (peek() != ':') return fail();
    ++at_;
    return true;
  }

  bool next_element() { return next(']'); }

  bool raw_string(std::string_view& raw) {
    if (peek() != '"') return fail();
    const char* start = ++at_;
    while (at_ != end_ && *at_ != '"') {
      if (static_cast<std::uint8_t>(*at_) < 0x20) return fail();
      if (*at_ == '\\' && ++at_ == end_) return fail();
      ++at_;
    }
    if (at_ == end_) return fail();
    raw = std::string_view(start, static_cast<std::size_t>(at_ - start));
    ++at_;
    first_ = false;
    return true;
  }

  // null, true, false or a number, as it stands.
  bool raw_word(std::string_view& word) {
    peek();
    const char* start = at_;
    while (at_ != end_ && *at_ != ',' && *at_ != '}' && *at_ != ']' && !is_space(*at_)) {
      if (*at_ == '"' || *at_ == '{' || *at_ == '[' || *at_ == ':') return fail();
      ++at_;
    }
    if (start == at_) return fail();
    word = std::string_view(start, static_cast<std::size_t>(at_ - start));
    first_ = false;
    return true;
  }

  // True, and null consumed, when null follows.
  bool null() {
    if (peek() != 'n') return false;
    std::string_view word;
    return raw_word(word) && (word == "null" || fail());
  }

  // A whole number from 0 to 999,999,999,999,999.
  bool count(double& value) {
    std::string_view word;
    if (!raw_word(word) || word.size() > 15 || (word.size() > 1 && word[0] == '0')) return fail();
    std::uint64_t number = 0;
    for (const char c : word) {
      if (c < '0' || c > '9') return fail();
      number = number * 10 + static_cast<std::uint64_t>(c - '0');
    }
    value = static_cast<double>(number);
    return true;
  }

  bool skip() {
    std::string_view ignored;
    const char c = peek();
    if (c == '"') return raw_string(ignored);
    if (c != '{' && c != '[') return raw_word(ignored);
    std::size_t open = 0;
    std::uint64_t kinds = 0;  // one bit per open bracket, 1 for '{'
    do {
      switch (*at_) {
        case '"':
          if (!raw_string(ignored)) return false;
          continue;
        case '{':
        case '[':
          if (++open > kMaxOpen) return fail();
          kinds = (kinds << 1) | (*at_ == '{' ? 1U : 0U);
          break;
        case '}':
        case ']':
          if ((kinds & 1U) != (*at_ == '}' ? 1U : 0U)) return fail();
          kinds >>= 1;
          --open;
          break;
        default: break;
      }
      ++at_;
    } while (open > 0 && at_ != end_);
    first_ = false;
    return open == 0 || fail();
  }

  bool fail() {
    failed_ = true;
    at_ = end_;
    return false;
  }

 private:
  static constexpr std::size_t kMaxOpen = 60;

  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

  bool next(char close) {
    const char c = peek();
    if (c == close) {
      ++at_;
      first_ = false;
      return false;
    }
    if (first_) return c != '\0' || fail();
    if (c != ',') return fail();
    ++at_;
    return peek() != close || fail();
  }

  const char* at_;
  const char* end_;
  bool first_ = false;  // right after an opening bracket
  bool failed_ = false;
};

}  // namespace tierwise::reply
