#include "cache/guard/numbers.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/ascii.h"
#include "base/number.h"
#include "base/words.h"

namespace tierwise::guard {
namespace {

// Of each language in the order of Language: the numbers 0 to 20 (Spanish up to 29), the tens from 20 to 90.
constexpr std::string_view kSmall[] = {
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen "
    "eighteen nineteen",
    "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn "
    "siebzehn "
    "achtzehn neunzehn",
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize",
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis "
    "diecisiete "
    "dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis "
    "veintisiete "
    "veintiocho veintinueve"};
constexpr std::string_view kTens[] = {"twenty thirty forty fifty sixty seventy eighty ninety",
                                      "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
                                      "vingt trente quarante cinquante soixante septante quatre-vingt nonante",
                                      "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa"};
constexpr std::string_view kScales[] = {"hundred thousand million billion trillion",
                                        "hundert tausend million milliarde billion",
                                        "cent mille million milliard billion", "cien mil millón millardo billón"};
constexpr std::string_view kScalesToo[] = {
    "hundreds thousands millions billions trillions", "hundert tausend millionen milliarden billionen",
    "cents mille millions milliards billions", "cientos mil millones millardos billones"};
constexpr double kScale[] = {1e2, 1e3, 1e6, 1e9, 1e12};
constexpr std::string_view kOrdinals =
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth";
constexpr std::string_view kTenOrdinals =
    "twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth";
constexpr std::string_view kAnd[] = {"and", "und", "et", "y"};
constexpr std::string_view kMonths[] = {
    "january february march april may june july august september october november december",
    "januar februar märz april mai juni juli august september oktober november dezember",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"};
constexpr std::string_view kShortMonths = "jan feb mar apr may jun jul aug sep oct nov dec";

struct Measure {
  std::string_view unit;
  std::string_view base;
  double factor;
};
constexpr Measure kMeasures[] = {
    {"ms", "s", 1e-3},     {"s", "s", 1},         {"min", "s", 60},      {"h", "s", 3600},     {"day", "s", 86400},
    {"week", "s", 604800}, {"month", "month", 1}, {"year", "month", 12}, {"mm", "m", 1e-3},    {"cm", "m", 1e-2},
    {"m", "m", 1},         {"km", "m", 1e3},      {"mg", "g", 1e-3},     {"g", "g", 1},        {"kg", "g", 1e3},
    {"ml", "l", 1e-3},     {"l", "l", 1},         {"inch", "inch", 1},   {"foot", "inch", 12}, {"kw", "watt", 1e3},
    {"watt", "watt", 1},   {"ounce", "ounce", 1}, {"pound", "ounce", 16}};

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
  std::string_view word(std::size_t at) const {
    return at < words_.size() ? words_[at].text : std::string_view();
  }
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
  static std::string_view position(std::string_view words, std::string_view word, std::size_t& at) {
    at = word_position(words, word);
    return at == kNoWord ? std::string_view() : word;
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
    std::size_t place = word_position(kSmall[row_], text);
    if (place != kNoWord) {
      value = static_cast<int>(place);
      // dix-sept
      if (language_ == Language::kFrench && value == 10) {
        const std::size_t more = word_position(kSmall[row_], word(at + 1));
        if (more != kNoWord && more >= 7 && more <= 9) {
          value += static_cast<int>(more);
          return 2;
        }
      }
      if (language_ == Language::kFrench && value == 4 && (word(at + 1) == "vingt" || word(at + 1) == "vingts")) {
        int rest = 0;
        const std::size_t used = small_number(at + 2, rest, ordinal);
        value = 80 + (used > 0 && rest < 20 ? rest : 0);
        return 2 + (used > 0 && rest < 20 ? used : 0);
      }
      return 1;
    }
    if (language_ == Language::kEnglish) {
      place = word_position(kOrdinals, text);
      if (place != kNoWord) {
        // A second is a unit of time behind "a", "per" and numbers.
        if (text == "second" && at > 0 && (has_word("a per each every one", word(at - 1)) || is_digit(word(at - 1)[0])))
          return 0;
        ordinal = true;
        value = static_cast<int>(place);
        return 1;
      }
      place = word_position(kTenOrdinals, text);
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
        const std::size_t ones = word_position(kSmall[row_], head);
        const std::size_t tens = word_position(kTens[row_], text.substr(joint + 3));
        if (ones != kNoWord && tens != kNoWord) {
          value = static_cast<int>(tens) * 10 + 20 + static_cast<int>(ones);
          return 1;
        }
      }
    }
    place = word_position(kTens[row_], text);
    if (place == kNoWord) return 0;
    value = static_cast<int>(place) * 10 + 20;
    std::size_t used = 1;
    if (language_ == Language::kGerman || apart(at + 1)) return used;
    const std::size_t next = at + (word(at + 1) == kAnd[row_] && language_ != Language::kEnglish ? 2 : 1);
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
  bool has_tens(std::size_t at) const { return word_position(kTens[row_], word(at)) != kNoWord; }

  std::size_t scale(std::string_view text, double& factor) const {
    std::size_t at = word_position(kScales[row_], text);
    if (at == kNoWord) at = word_position(kScalesToo[row_], text);
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
    if (text == "half" && word(at + 1) == "a" && word(at + 2) == "dozen") {
      value = 6;
      form = "6";
      return 3;
    }
    if ((text == "a" || text == "an") &&
        (word(at + 1) == "dozen" || (scale(word(at + 1), value) > 0 && word(at + 1).back() != 's'))) {
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
      } else if (word(next) == "dozen" && language_ == Language::kEnglish && any) {
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
      } else if (any && word(next) == kAnd[row_] && (std::int64_t(part) % 100 == 0) && (part > 0 || total > 0) &&
                 next + 1 < words_.size()) {
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
    } else if (!ordinal && word(at + 1) == "dozen") {
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

  const Measure* measure(std::string_view unit) const {
    for (const Measure& one : kMeasures) {
      if (one.unit == unit) return &one;
    }
    return nullptr;
  }

  std::string_view unit_at(std::size_t at, std::size_t& used) const {
    if (at >= words_.size() || apart(at)) return {};
    std::vector<Canonical> target;
    used = lexicon_.phrase(
        language_, std::min<std::size_t>(3, words_.size() - at), false, 1, [&](std::size_t i) { return word(at + i); },
        target);
    if (used == 0 && word_position("m g h s l", word(at)) != kNoWord) {
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
    if (word(at) == "and" && word(at + 1) == "a" && word(at + 2) == "half") {
      value += 0.5;
      at += 3;
    }
    // A currency's sign stands before the number.
    const std::string_view unit = unit_at(at, used);
    if (unit.empty()) return;
    double extra = 0;
    std::size_t end = at + used;
    if (word(end) == "and" && word(end + 1) == "a" && word(end + 2) == "half") {
      extra = 0.5;
      end += 3;
    }
    amount(out, value + extra, unit);
    out.words = end - at_;
  }
  void amount(NumberRead& out, double value, std::string_view unit) const {
    out.kind = Kind::kQuantity;
    const Measure* known = measure(unit);
    const bool plain = known == nullptr || out.form.find_first_of("/:-") != std::string::npos;
    out.form = plain && !out.form.empty() ? out.form : rounded(value * (known == nullptr ? 1 : known->factor));
    out.form += ' ';
    out.form += known == nullptr ? unit : known->base;
  }

  // half an hour, a quarter of an hour, an hour and a half
  bool half_hour(NumberRead& out) const {
    if (language_ != Language::kEnglish) return false;
    std::size_t used = 0;
    std::size_t at = at_;
    double value = 1;
    if (word(at) == "half" && (word(at + 1) == "a" || word(at + 1) == "an")) {
      value = 0.5;
      at += 2;
    } else if (word(at) == "a" && word(at + 1) == "quarter" && word(at + 2) == "of" && word(at + 3) == "an") {
      value = 0.25;
      at += 4;
    } else if (word(at) == "an" || word(at) == "a") {
      ++at;
    } else {
      return false;
    }
    const std::string_view unit = unit_at(at, used);
    if (unit.empty() || measure(unit) == nullptr) return false;
    std::size_t end = at + used;
    if (value == 1) {
      if (word(end) != "and" || word(end + 1) != "a" || word(end + 2) != "half") return false;
      value = 1.5;
      end += 3;
    }
    out.form.clear();
    amount(out, value, unit);
    out.words = end - at_;
    return true;
  }

  bool time(NumberRead& out) const {
    std::string_view text = word(at_);
    if (language_ == Language::kEnglish && (text == "noon" || text == "midnight")) {
      out = {1, Kind::kTime, text == "noon" ? "12:00" : "00:00"};
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
      } else if ((next == "in" && word(at_ + 2) == "the" && has_word("morning evening afternoon", third)) ||
                 (next == "at" && word(at_ + 2) == "night")) {
        if (third != "morning" && hour < 12) hour += 12;
        known = true;
        used = next == "at" ? 3 : 4;
      } else if (next == "o'clock") {
        known = true;
        used = 2;
      }
    } else if (language_ == Language::kGerman && next == "uhr") {
      known = true;
      used = 2;
      if (has_word("abends nachmittags", word(at_ + 2))) {
        if (hour < 12) hour += 12;
        used = 3;
      } else if (has_word("morgens vormittags früh", word(at_ + 2))) {
        used = 3;
      }
    } else if (language_ == Language::kFrench && next == "heures" && at_ > 0 && word(at_ - 1) == "à") {
      known = true;
      used = 2;
      if (word(at_ + 2) == "du" && word(at_ + 3) == "soir") {
        if (hour < 12) hour += 12;
        used = 4;
      }
    } else if (language_ == Language::kSpanish && next == "de" && word(at_ + 2) == "la" &&
               has_word("mañana tarde noche", word(at_ + 3))) {
      known = true;
      used = 4;
      if (word(at_ + 3) != "mañana" && hour < 12) hour += 12;
    }
    if (!known) return false;
    const auto two = [](int n) {
      return std::string{static_cast<char>('0' + n / 10), static_cast<char>('0' + n % 10)};
    };
    out = {used, Kind::kTime, two(hour % 24) + ':' + two(minute)};
    return true;
  }

  std::size_t month(std::size_t at) const {
    std::size_t found = word_position(kMonths[row_], word(at));
    if (found == kNoWord && language_ == Language::kEnglish) {
      found = word(at) == "sept" ? 8 : word_position(kShortMonths, word(at));
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
      if (has_word("of de", word(end))) ++end;
      found = month(end++);
    } else if (month(at_) != kNoWord) {
      found = month(at_);
      end = at_ + 1;
      if (word(end) == "the") ++end;
      number = day(end++);
    }
    if (found == kNoWord || number == 0) return false;
    if (has_word("de del", word(end)) && year(end + 1) > 0) ++end;
    const int of_year = year(end);
    if (of_year > 0) ++end;
    const auto two = [](int n) {
      return std::string{static_cast<char>('0' + n / 10), static_cast<char>('0' + n % 10)};
    };
    std::string form;
    if (of_year > 0) form = two(of_year / 100) + two(of_year % 100) + '-';
    form += two(static_cast<int>(found) + 1) + '-' + two(number);
    out = {end - at_, Kind::kDate, std::move(form)};
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
  for (std::size_t at = 0; at < words.size(); ++at) {
    const std::string_view text = words[at].text;
    if (words[at].literal || text.size() < 2 || !is_digit(text[0])) continue;
    std::size_t digits = 0;
    while (digits < text.size() &&
           (is_digit(text[digits]) || text[digits] == '.' || text[digits] == ',' || text[digits] == ':'))
      ++digits;
    if (digits == text.size()) continue;
    const std::string_view tail = text.substr(digits);
    const bool clock = language == Language::kEnglish && has_word("am pm a.m a.m. p.m p.m.", tail);
    if (!clock && lexicon.kind_of(language, tail) != Kind::kUnit) continue;
    RawWord unit = words[at];
    unit.text = tail;
    unit.starts = unit.capital = unit.odd = false;
    unit.begin =
        words[at].begin + static_cast<std::uint32_t>(std::min<std::size_t>(digits, words[at].end - words[at].begin));
    words[at].text = text.substr(0, digits);
    words[at].end = unit.begin;
    words[at].odd = false;
    words[at].pause = Pause::kNone;
    words.insert(words.begin() + static_cast<std::ptrdiff_t>(at) + 1, unit);
  }
}

}  // namespace tierwise::guard
