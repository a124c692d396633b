#include "prompt/lexer.h"

#include <algorithm>
#include <cmath>

#include "base/ascii.h"
#include "base/text.h"
#include "prompt/code_points.h"
#include "prompt/read_number.h"

namespace tierwise::prompt {
namespace {

// Of a digit of base 16 at most.
int digit_value(char c) {
  const int value = hex_value(c);
  return value < 0 ? 99 : value;
}

class Lexer {
 public:
  Lexer(std::string_view source, Arena& arena, std::vector<Token>& tokens)
      : source_(source), arena_(arena), tokens_(tokens) {}

  OwnedError run() {
    while (error_ == nullptr && at_ < source_.size()) {
      read_root();
      if (tokens_.size() > kMostTokens) fail(at_, kTooLarge);
    }
    add(TokenType::kEnd, source_.size(), {});
    return std::move(error_);
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0'; }
  void fail(std::size_t at, std::string_view message) {
    if (error_ == nullptr) error_ = template_error(source_, at, message);
  }
  void add(TokenType type, std::size_t at, std::string_view text) {
    Token token;
    token.type = type;
    token.at = static_cast<std::uint32_t>(at);
    token.text = text;
    tokens_.push_back(token);
  }
  // Moves behind the white space from `at` on.
  std::size_t skip_space(std::size_t at) const {
    while (at < source_.size()) {
      std::size_t next = at;
      if (!is_space(next_code_point(source_, next))) break;
      at = next;
    }
    return at;
  }
  // The place behind the end of a tag whose first character stands at `at`: "+%}", "-%}" with the white space behind,
  // "%}" with one line end behind where `trims`. 0 when none stands there.
  std::size_t tag_end(std::size_t at, std::string_view close, bool trims, bool plus = true) const {
    const char sign = at < source_.size() ? source_[at] : '\0';
    if (sign == '-' && source_.substr(at + 1, 2) == close) return skip_space(at + 3);
    if (sign == '+' && plus && source_.substr(at + 1, 2) == close) return at + 3;
    if (source_.substr(at, 2) != close) return 0;
    return trims && at + 2 < source_.size() && source_[at + 2] == '\n' ? at + 3 : at + 2;
  }
  // Where "{%", its sign, `word` and the end of the tag stand, the place behind; else 0. `sign_at` is the sign's place.
  std::size_t word_tag(std::size_t at, std::string_view word, bool trims, bool plus) const {
    if (source_.substr(at, 2) != "{%") return 0;
    at += 2;
    if (at < source_.size() && (source_[at] == '-' || source_[at] == '+')) ++at;
    at = skip_space(at);
    if (source_.substr(at, word.size()) != word) return 0;
    return tag_end(skip_space(at + word.size()), "%}", trims, plus);
  }

  // The data before a tag that begins at `tag`, whose sign decides what is stripped of it.
  void add_data(std::size_t tag, bool is_variable) {
    std::string_view data = source_.substr(at_, tag - at_);
    const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    if (sign == '-') {
      data = strip(data, kRight);
    } else if (sign != '+' && !is_variable) {
      const std::size_t line = data.rfind('\n') + 1;
      if ((line > 0 || line_starts_) && line < data.size() && strip(data.substr(line), kBoth).empty()) {
        data = data.substr(0, line);
      }
    }
    if (!data.empty()) add(TokenType::kData, at_, data);
  }
  void move_to(std::size_t at) {
    at_ = at;
    line_starts_ = at_ > 0 && source_[at_ - 1] == '\n';
  }

  void read_root() {
    std::size_t tag = at_;
    for (;; ++tag) {
      tag = source_.find('{', tag);
      if (tag == std::string_view::npos || tag + 1 >= source_.size()) {
        add(TokenType::kData, at_, source_.substr(at_));
        at_ = source_.size();
        return;
      }
      const char kind = source_[tag + 1];
      if (kind == '{' || kind == '%' || kind == '#') break;
    }
    const char kind = source_[tag + 1];
    add_data(tag, kind == '{');
    if (const std::size_t body = word_tag(tag, "raw", false, false); body != 0) {
      move_to(body);
      read_raw(tag);
      return;
    }
    const bool sign = tag + 2 < source_.size() && (source_[tag + 2] == '-' || source_[tag + 2] == '+');
    move_to(tag + (sign ? 3 : 2));
    if (kind == '#') {
      read_comment(tag);
    } else {
      add(kind == '{' ? TokenType::kVariableBegin : TokenType::kBlockBegin, tag, {});
      read_code(tag, kind == '{');
    }
  }

  // As Jinja2, here and of raw: where nothing follows, nothing is missing.
  void read_comment(std::size_t tag) {
    if (at_ >= source_.size()) return;
    for (std::size_t at = at_;; ++at) {
      at = source_.find("#}", at);
      if (at == std::string_view::npos) {
        fail(tag, "This comment has no end: close it with #}.");
        return;
      }
      const std::size_t sign = at > at_ && (source_[at - 1] == '-' || source_[at - 1] == '+') ? at - 1 : at;
      move_to(tag_end(sign, "#}", true));
      return;
    }
  }

  void read_raw(std::size_t tag) {
    if (at_ >= source_.size()) return;
    for (std::size_t at = at_;; ++at) {
      at = source_.find("{%", at);
      if (at == std::string_view::npos) {
        fail(tag, "This raw block has no end: close it with {% endraw %}.");
        return;
      }
      const std::size_t end = word_tag(at, "endraw", true, true);
      if (end == 0) continue;
      add_data(at, false);
      move_to(end);
      return;
    }
  }

  void read_code(std::size_t tag, bool is_variable) {
    std::string open;
    const std::string_view close = is_variable ? "}}" : "%}";
    while (error_ == nullptr) {
      if (tokens_.size() > kMostTokens) fail(at_, kTooLarge);
      if (at_ >= source_.size()) {
        fail(tag, is_variable ? "This expression has no end: close it with }}."
                              : "This tag has no end: close it with %}.");
        return;
      }
      if (open.empty()) {
        if (const std::size_t end = tag_end(at_, close, !is_variable, !is_variable); end != 0) {
          add(is_variable ? TokenType::kVariableEnd : TokenType::kBlockEnd, at_, {});
          move_to(end);
          return;
        }
      }
      if (const std::size_t next = skip_space(at_); next != at_) {
        at_ = next;
        continue;
      }
      const char c = peek();
      if (is_digit(c)) {
        read_number();
      } else if (const std::size_t end = name_end(at_); end > at_) {
        if (end - at_ > kMaxNameBytes) fail(at_, "This is too large.");
        add(TokenType::kName, at_, source_.substr(at_, end - at_));
        at_ = end;
      } else if (c == '"' || c == '\'') {
        read_text();
      } else {
        read_operator(open);
      }
    }
  }

  std::size_t name_end(std::size_t at) const {
    for (std::size_t next = at; at < source_.size(); at = next) {
      if (is_alphanumeric(source_[at])) {
        ++next;
      } else if (!is_word(next_code_point(source_, next))) {
        break;
      }
    }
    return at;
  }

  void read_operator(std::string& open) {
    const char c = peek();
    Token token;
    token.type = TokenType::kOperator;
    token.at = static_cast<std::uint32_t>(at_);
    token.text = source_.substr(at_, 2);
    std::size_t twice = 0;
    while (twice < kDoubleOperators.size() && token.text != kDoubleOperators.substr(twice, 2)) twice += 2;
    if (twice < kDoubleOperators.size()) {
      token.op = static_cast<char>(kDoubleSlash + twice / 2);
    } else {
      token.text = source_.substr(at_, bytes_of(source_.substr(at_), 1));
      token.op = c;
      if (std::string_view("+-/*%~[](){}><=.:|,;").find(c) == std::string_view::npos) {
        fail(at_, fill("The character {} means nothing here.", {token.text}));
      } else if (c == '(' || c == '[' || c == '{') {
        open += c == '(' ? ')' : static_cast<char>(c + 2);
      } else if (c == ')' || c == ']' || c == '}') {
        if (open.empty() || open.back() != c) {
          fail(at_, fill("This {} closes nothing.", {token.text}));
          return;
        }
        open.pop_back();
      }
    }
    tokens_.push_back(token);
    at_ += token.text.size();
  }

  // Digits of `base`, single underscores between them.
  std::size_t digits_end(std::size_t at, int base) const {
    const std::size_t begin = at;
    while (at < source_.size()) {
      const bool gap = source_[at] == '_' && at > begin;
      const std::size_t digit = gap ? at + 1 : at;
      if (digit >= source_.size() || digit_value(source_[digit]) >= base) break;
      at = digit + 1;
    }
    return at;
  }

  void read_number() {
    const std::size_t begin = at_;
    Token token;
    token.type = TokenType::kNumber;
    token.at = static_cast<std::uint32_t>(begin);
    // A fraction, an exponent or both make a float; what follows a dot (a.1.5) is none.
    std::size_t end = digits_end(begin, 10);
    if (begin == 0 || source_[begin - 1] != '.') {
      std::size_t fraction = end;
      if (fraction + 1 < source_.size() && source_[fraction] == '.' && is_digit(source_[fraction + 1])) {
        fraction = digits_end(fraction + 1, 10);
      }
      std::size_t exponent = fraction;
      if (exponent < source_.size() && (source_[exponent] | 0x20) == 'e') {
        std::size_t number = exponent + 1;
        if (number < source_.size() && (source_[number] == '+' || source_[number] == '-')) ++number;
        if (number < source_.size() && is_digit(source_[number])) exponent = digits_end(number, 10);
      }
      if (exponent > end) {
        double number = 0;
        read_real(source_.substr(begin, exponent - begin), number);
        if (std::isinf(number)) fail(begin, "This is too large.");
        token.number = real(number);
        tokens_.push_back(token);
        at_ = exponent;
        return;
      }
    }
    if (source_[begin] == '0') {
      const char kind = static_cast<char>(begin + 1 < source_.size() ? source_[begin + 1] | 0x20 : 0);
      const int base = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 0;
      // An underscore may stand before the first digit.
      const std::size_t first = begin + (begin + 2 < source_.size() && source_[begin + 2] == '_' ? 3 : 2);
      const std::size_t other = base == 0 ? first : digits_end(first, base);
      // 007 is 00 and 7.
      end = other > first ? other : digits_end(begin, 1);
    }
    std::int64_t value = 0;
    if (read_whole(source_.substr(begin, end - begin), 0, value) != Read::kYes) {
      fail(begin, kTooLong);
    }
    token.number = integer(value);
    tokens_.push_back(token);
    at_ = end;
  }

  void read_text() {
    const std::size_t begin = at_;
    const char quote = peek();
    std::size_t end = begin + 1;
    bool escaped = false;
    while (end < source_.size() && source_[end] != quote) {
      if (source_[end] == '\\') {
        escaped = true;
        ++end;
      }
      ++end;
    }
    if (end >= source_.size()) {
      fail(begin, "This text has no end: close its quotation mark.");
      return;
    }
    std::string_view text = source_.substr(begin + 1, end - begin - 1);
    if (escaped) {
      std::string plain;
      if (!unescape(text, plain)) {
        fail(begin, "This text has an escape that is cut short or not supported.");
        return;
      }
      text = arena_.copy(plain);
    }
    add(TokenType::kText, begin, text);
    at_ = end + 1;
  }

  static bool unescape(std::string_view text, std::string& out) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\') {
        out += text[i];
        continue;
      }
      const char c = text[++i];
      static constexpr std::string_view kFrom = "\\'\"abfnrtv";
      static constexpr std::string_view kTo = "\\'\"\a\b\f\n\r\t\v";
      if (const std::size_t known = kFrom.find(c); known != std::string_view::npos) {
        out += kTo[known];
      } else if (c == '\n') {
        continue;
      } else if (c >= '0' && c <= '7') {
        std::uint32_t code = 0;
        std::size_t n = 0;
        while (n < 3 && i + n < text.size() && text[i + n] >= '0' && text[i + n] <= '7') {
          code = code * 8 + static_cast<std::uint32_t>(text[i + n++] - '0');
        }
        append_code_point(out, code);
        i += n - 1;
      } else if (c == 'x' || c == 'u' || c == 'U') {
        const std::size_t count = c == 'x' ? 2 : c == 'u' ? 4 : 8;
        std::uint32_t code = 0;
        for (std::size_t n = 1; n <= count; ++n) {
          const int digit = i + n < text.size() ? digit_value(text[i + n]) : 99;
          if (digit > 15 || code > 0x10FFFF) return false;
          code = code * 16 + static_cast<std::uint32_t>(digit);
        }
        if (code > 0x10FFFF) return false;
        i += count;
        // Half a pair is no character.
        append_code_point(out, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
      } else if (c == 'N' || static_cast<std::uint8_t>(c) >= 0x80) {
        return false;
      } else {
        out += '\\';
        out += c;
      }
    }
    return true;
  }

  std::string_view source_;
  Arena& arena_;
  std::size_t at_ = 0;
  // Whether what was read last ended a line.
  bool line_starts_ = true;
  std::vector<Token>& tokens_;
  OwnedError error_;
};

}  // namespace

std::string normal_lines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
      continue;
    }
    out += '\n';
    if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

OwnedError lex(std::string_view source, Arena& arena, std::vector<Token>& tokens) {
  return Lexer(source, arena, tokens).run();
}

std::string place(std::string_view source, std::size_t at) {
  const std::string_view before = source.substr(0, at);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t column = count_code_points(before.substr(before.rfind('\n') + 1)) + 1;
  return digits(line) + ":" + digits(static_cast<std::int64_t>(column));
}

OwnedError template_error(std::string_view source, std::size_t at, std::string_view message) {
  const std::string_view kept = cut_utf8(message, kMaxMessageBytes);
  const std::string_view end = kept.size() < message.size() ? " ..." : "";
  return make_error("template-error", std::string(kept).append(end), place(source, at));
}

}  // namespace tierwise::prompt
