#include "cache/guard/numbers.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/ascii.h"
#include "base/number.h"
#include "base/words.h"

namespace tierwise::guard {
namespace {

constexpr double kScale[] = {1e2, 1e3, 1e6, 1e9, 1e12};
// Of Text::kUnits: how many of Text::kBaseUnits each is.
constexpr double kFactors[] = {1e-3, 1, 60,  3600, 86400, 604800, 1,  12,  1e-3, 1e-2, 1, 1e3,
                               1e-3, 1, 1e3, 1e-3, 1,     1,      12, 1e3, 1,    1,    16};

// Nine significant digits: 0.1 km and 100 m are equal.
std::string rounded(double value) {
  double unit = 1e-6;
  while (unit < value * 1e-9) unit *= 10;
  const double steps = value / unit;
  std::string text;
  if (steps < 9e15 && unit < 1) {
    const double whole = static_cast<double>(static_cast<std::int64_t>(steps + 0.5));
    append_number(text, unit == 1e-6 ? whole / 1e6 : value);
  } else {
    append_number(text, value);
  }
  return text;
}

class Numbers {
 public:
  Numbers(const Lexicon& lexicon, Language language, const std::vector<RawWord>& words, std::size_t at)
      : lexicon_(lexicon), language_(language), row_(static_cast<std::size_t>(language)), words_(words), at_(at) {}

  NumberRead read() {
    if (language_ == Language::kOther) row_ = 0;
    NumberRead out;
    if (date(out) || time(out)) return out;
    double value = 0;
    std::string digits;
    bool ordinal = false;
    std::size_t used = number(at_, value, digits, ordinal);
    if (used == 0 && half_hour(out)) return out;
    if (used == 0) return out;
    out.words = used;
    if (ordinal) {
      out.form = digits + '.';
      return out;
    }
    out.form = digits;
    quantity(out, value);
    return out;
  }

 private:
  std::string_view word(std::size_t at) const { return at < words_.size() ? words_[at].text : std::string_view(); }
  bool apart(std::size_t at) const { return at > 0 && at <= words_.size() && words_[at - 1].pause >= Pause::kColon; }

  static bool all_digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c); });
  }
  static double value_of(std::string_view digits) {
    double value = 0;
    double place = 0;
    for (const char c : digits) {
      if (is_digit(c)) {
        value = value * 10 + (c - '0');
        place *= 10;
      } else if (c == '.') {
        place = 1;
      }
    }
    return place > 1 ? value / place : value;
  }
  std::size_t position(Text list, std::string_view word) const {
    return word_position(lexicon_.text(list, row_), word);
  }
  bool is(std::size_t at, std::string_view words) const { return has_word(words, word(at)); }
  // How many words `phrase` has, when they are those from `at` on; otherwise 0.
  std::size_t says(std::size_t at, std::string_view phrase) const {
    std::size_t count = 0;
    while (!phrase.empty()) {
      const std::string_view next = phrase.substr(0, phrase.find(' '));
      if (word(at + count++) != next) return 0;
      phrase.remove_prefix(std::min(next.size() + 1, phrase.size()));
    }
    return count;
  }
  static void append_two(std::string& out, int number) {
    out += static_cast<char>('0' + number / 10);
    out += static_cast<char>('0' + number % 10);
  }

  // Digits: without thousands separators, a decimal point as a point.
  bool digit_form(std::string_view text, std::string& out) const {
    std::size_t i = !text.empty() && text[0] == '-' ? 1 : 0;
    if (i >= text.size() || !is_digit(text[i])) return false;
    const char thousands = language_ == Language::kEnglish || language_ == Language::kOther ? ',' : '.';
    out.clear();
    for (const char c : text) {
      if (!is_digit(c) && c != '.' && c != ',' && c != '/' && c != '-' && c != ':') return false;
    }
    if (text.find_first_of("/:") != std::string_view::npos) {
      out = text;
      return true;
    }
    // Is every separator followed by exactly three digits?
    bool grouped = text.find(thousands) != std::string_view::npos && text[i] != '0';
    std::size_t run = 0;
    bool first = true;
    for (std::size_t at = i; at <= text.size() && grouped; ++at) {
      if (at < text.size() && is_digit(text[at])) {
        ++run;
        continue;
      }
      if ((first && run > 3) || (!first && run != 3)) grouped = false;
      if (at < text.size() && text[at] != thousands) break;
      first = false;
      run = 0;
    }
    for (const char c : text) {
      if (grouped && c == thousands) continue;
      out += c == ',' ? '.' : c;
    }
    return true;
  }

  // Below 100, in words; how many words it took.
  std::size_t small_number(std::size_t at, int& value, bool& ordinal) const {
    const std::string_view text = word(at);
    if (text.empty()) return 0;
    ordinal = false;
    std::size_t place = position(Text::kSmallNumbers, text);
    if (place != kNoWord) {
      value = static_cast<int>(place);
      // dix-sept
      if (language_ == Language::kFrench && value == 10) {
        const std::size_t more = position(Text::kSmallNumbers, word(at + 1));
        if (more != kNoWord && more >= 7 && more <= 9) {
          value += static_cast<int>(more);
          return 2;
        }
      }
      if (language_ == Language::kFrench && value == 4 && is(at + 1, "vingt vingts")) {
        int rest = 0;
        const std::size_t used = small_number(at + 2, rest, ordinal);
        value = 80 + (used > 0 && rest < 20 ? rest : 0);
        return 2 + (used > 0 && rest < 20 ? used : 0);
      }
      return 1;
    }
    if (language_ == Language::kEnglish) {
      place = word_position(lexicon_.text(Text::kOrdinals), text);
      if (place != kNoWord) {
        // A second is a unit of time behind "a", "per" and numbers.
        if (text == "second" && at > 0 && (has_word("a per each every one", word(at - 1)) || is_digit(word(at - 1)[0])))
          return 0;
        ordinal = true;
        value = static_cast<int>(place);
        return 1;
      }
      place = word_position(lexicon_.text(Text::kTenOrdinals), text);
      if (place != kNoWord) {
        ordinal = true;
        value = static_cast<int>(place) * 10 + 20;
        return 1;
      }
    }
    if (language_ == Language::kGerman) {
      if (text == "ein") return 0;
      // fünfundzwanzig
      const std::size_t joint = text.find("und");
      if (joint != std::string_view::npos && joint > 1) {
        std::string head(text.substr(0, joint));
        if (head == "ein") head = "eins";
        const std::size_t ones = position(Text::kSmallNumbers, head);
        const std::size_t tens = position(Text::kTens, text.substr(joint + 3));
        if (ones != kNoWord && tens != kNoWord) {
          value = static_cast<int>(tens) * 10 + 20 + static_cast<int>(ones);
          return 1;
        }
      }
    }
    place = position(Text::kTens, text);
    if (place == kNoWord) return 0;
    value = static_cast<int>(place) * 10 + 20;
    std::size_t used = 1;
    if (language_ == Language::kGerman || apart(at + 1)) return used;
    const std::size_t next =
        at + (word(at + 1) == lexicon_.text(Text::kAnd, row_) && language_ != Language::kEnglish ? 2 : 1);
    int ones = 0;
    bool last = false;
    const std::size_t more = has_tens(next) ? 0 : small_number(next, ones, last);
    if (more > 0 && ones > 0 && (ones < 10 || (language_ == Language::kFrench && value % 20 == 0 && ones < 20)) &&
        value >= 20) {
      value += ones;
      used = next - at + more;
      ordinal = last;
    }
    return used;
  }
  bool has_tens(std::size_t at) const { return position(Text::kTens, word(at)) != kNoWord; }

  std::size_t scale(std::string_view text, double& factor) const {
    std::size_t at = position(Text::kScales, text);
    if (at == kNoWord) at = position(Text::kScalesToo, text);
    if (language_ == Language::kSpanish && text == "ciento") at = 0;
    if (at == kNoWord) return 0;
    factor = kScale[at];
    return 1;
  }

  std::size_t number(std::size_t at, double& value, std::string& form, bool& ordinal) const {
    ordinal = false;
    const std::string_view text = word(at);
    if (text.empty()) return 0;
    if (is_digit(text[0]) || (text[0] == '-' && text.size() > 1)) return digit_number(at, value, form, ordinal);
    // half a dozen, a dozen, a hundred
    std::size_t next = at;
    double total = 0;
    double part = 0;
    bool any = false;
    if (says(at, "half a dozen") > 0) {
      value = 6;
      form = "6";
      return 3;
    }
    if (is(at, "a an") && (is(at + 1, "dozen") || (scale(word(at + 1), value) > 0 && word(at + 1).back() != 's'))) {
      part = 1;
      any = true;
      next = at + 1;
    }
    while (next < words_.size()) {
      if (next > at && apart(next)) break;
      int small = 0;
      bool last = false;
      double factor = 0;
      if (const std::size_t used = small_number(next, small, last); used > 0) {
        // Two numbers one behind the other.
        if (any && std::int64_t(part) % 100 != 0) break;
        if (last && any && part == 0 && total == 0) break;
        part += small;
        next += used;
        any = true;
        if (last) {
          ordinal = true;
          break;
        }
      } else if (is(next, "dozen") && language_ == Language::kEnglish && any) {
        part *= 12;
        ++next;
      } else if (scale(word(next), factor) > 0 && (any || language_ != Language::kEnglish) &&
                 word(next).back() != 's') {
        if (!any) part = 1;
        any = true;
        if (factor == 100) {
          part *= 100;
        } else {
          total += (part == 0 ? 1 : part) * factor;
          part = 0;
        }
        ++next;
      } else if (any && word(next) == lexicon_.text(Text::kAnd, row_) && (std::int64_t(part) % 100 == 0) &&
                 (part > 0 || total > 0) && next + 1 < words_.size()) {
        int rest = 0;
        bool dummy = false;
        if (small_number(next + 1, rest, dummy) == 0) break;
        ++next;
      } else {
        break;
      }
    }
    if (!any || next == at) return 0;
    value = total + part;
    form.clear();
    append_number(form, value);
    return next - at;
  }

  std::size_t digit_number(std::size_t at, double& value, std::string& form, bool& ordinal) const {
    std::string text(word(at));
    // 3rd, 21st; 90s
    if (text.size() >= 3 && has_word("st nd rd th", std::string_view(text).substr(text.size() - 2)) &&
        all_digits(std::string_view(text).substr(0, text.size() - 2))) {
      text.resize(text.size() - 2);
      ordinal = true;
    }
    bool thousand = false;
    if (text.size() >= 2 && text.back() == 'k' && text != "4k") {
      thousand = true;
      text.pop_back();
    }
    if (!digit_form(text, form)) return 0;
    value = value_of(form);
    std::size_t used = 1;
    double factor = thousand ? 1e3 : 1;
    double more = 0;
    if (!ordinal && !apart(at + 1) && scale(word(at + 1), more) > 0 && more > 100) {
      factor *= more;
      ++used;
    } else if (!ordinal && is(at + 1, "dozen")) {
      factor = 12;
      ++used;
    }
    if (factor != 1) {
      value *= factor;
      form.clear();
      append_number(form, value);
    }
    return used;
  }

  std::string_view unit_at(std::size_t at, std::size_t& used) const {
    if (at >= words_.size() || apart(at)) return {};
    std::vector<Canonical> target;
    used = lexicon_.phrase(
        language_, std::min<std::size_t>(3, words_.size() - at), false, 1, [&](std::size_t i) { return word(at + i); },
        target);
    if (used == 0 && is(at, "m g h s l")) {
      used = 1;
      return words_[at].text;
    }
    if (used == 0 || target.size() != 1 || target[0].kind != Kind::kUnit) return {};
    return target[0].form;
  }

  void quantity(NumberRead& out, double value) const {
    std::size_t used = 0;
    std::size_t at = at_ + out.words;
    // one and a half hours
    if (const std::size_t half = says(at, "and a half"); half > 0) {
      value += 0.5;
      at += half;
    }
    // A currency's sign stands before the number.
    const std::string_view unit = unit_at(at, used);
    if (unit.empty()) return;
    at += used;
    used = says(at, "and a half");
    amount(out, used > 0 ? value + 0.5 : value, unit);
    out.words = at + used - at_;
  }
  void amount(NumberRead& out, double value, std::string_view unit) const {
    out.kind = Kind::kQuantity;
    const std::size_t known = word_position(lexicon_.text(Text::kUnits), unit);
    if (known != kNoWord) unit = word_at(lexicon_.text(Text::kBaseUnits), known);
    const bool plain = known == kNoWord || out.form.find_first_of("/:-") != std::string::npos;
    if (!plain || out.form.empty()) out.form = rounded(known == kNoWord ? value : value * kFactors[known]);
    out.form += ' ';
    out.form += unit;
  }

  // half an hour, a quarter of an hour, an hour and a half
  bool half_hour(NumberRead& out) const {
    if (language_ != Language::kEnglish) return false;
    constexpr std::string_view kBefore[] = {"half a", "half an", "a quarter of an", "an", "a"};
    constexpr double kValues[] = {0.5, 0.5, 0.25, 1.5, 1.5};
    for (std::size_t i = 0; i < std::size(kBefore); ++i) {
      std::size_t end = says(at_, kBefore[i]);
      if (end == 0) continue;
      end += at_;
      std::size_t used = 0;
      const std::string_view unit = unit_at(end, used);
      if (!has_word(lexicon_.text(Text::kUnits), unit)) return false;
      end += used;
      if (kValues[i] > 1) {
        used = says(end, "and a half");
        if (used == 0) return false;
        end += used;
      }
      out.form.clear();
      amount(out, kValues[i], unit);
      out.words = end - at_;
      return true;
    }
    return false;
  }

  bool time(NumberRead& out) const {
    std::string_view text = word(at_);
    if (language_ == Language::kEnglish && is(at_, "noon midnight")) {
      out = {1, Kind::kTime, text[0] == 'n' ? "12:00" : "00:00"};
      return true;
    }
    if (text.empty() || !is_digit(text[0])) return false;
    int hour = 0;
    int minute = 0;
    std::size_t i = 0;
    while (i < text.size() && i < 2 && is_digit(text[i])) hour = hour * 10 + (text[i++] - '0');
    bool colon = false;
    const bool french = language_ == Language::kFrench && i < text.size() && text[i] == 'h';
    if (i < text.size() && (text[i] == ':' || french)) {
      colon = true;
      if (text.size() - i == 3 && is_digit(text[i + 1]) && is_digit(text[i + 2])) {
        minute = (text[i + 1] - '0') * 10 + (text[i + 2] - '0');
      } else if (!(french && text.size() - i == 1)) {
        return false;
      }
    } else if (i < text.size()) {
      return false;
    }
    if (hour > 24 || minute > 59) return false;
    std::size_t used = 1;
    const std::string_view next = word(at_ + 1);
    bool known = colon;
    if (language_ == Language::kEnglish && !apart(at_ + 1)) {
      const std::string_view third = word(at_ + 3);
      if (has_word("am a.m a.m. pm p.m p.m.", next) && (hour <= 12)) {
        if (next[0] == 'p' && hour < 12) hour += 12;
        if (next[0] == 'a' && hour == 12) hour = 0;
        known = true;
        used = 2;
        if (next == "am" && words_[at_ + 1].capital && !words_[at_ + 1].odd) return false;
      } else if (says(at_ + 1, "at night") > 0 ||
                 (says(at_ + 1, "in the") > 0 && has_word("morning evening afternoon", third))) {
        if (third != "morning" && hour < 12) hour += 12;
        known = true;
        used = next[0] == 'a' ? 3 : 4;
      } else if (is(at_ + 1, "o'clock")) {
        known = true;
        used = 2;
      }
    } else if (language_ == Language::kGerman && is(at_ + 1, "uhr")) {
      known = true;
      used = 2;
      if (is(at_ + 2, "abends nachmittags")) {
        if (hour < 12) hour += 12;
        used = 3;
      } else if (is(at_ + 2, "morgens vormittags früh")) {
        used = 3;
      }
    } else if (language_ == Language::kFrench && at_ > 0 && says(at_ - 1, "à") > 0 && is(at_ + 1, "heures")) {
      known = true;
      used = 2;
      if (says(at_ + 2, "du soir") > 0) {
        if (hour < 12) hour += 12;
        used = 4;
      }
    } else if (language_ == Language::kSpanish && says(at_ + 1, "de la") > 0 && is(at_ + 3, "mañana tarde noche")) {
      known = true;
      used = 4;
      if (!is(at_ + 3, "mañana") && hour < 12) hour += 12;
    }
    if (!known) return false;
    out = {used, Kind::kTime, {}};
    append_two(out.form, hour % 24);
    out.form += ':';
    append_two(out.form, minute);
    return true;
  }

  std::size_t month(std::size_t at) const {
    std::size_t found = position(Text::kMonths, word(at));
    if (found == kNoWord && language_ == Language::kEnglish) {
      found = is(at, "sept") ? 8 : word_position(lexicon_.text(Text::kShortMonths), word(at));
    }
    return found;
  }
  // 1 to 31, as "5" or "5th".
  int day(std::size_t at) const {
    std::string_view text = word(at);
    if (text.size() > 2 && has_word("st nd rd th", text.substr(text.size() - 2))) text.remove_suffix(2);
    if (text.size() > 2 || !all_digits(text)) return 0;
    const int value = static_cast<int>(value_of(text));
    return value <= 31 ? value : 0;
  }
  int year(std::size_t at) const {
    return word(at).size() == 4 && all_digits(word(at)) ? static_cast<int>(value_of(word(at))) : 0;
  }

  bool date(NumberRead& out) const {
    const std::string_view text = word(at_);
    if (text.size() == 10 && text[4] == '-' && text[7] == '-' && all_digits(text.substr(0, 4)) &&
        all_digits(text.substr(5, 2)) && all_digits(text.substr(8))) {
      out = {1, Kind::kDate, std::string(text)};
      return true;
    }
    if (row_ > 3 || apart(at_ + 1)) return false;
    std::size_t end = at_;
    std::size_t found = kNoWord;
    int number = day(at_);
    if (number > 0) {
      end = at_ + 1;
      if (is(end, "of de")) ++end;
      found = month(end++);
    } else if (month(at_) != kNoWord) {
      found = month(at_);
      end = at_ + 1;
      if (is(end, "the")) ++end;
      number = day(end++);
    }
    if (found == kNoWord || number == 0) return false;
    if (is(end, "de del") && year(end + 1) > 0) ++end;
    const int of_year = year(end);
    if (of_year > 0) ++end;
    out = {end - at_, Kind::kDate, {}};
    if (of_year > 0) {
      append_two(out.form, of_year / 100);
      append_two(out.form, of_year % 100);
      out.form += '-';
    }
    append_two(out.form, static_cast<int>(found) + 1);
    out.form += '-';
    append_two(out.form, number);
    return true;
  }

  const Lexicon& lexicon_;
  Language language_;
  std::size_t row_;
  const std::vector<RawWord>& words_;
  std::size_t at_;
};

}  // namespace

NumberRead read_number(const Lexicon& lexicon, Language language, const std::vector<RawWord>& words, std::size_t at) {
  return Numbers(lexicon, language, words, at).read();
}

void split_units(const Lexicon& lexicon, Language language, std::vector<RawWord>& words) {
  std::vector<RawWord> apart;
  for (RawWord word : words) {
    const std::string_view text = word.text;
    const std::size_t digits = std::min(text.find_first_not_of("0123456789.,:"), text.size());
    const std::string_view tail = text.substr(digits);
    if (!word.literal && !tail.empty() && is_digit(text[0]) &&
        ((language == Language::kEnglish && has_word("am pm a.m a.m. p.m p.m.", tail)) ||
         lexicon.kind_of(language, tail) == Kind::kUnit)) {
      RawWord unit = word;
      unit.text = tail;
      unit.starts = unit.capital = unit.odd = false;
      unit.begin += static_cast<std::uint32_t>(std::min<std::size_t>(digits, word.end - word.begin));
      word.text = text.substr(0, digits);
      word.end = unit.begin;
      word.odd = false;
      word.pause = Pause::kNone;
      apart.push_back(word);
      word = unit;
    }
    apart.push_back(word);
  }
  words.swap(apart);
}

}  // namespace tierwise::guard
