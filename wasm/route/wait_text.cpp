#include "route/wait_text.h"

#include <algorithm>
#include <string>

#include "base/ascii.h"
#include "base/text.h"
#include "base/words.h"

namespace tierwise::route {
namespace {

constexpr double kSecondMs = 1000;
constexpr double kMinuteMs = 60 * kSecondMs;
constexpr double kHourMs = 60 * kMinuteMs;
constexpr double kDayMs = 24 * kHourMs;

double bounded(double ms) { return std::clamp(ms, 0.0, kLongestWaitMs); }

// Reads from left to right; each reader moves on only when it succeeds.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool empty() const { return rest_.empty(); }
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  void skip(std::size_t count = 1) { rest_.remove_prefix(std::min(count, rest_.size())); }
  void skip_spaces() {
    while (peek() == ' ' || peek() == '\t') skip();
  }
  bool take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    skip(word.size());
    return true;
  }
  std::string_view take_letters() {
    std::size_t length = 0;
    while (length < rest_.size() && is_letter(rest_[length])) ++length;
    const std::string_view letters = rest_.substr(0, length);
    skip(length);
    return letters;
  }
  // Digits only; nullopt and no move without one. Further digits than a double holds exactly are harmless
  // here.
  std::optional<double> take_number() {
    if (!is_digit(peek())) return std::nullopt;
    double number = 0;
    for (; is_digit(peek()); skip()) number = std::min(number * 10 + (peek() - '0'), 1e15);
    return number;
  }
  std::optional<double> take_decimal() {
    auto number = take_number();
    if (number && peek() == '.' && rest_.size() > 1 && is_digit(rest_[1])) {
      skip();
      for (double place = 0.1; is_digit(peek()); skip(), place /= 10) *number += (peek() - '0') * place;
    }
    return number;
  }

 private:
  std::string_view rest_;
};

// (\d+):(\d\d):(\d\d)
std::optional<double> take_clock(Scanner& text) {
  Scanner ahead = text;
  const auto hours = ahead.take_number();
  if (!hours || !ahead.take(":")) return std::nullopt;
  const auto minutes = ahead.take_number();
  if (!minutes || !ahead.take(":")) return std::nullopt;
  const auto seconds = ahead.take_number();
  if (!seconds) return std::nullopt;
  text = ahead;
  return *hours * kHourMs + *minutes * kMinuteMs + *seconds * kSecondMs;
}

std::optional<double> unit_ms(std::string_view unit) {
  if (has_word("ms millisecond milliseconds", unit)) return 1;
  if (has_word("s sec secs second seconds", unit)) return kSecondMs;
  if (has_word("m min mins minute minutes", unit)) return kMinuteMs;
  if (has_word("h hour hours", unit)) return kHourMs;
  if (has_word("day days", unit)) return kDayMs;
  return std::nullopt;
}

// "1 day, 2:03:04", "0:09:48", "6m0s", "2 minutes 5 seconds".
std::optional<double> take_wait(Scanner text) {
  double total = 0;
  bool any = false;
  for (int part = 0; part < 4; ++part) {
    text.skip_spaces();
    if (any && text.take(",")) text.skip_spaces();
    if (const auto clock = take_clock(text)) return total + *clock;
    const auto number = text.take_decimal();
    if (!number) break;
    text.skip_spaces();
    const auto unit = unit_ms(text.take_letters());
    if (!unit) break;
    total += *number * *unit;
    any = true;
  }
  return any ? std::optional<double>(total) : std::nullopt;
}

std::optional<int> month_number(std::string_view word) {
  const std::size_t position = word_position("jan feb mar apr may jun jul aug sep oct nov dec", word);
  return position == kNoWord ? std::nullopt : std::optional(static_cast<int>(position) + 1);
}

// Days from 1970-01-01 in the proleptic Gregorian calendar (Howard Hinnant, "chrono-Compatible Low-Level Date
// Algorithms", days_from_civil), for years from 1 on.
long long days_from_civil(long long year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const long long era = year / 400;
  const long long year_of_era = year - era * 400;
  const long long day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146'097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719'468;
}

}  // namespace

std::optional<double> read_http_date(std::string_view text) {
  // Sun, 06 Nov 1994 08:49:37 GMT; Sunday, 06-Nov-94 08:49:37 GMT; Sun Nov  6 08:49:37 1994: whatever the
  // form, the first number is the day, the other one the year, and the names tell themselves apart.
  constexpr std::size_t kLongestDate = 40;
  if (text.size() > kLongestDate) return std::nullopt;
  const std::string lower = lower_case(text);
  std::optional<double> day;
  std::optional<double> year;
  std::optional<double> time;
  std::optional<int> month;
  for (Scanner rest(lower); !rest.empty();) {
    if (is_letter(rest.peek())) {
      const std::string_view word = rest.take_letters();
      if (!month) month = month_number(word);
    } else if (const auto clock = take_clock(rest)) {
      if (*clock >= kDayMs + kSecondMs) return std::nullopt;
      time = clock;
    } else if (const auto number = rest.take_number()) {
      if (!day) {
        day = number;
      } else if (!year) {
        year = number;
      } else {
        return std::nullopt;
      }
    } else {
      const char c = rest.peek();
      if (c != ' ' && c != ',' && c != '-') return std::nullopt;
      rest.skip();
    }
  }
  if (!day || !month || !year || !time || *day < 1 || *day > 31 || *year > 9999) return std::nullopt;
  // RFC 9110: a two-digit year more than 50 years ahead is of the last century; 70 is where that begins until
  // 2020 and the epoch besides.
  if (*year < 100) *year += *year >= 70 ? 1900 : 2000;
  if (*year < 1970) return std::nullopt;
  const long long days = days_from_civil(static_cast<long long>(*year), *month, static_cast<int>(*day));
  return static_cast<double>(days) * kDayMs + *time;
}

std::optional<double> read_retry_after(std::string_view header, double now) {
  Scanner text(header);
  text.skip_spaces();
  Scanner ahead = text;
  if (const auto seconds = ahead.take_decimal()) {
    ahead.skip_spaces();
    if (ahead.empty()) return bounded(*seconds * kSecondMs);
  }
  const auto date = read_http_date(header);
  if (!date) return std::nullopt;
  return bounded(*date - now);
}

std::optional<double> read_rate_limit(std::string_view header) {
  std::optional<double> wait;
  while (!header.empty()) {
    const std::size_t comma = header.find(',');
    std::string_view item = header.substr(0, comma);
    header = comma == std::string_view::npos ? std::string_view() : header.substr(comma + 1);
    std::optional<double> remaining;
    std::optional<double> reset;
    while (!item.empty()) {
      const std::size_t semicolon = item.find(';');
      Scanner parameter(item.substr(0, semicolon));
      item = semicolon == std::string_view::npos ? std::string_view() : item.substr(semicolon + 1);
      parameter.skip_spaces();
      if (parameter.take("r="))
        remaining = parameter.take_number();
      else if (parameter.take("t="))
        reset = parameter.take_number();
    }
    if (remaining && *remaining <= 0 && reset) wait = std::max(wait.value_or(0), bounded(*reset * kSecondMs));
  }
  return wait;
}

std::optional<double> read_wait_text(std::string_view text) {
  const std::string lower = lower_case(text);
  for (const std::string_view phrase : {std::string_view("try again in "), std::string_view("retry in ")}) {
    for (std::size_t at = lower.find(phrase); at != std::string::npos; at = lower.find(phrase, at + 1)) {
      Scanner rest(lower);
      rest.skip(at + phrase.size());
      if (const auto wait = take_wait(rest)) return bounded(*wait);
    }
  }
  return std::nullopt;
}

}  // namespace tierwise::route
