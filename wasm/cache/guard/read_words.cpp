#include "cache/guard/read_words.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/ascii.h"
#include "base/text.h"
#include "base/words.h"

namespace tierwise::guard {
namespace {

enum class Char : std::uint8_t { kLetter, kDigit, kSpace, kMark, kQuote, kNothing, kSymbol };

std::uint32_t code_point(std::string_view text) {
  const auto byte = [text](std::size_t at) { return std::uint32_t{static_cast<unsigned char>(text[at])}; };
  if (text.size() == 1) return byte(0);
  if (text.size() == 2) return (byte(0) & 0x1fU) << 6U | (byte(1) & 0x3fU);
  if (text.size() == 3) return (byte(0) & 0x0fU) << 12U | (byte(1) & 0x3fU) << 6U | (byte(2) & 0x3fU);
  return (byte(0) & 7U) << 18U | (byte(1) & 0x3fU) << 12U | (byte(2) & 0x3fU) << 6U | (byte(3) & 0x3fU);
}

Char class_of(std::uint32_t c) {
  if (c < 0x80) {
    const char ascii = static_cast<char>(c);
    if (is_letter(ascii) || c == '_') return Char::kLetter;
    if (is_digit(ascii)) return Char::kDigit;
    if (is_white(ascii) || c < 0x20 || c == 0x7f) return Char::kSpace;
    if (c == '"' || c == '`') return Char::kQuote;
    return std::string_view("!(),-.:;?[]{}'").find(ascii) != std::string_view::npos ? Char::kMark : Char::kSymbol;
  }
  if (c == 0xab || c == 0xbb || (c >= 0x201c && c <= 0x201f)) return Char::kQuote;
  if (c == 0xa0 || c == 0x3000 || c == 0x2028 || c == 0x2029 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f) {
    return Char::kSpace;
  }
  if (c == 0xaa || c == 0xb5 || c == 0xba || (c >= 0xc0 && c < 0x2000 && c != 0xd7 && c != 0xf7)) return Char::kLetter;
  if ((c >= 0x2010 && c <= 0x2027) || c == 0xa1 || c == 0xbf || (c >= 0x3001 && c <= 0x3003)) return Char::kMark;
  // Emoji and their joiners ask for nothing.
  if ((c >= 0x200b && c <= 0x206f) || (c >= 0x2600 && c <= 0x27bf) || (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff ||
      (c >= 0x1f000 && c <= 0x1faff)) {
    return Char::kNothing;
  }
  if (c < 0x2000 || (c >= 0x2010 && c < 0x2c00) || c == 0xb0) return Char::kSymbol;
  return Char::kLetter;
}

bool is_apostrophe(std::uint32_t c) { return c == '\'' || c == 0x2019 || c == 0x2bc; }

// In lower case, for ASCII, Latin-1 and Latin Extended-A.
void append_lower(std::string& out, std::string_view character, std::uint32_t c) {
  if (c < 0x80) {
    out += lower_case(static_cast<char>(c));
  } else if (is_apostrophe(c)) {
    out += '\'';
  } else if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x100 && c < 0x138 && c % 2 == 0) ||
             (c >= 0x139 && c < 0x148 && c % 2 == 1) || (c >= 0x14a && c < 0x178 && c % 2 == 0)) {
    const std::uint32_t small = c < 0x100 ? c + 0x20 : c + 1;
    out += static_cast<char>(0xc0U | small >> 6U);
    out += static_cast<char>(0x80U | (small & 0x3fU));
  } else {
    out += character;
  }
}

bool is_large(std::uint32_t c) {
  return (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x100 && c < 0x138 && c % 2 == 0);
}

class Scan {
 public:
  Scan(std::string_view text, std::size_t max_words) : text_(text), max_words_(max_words) {}

  RawWords run() {
    while (at_ < text_.size()) {
      next();
      switch (class_of(point_)) {
        case Char::kLetter:
        case Char::kDigit:
          if (!word()) return std::move(out_);
          break;
        case Char::kSpace:
          if (point_ == '\n' && !out_.words.empty()) newline();
          at_ = end_;
          break;
        case Char::kQuote: quote(); break;
        case Char::kMark: mark(); break;
        case Char::kNothing: at_ = end_; break;
        case Char::kSymbol:
          if (!symbol()) return std::move(out_);
          break;
      }
    }
    return std::move(out_);
  }

 private:
  // The character at at_: point_, and end_ behind it. A byte that begins none is a letter of its own.
  void next() {
    const std::size_t size = character_bytes(text_.substr(at_));
    end_ = at_ + std::max<std::size_t>(size, 1);
    point_ = size == 0 ? 0xfffd : code_point(text_.substr(at_, size));
  }
  char peek(std::size_t at) const { return at < text_.size() ? text_[at] : '\0'; }
  bool letter_at(std::size_t at) const {
    return at < text_.size() && (is_letter(text_[at]) || static_cast<unsigned char>(text_[at]) >= 0xc3);
  }

  bool push(RawWord word) {
    if (out_.words.size() >= max_words_) {
      out_.cut = true;
      return false;
    }
    word.starts = starts_;
    word.literal = quoted_;
    starts_ = false;
    out_.words.push_back(word);
    return true;
  }

  bool word() {
    RawWord word;
    word.begin = static_cast<std::uint32_t>(at_);
    std::string& text = scratch_;
    text.clear();
    bool digits = false;
    bool letters = false;
    bool large_inside = false;
    bool small = false;
    std::size_t count = 0;
    // A minus sign or the dash of an option is part of what follows.
    if (at_ > 0 && text_[at_ - 1] == '-' && (at_ < 2 || is_white(text_[at_ - 2]) || text_[at_ - 2] == '(') &&
        (is_digit(text_[at_]) || !is_letter(peek(end_)))) {
      text = '-';
      --word.begin;
    }
    while (at_ < text_.size()) {
      next();
      const Char kind = class_of(point_);
      if (kind == Char::kLetter || kind == Char::kDigit) {
        (kind == Char::kDigit ? digits : letters) = true;
        if (kind == Char::kLetter) {
          ++out_.letters;
          if (point_ > 0x24f && point_ != 0xfffd && !(point_ >= 0x1e00 && point_ < 0x1f00)) ++out_.foreign;
        }
        const bool large = is_large(point_);
        if (count == 0)
          word.capital = large;
        else
          large_inside |= large;
        small |= kind == Char::kLetter && !large;
        ++count;
        append_lower(text, text_.substr(at_, end_ - at_), point_);
        at_ = end_;
      } else if (joins(text)) {
        append_lower(text, text_.substr(at_, end_ - at_), point_);
        at_ = end_;
      } else {
        break;
      }
    }
    // C++, C#, F#; p.m.
    if (letters && count <= 2 && (peek(at_) == '#' || (peek(at_) == '+' && peek(at_ + 1) == '+'))) {
      const std::size_t more = text_[at_] == '#' ? 1 : 2;
      text += text_.substr(at_, more);
      at_ += more;
      word.capital = true;
    }
    if (peek(at_) == '.' && text.size() >= 3 && text[text.size() - 2] == '.') ++at_;
    word.end = static_cast<std::uint32_t>(at_);
    word.odd = (digits && letters) || (large_inside && (small || count <= 5));
    word.text = out_.texts.keep(text);
    return push(word);
  }

  // Is what stands at at_ inside a word?
  bool joins(const std::string& before) const {
    const char last = before.back();
    const char after = peek(end_);
    if (is_apostrophe(point_)) return letter_at(end_);
    if (point_ == '.') {
      if (is_digit(last) && is_digit(after)) return true;
      // Of abbreviations (e.g., u.s.a.) and names of files and packages (node.js).
      return letter_at(end_) && is_letter(last) && !is_white(after);
    }
    if (point_ == ',') return is_digit(last) && is_digit(after);
    if (point_ == ':') return is_digit(last) && is_digit(after);
    if (point_ == '/') {
      if (is_digit(last) && is_digit(after)) return true;
      return (before == "km" || before == "m") && (after == 'h' || after == 's') && !letter_at(end_ + 1);
    }
    // Dates: 2024-05-01.
    if (point_ == '-') return is_digit(last) && is_digit(after) && before.size() >= 4 && !is_letter(before[0]);
    return false;
  }

  bool symbol() {
    RawWord word;
    word.begin = static_cast<std::uint32_t>(at_);
    word.end = static_cast<std::uint32_t>(end_);
    word.text = out_.texts.keep(text_.substr(at_, end_ - at_));
    word.symbol = true;
    at_ = end_;
    return push(word);
  }

  void pause(Pause pause) {
    if (out_.words.empty()) return;
    Pause& known = out_.words.back().pause;
    known = std::max(known, pause);
    if (pause >= Pause::kEnd) starts_ = true;
  }

  // "George W. Bush", "Dr. Lee", "no. 5"
  bool abbreviated() const {
    if (out_.words.empty() || out_.words.back().end != at_) return false;
    const RawWord& last = out_.words.back();
    return (last.text.size() == 1 && last.capital) ||
           has_word("dr mr mrs ms prof st vs eg ie etc approx no nr bzw ca sr sra", last.text);
  }

  void newline() { pause(Pause::kEnd); }

  void quote() {
    // A backtick or a plain quotation mark opens and closes; the others come in two shapes.
    const bool opens = !quoted_;
    if (opens && text_.find(text_.substr(at_, end_ - at_ > 1 ? 1 : end_ - at_), end_) == std::string_view::npos) {
      at_ = end_;
      return;
    }
    quoted_ = opens;
    if (opens) starts_ = true;
    at_ = end_;
  }

  void mark() {
    const bool ends = end_ >= text_.size() || is_white(text_[end_]) || is_apostrophe(point_) ||
                      static_cast<unsigned char>(text_[end_]) >= 0x80 || text_[end_] == '"' || text_[end_] == ')';
    switch (point_) {
      case '?': pause(Pause::kQuestion); break;
      case '.':
      case '!':
      case ';':
      case 0x2026:
      case 0x3002:
        if (ends && !(point_ == '.' && abbreviated())) pause(Pause::kEnd);
        break;
      case ':':
        if (ends) pause(Pause::kColon);
        break;
      case ',':
      case '(':
      case ')':
      case 0x2013:
      case 0x2014: pause(Pause::kComma); break;
      default: break;
    }
    at_ = end_;
  }

  std::string_view text_;
  std::size_t max_words_;
  RawWords out_;
  std::string scratch_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
  std::uint32_t point_ = 0;
  bool starts_ = true;
  bool quoted_ = false;
};

}  // namespace

RawWords read_words(std::string_view text, std::size_t max_bytes, std::size_t max_words) {
  RawWords words = Scan(cut_utf8(text, max_bytes), max_words).run();
  words.cut = words.cut || text.size() > max_bytes;
  return words;
}

}  // namespace tierwise::guard
