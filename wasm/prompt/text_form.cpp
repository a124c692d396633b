#include "prompt/text_form.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/number.h"
#include "base/text.h"
#include "base/words.h"
#include "prompt/code_points.h"

namespace tierwise::prompt {
namespace {

// A finite number as decimal digits: 0.d1d2d3... x 10^exponent.
struct Decimal {
  bool negative = false;
  std::string digits;
  int exponent = 0;
};

// All its digits.
Decimal exact(double number) {
  Decimal out;
  out.negative = std::signbit(number);
  int power = 0;
  const double fraction = std::frexp(std::fabs(number), &power);
  auto mantissa = static_cast<std::uint64_t>(std::ldexp(fraction, 53));
  power -= 53;
  if (mantissa == 0) return out;
  // A negative power is one of ten with fives: m / 2^k = m 5^k / 10^k.
  std::string& all = out.digits;
  all = digits(static_cast<std::int64_t>(mantissa));
  for (int left = std::abs(power); left > 0;) {
    std::uint64_t factor = 1;
    for (int i = 0; i < 20 && left > 0; ++i, --left) factor *= power > 0 ? 2 : 5;
    std::uint64_t carry = 0;
    for (std::size_t i = all.size(); i > 0 || carry > 0;) {
      if (i == 0) all.insert(i++, 1, '0');
      carry += static_cast<std::uint64_t>(all[--i] - '0') * factor;
      all[i] = static_cast<char>('0' + carry % 10);
      carry /= 10;
    }
  }
  out.exponent = static_cast<int>(out.digits.size()) + std::min(power, 0);
  return out;
}

// To `keep` digits (fewer than one: to none or one), ties to even.
void round_digits(Decimal& decimal, int keep) {
  std::string& all = decimal.digits;
  if (keep >= static_cast<int>(all.size())) return;
  if (keep < 0) {
    all.clear();
    return;
  }
  const auto at = static_cast<std::size_t>(keep);
  const bool more = all.find_first_not_of('0', at + 1) != std::string::npos;
  const bool odd = at > 0 && (all[at - 1] & 1) != 0;
  const bool up = all[at] > '5' || (all[at] == '5' && (more || odd));
  all.resize(at);
  if (!up) return;
  std::size_t i = at;
  while (i > 0 && all[i - 1] == '9') all[--i] = '0';
  if (i > 0) {
    ++all[i - 1];
  } else {
    all.insert(all.begin(), '1');
    ++decimal.exponent;
    if (keep > 0) all.pop_back();
  }
}

// `count` digits from the place `from` on (0: the first), zeros where there are none.
void append_digits(std::string& out, const Decimal& decimal, int from, int count) {
  for (int i = from; i < from + count; ++i) {
    out += i >= 0 && i < static_cast<int>(decimal.digits.size()) ? decimal.digits[static_cast<std::size_t>(i)] : '0';
  }
}

bool append_special(std::string& out, double number) {
  if (std::isfinite(number)) return false;
  out += std::isnan(number) ? "nan" : number < 0 ? "-inf" : "inf";
  return true;
}

void append_escape(std::string& out, std::uint32_t code, char kind, int count) {
  out += '\\';
  out += kind;
  for (int shift = (count - 1) * 4; shift >= 0; shift -= 4) out += "0123456789abcdef"[code >> shift & 15];
}

void append_text_repr(std::string& out, std::string_view text) {
  const char quote = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos ? '"' : '\'';
  out += quote;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const std::uint32_t c = next_code_point(text, at);
    if (c == static_cast<std::uint32_t>(quote) || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n' || c == '\r' || c == '\t') {
      out += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    } else if (is_printable(c)) {
      out += text.substr(begin, at - begin);
    } else if (c < 0x100) {
      append_escape(out, c, 'x', 2);
    } else if (c < 0x10000) {
      append_escape(out, c, 'u', 4);
    } else {
      append_escape(out, c, 'U', 8);
    }
  }
  out += quote;
}

void append_json_text(std::string& out, std::string_view text, bool ascii) {
  out += '"';
  for (std::size_t at = 0;;) {
    std::size_t plain = plain_bytes(text.substr(at));
    // To Python this is none of ASCII's printable characters.
    if (ascii) plain = std::min(plain, text.substr(at, plain).find('\x7F'));
    out += text.substr(at, plain);
    at += plain;
    if (at >= text.size()) break;
    const std::size_t begin = at;
    const std::uint32_t c = next_code_point(text, at);
    static constexpr std::string_view kFrom = "\"\\\n\r\t\f\b";
    static constexpr std::string_view kTo = "\"\\nrtfb";
    const std::size_t known = c < 0x80 ? kFrom.find(static_cast<char>(c)) : std::string_view::npos;
    if (known != std::string_view::npos) {
      out += '\\';
      out += kTo[known];
    } else if (c >= 0x7F && !ascii) {
      out += text.substr(begin, at - begin);
    } else if (c < 0x10000) {
      append_escape(out, c, 'u', 4);
    } else {
      append_escape(out, 0xD800 + ((c - 0x10000) >> 10), 'u', 4);
      append_escape(out, 0xDC00 + ((c - 0x10000) & 0x3FF), 'u', 4);
    }
  }
  out += '"';
}

void append_line(std::string& out, const JsonStyle& style, int depth) {
  if (!style.indent) return;
  out += '\n';
  for (int i = 0; i < depth && out.size() <= kMaxMadeBytes; ++i) out += *style.indent;
}

void append_padded(std::string& out, std::int64_t number, std::size_t width, char pad = '0') {
  const std::string text = digits(number);
  if (text.size() < width) out.append(width - text.size(), pad);
  out += text;
}

void trim_zeros(Decimal& decimal) { decimal.digits.resize(decimal.digits.find_last_not_of('0') + 1); }

void put_fixed(std::string& out, const Decimal& decimal, int places) {
  if (decimal.negative) out += '-';
  append_digits(out, decimal, std::min(0, decimal.exponent - 1), std::max(1, decimal.exponent));
  if (places > 0) {
    out += '.';
    append_digits(out, decimal, decimal.exponent, places);
  }
}

void put_scientific(std::string& out, const Decimal& decimal, int places) {
  if (decimal.negative) out += '-';
  append_digits(out, decimal, 0, 1);
  if (places > 0) {
    out += '.';
    append_digits(out, decimal, 1, places);
  }
  const int scale = decimal.digits.empty() ? 0 : decimal.exponent - 1;
  out += scale < 0 ? "e-" : "e+";
  append_padded(out, std::abs(scale), 2);
}

}  // namespace

void append_real(std::string& out, double number) {
  if (append_special(out, number)) return;
  if (number == 0) {
    out += std::signbit(number) ? "-0.0" : "0.0";
    return;
  }
  // The shortest digits, as JSON has them, set anew.
  std::string json;
  append_number(json, std::fabs(number));
  int exponent = 0;
  if (const std::size_t e = json.find('e'); e != std::string::npos) {
    const bool negative = json[e + 1] == '-';
    for (std::size_t i = e + 1; i < json.size(); ++i) {
      if (json[i] >= '0' && json[i] <= '9') exponent = exponent * 10 + (json[i] - '0');
    }
    if (negative) exponent = -exponent;
    json.resize(e);
  }
  const std::size_t point = std::min(json.find('.'), json.size());
  Decimal decimal;
  decimal.negative = number < 0;
  decimal.digits = json.substr(0, point) + (point < json.size() ? json.substr(point + 1) : std::string());
  decimal.exponent = static_cast<int>(point) + exponent;
  const std::size_t zeros = decimal.digits.find_first_not_of('0');
  decimal.digits.erase(0, zeros);
  decimal.exponent -= static_cast<int>(zeros);
  trim_zeros(decimal);
  const int size = static_cast<int>(decimal.digits.size());
  const int scale = decimal.exponent - 1;
  if (scale < -4 || scale >= 16) {
    put_scientific(out, decimal, size - 1);
  } else {
    put_fixed(out, decimal, std::max(1, size - decimal.exponent));
  }
}

void append_fixed(std::string& out, double number, int places) {
  if (append_special(out, number)) return;
  Decimal decimal = exact(number);
  round_digits(decimal, decimal.exponent + places);
  put_fixed(out, decimal, places);
}

void append_scientific(std::string& out, double number, int places) {
  if (append_special(out, number)) return;
  Decimal decimal = exact(number);
  round_digits(decimal, places + 1);
  put_scientific(out, decimal, places);
}

void append_general(std::string& out, double number, int precision, bool keep_zeros) {
  if (append_special(out, number)) return;
  if (precision == 0) precision = 1;
  Decimal decimal = exact(number);
  round_digits(decimal, precision);
  const int scale = decimal.digits.empty() ? 0 : decimal.exponent - 1;
  if (!keep_zeros) trim_zeros(decimal);
  const int size = keep_zeros ? precision : static_cast<int>(decimal.digits.size());
  if (scale < -4 || scale >= precision) {
    put_scientific(out, decimal, std::max(0, size - 1));
  } else {
    put_fixed(out, decimal, std::max(0, size - 1 - scale));
  }
}

double round_to(double number, int places) {
  if (!std::isfinite(number) || places > 400) return number;
  if (places < -400) return std::copysign(0.0, number);
  std::string text;
  Decimal decimal = exact(number);
  round_digits(decimal, decimal.exponent + places);
  put_fixed(text, decimal, std::max(0, places));
  const double rounded = read_decimal(text).value_or(number);
  return rounded == 0 ? std::copysign(0.0, number) : rounded;
}

bool append_str(std::string& out, const Value& value) {
  if (value.is(Kind::kUndefined)) return true;
  if (!value.is(Kind::kText)) return append_repr(out, value);
  out += value.view();
  return true;
}

bool append_repr(std::string& out, const Value& value, int depth) {
  if (depth > kMaxNesting || out.size() > kMaxMadeBytes) return false;
  switch (value.kind) {
    case Kind::kUndefined:
      out += "Undefined";
      break;
    case Kind::kNone:
      out += "None";
      break;
    case Kind::kBoolean:
      out += value.truth ? "True" : "False";
      break;
    case Kind::kInteger:
      append_number(out, value.integer);
      break;
    case Kind::kReal:
      append_real(out, value.real);
      break;
    case Kind::kText:
      if (value.markup) out += "Markup(";
      append_text_repr(out, value.view());
      if (value.markup) out += ')';
      break;
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kView: {
      const bool is_tuple = value.is(Kind::kTuple);
      if (value.is(Kind::kView)) {
        out += value.items->label;
        // A range is written whole.
        if (out.back() == ')') return true;
        out += '(';
      }
      out += is_tuple ? '(' : '[';
      for (std::uint32_t i = 0; i < value.items->size; ++i) {
        if (i > 0) out += ", ";
        if (!append_repr(out, value.items->data[i], depth + 1)) return false;
      }
      if (is_tuple && value.items->size == 1) out += ',';
      out += is_tuple ? ')' : ']';
      if (value.is(Kind::kView)) out += ')';
      break;
    }
    case Kind::kNamespace:
      out += "<Namespace ";
      [[fallthrough]];
    case Kind::kDict:
      out += '{';
      for (std::uint32_t i = 0; i < value.dict->size; ++i) {
        if (i > 0) out += ", ";
        if (!append_repr(out, value.dict->entries[i].key, depth + 1)) return false;
        out += ": ";
        if (!append_repr(out, value.dict->entries[i].value, depth + 1)) return false;
      }
      out += '}';
      if (value.is(Kind::kNamespace)) out += '>';
      break;
    default:
      out += '<';
      out += type_name(value);
      out += '>';
  }
  return true;
}

bool append_json(std::string& out, const Value& value, const JsonStyle& style, int depth) {
  if (depth > kMaxNesting || out.size() > kMaxMadeBytes) return false;
  switch (value.kind) {
    case Kind::kNone:
      out += "null";
      return true;
    case Kind::kBoolean:
      out += value.truth ? "true" : "false";
      return true;
    case Kind::kReal:
      if (std::isfinite(value.real)) {
        append_real(out, value.real);
      } else {
        out += std::isnan(value.real) ? "NaN" : value.real > 0 ? "Infinity" : "-Infinity";
      }
      return true;
    case Kind::kInteger:
      append_number(out, value.integer);
      return true;
    case Kind::kText:
      append_json_text(out, value.view(), style.ensure_ascii);
      return true;
    case Kind::kList:
    case Kind::kTuple: {
      out += '[';
      for (std::uint32_t i = 0; i < value.items->size; ++i) {
        if (i > 0) out += style.item_separator;
        append_line(out, style, depth + 1);
        if (!append_json(out, value.items->data[i], style, depth + 1)) return false;
      }
      if (value.items->size > 0) append_line(out, style, depth);
      out += ']';
      return true;
    }
    case Kind::kDict: {
      const std::uint32_t size = value.dict->size;
      const Dict::Entry* entries = value.dict->entries;
      std::vector<Dict::Entry> sorted;
      if (style.sort_keys && size > 0) {
        sorted.assign(entries, entries + size);
        Doubt doubt;
        sort(sorted.data(), size, false, doubt);
        if (doubt.refused) return false;
        entries = sorted.data();
      }
      out += '{';
      for (std::uint32_t i = 0; i < size; ++i) {
        if (i > 0) out += style.item_separator;
        append_line(out, style, depth + 1);
        const Value& key = entries[i].key;
        if (key.is(Kind::kText)) {
          append_json_text(out, key.view(), style.ensure_ascii);
        } else {
          // Numbers, booleans and null become text.
          if (!key.is_number() && !key.is(Kind::kNone)) return false;
          out += '"';
          append_json(out, key, style, depth);
          out += '"';
        }
        out += style.key_separator;
        if (!append_json(out, entries[i].value, style, depth + 1)) return false;
      }
      if (size > 0) append_line(out, style, depth);
      out += '}';
      return true;
    }
    default:
      return false;
  }
}

std::string format_time(std::string_view format, double now) {
  const double clamped = std::isfinite(now) ? std::min(std::max(now, -6.2e13), 2.5e14) : 0;
  const auto ms = static_cast<std::int64_t>(std::floor(clamped));
  const auto floor_divide = [](std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); };
  const std::int64_t seconds = floor_divide(ms, 1000);
  const std::int64_t days = floor_divide(seconds, 86'400);
  const std::int64_t of_day = seconds - days * 86'400;
  // Days to a date of the Gregorian calendar: Howard Hinnant, "chrono-compatible low-level date algorithms".
  const std::int64_t z = days + 719'468;
  const std::int64_t era = floor_divide(z, 146'097);
  const std::int64_t doe = z - era * 146'097;
  const std::int64_t yoe = (doe - doe / 1460 + doe / 36'524 - doe / 146'096) / 365;
  const std::int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const std::int64_t mp = (5 * doy + 2) / 153;
  const std::int64_t day = doy - (153 * mp + 2) / 5 + 1;
  const std::int64_t month = mp < 10 ? mp + 3 : mp - 9;
  const std::int64_t year = yoe + era * 400 + (month <= 2 ? 1 : 0);
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  // From March on the count begins with the first of March.
  const std::int64_t of_year = mp < 10 ? doy + 59 + (leap ? 1 : 0) : doy - 306;
  const std::int64_t weekday = ((days + 4) % 7 + 7) % 7;
  const std::int64_t hour = of_day / 3600;
  const std::int64_t minute = of_day / 60 % 60;
  const std::int64_t second = of_day % 60;
  const std::int64_t hour12 = hour % 12 == 0 ? 12 : hour % 12;
  const std::string_view day_name =
      word_at("Sunday Monday Tuesday Wednesday Thursday Friday Saturday", static_cast<std::size_t>(weekday));
  const std::string_view month_name = word_at(
      "January February March April May June July August September October November December",
      static_cast<std::size_t>(month - 1));
  // The week of ISO 8601: that of its Thursday.
  const std::int64_t monday = (weekday + 6) % 7;
  std::int64_t iso_year = year;
  std::int64_t iso_week = (of_year - monday + 10) / 7;
  const auto weeks_in = [](std::int64_t y) {
    const auto p = [](std::int64_t x) { return (x + x / 4 - x / 100 + x / 400) % 7; };
    return 52 + (p(y) == 4 || p(y - 1) == 3 ? 1 : 0);
  };
  if (iso_week < 1) {
    iso_week = weeks_in(--iso_year);
  } else if (iso_week > weeks_in(year)) {
    iso_week = 1;
    ++iso_year;
  }
  // The numbers: which letter, how wide, filled with what.
  static constexpr std::string_view kLetters = "CdegGHIjklmMsSuUVwWyYf";
  static constexpr std::string_view kWidths = "2222422322220212212216";
  const std::int64_t numbers[] = {
      year / 100, day, day, iso_year % 100, iso_year, hour, hour12, of_year + 1, hour, hour12, month, minute,
      seconds, second, weekday == 0 ? 7 : weekday, (of_year + 7 - weekday) / 7, iso_week, weekday,
      (of_year + 7 - monday) / 7, year % 100, year, (ms - seconds * 1000) * 1000};
  std::string out;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
      continue;
    }
    char c = format[++i];
    // glibc: %-d has no zero in front.
    const bool bare = c == '-' && i + 1 < format.size();
    if (bare) c = format[++i];
    if (const std::size_t known = kLetters.find(c); known != std::string_view::npos) {
      const auto width = static_cast<std::size_t>(kWidths[known] - '0');
      append_padded(out, numbers[known], bare && width < 6 ? 0 : width, c == 'e' || c == 'k' || c == 'l' ? ' ' : '0');
      continue;
    }
    std::string_view other;
    switch (c) {
      case 'a': out += day_name.substr(0, 3); break;
      case 'A': out += day_name; break;
      case 'b':
      case 'h': out += month_name.substr(0, 3); break;
      case 'B': out += month_name; break;
      case 'c': other = "%a %b %e %H:%M:%S %Y"; break;
      case 'D':
      case 'x': other = "%m/%d/%y"; break;
      case 'F': other = "%Y-%m-%d"; break;
      case 'n': out += '\n'; break;
      case 'p': out += hour < 12 ? "AM" : "PM"; break;
      case 'P': out += hour < 12 ? "am" : "pm"; break;
      case 'r': other = "%I:%M:%S %p"; break;
      case 'R': other = "%H:%M"; break;
      case 't': out += '\t'; break;
      case 'T':
      case 'X': other = "%H:%M:%S"; break;
      case 'z':
      case 'Z': break;
      case '%': out += '%'; break;
      default:
        out += '%';
        if (bare) out += '-';
        out += c;
    }
    if (!other.empty()) out += format_time(other, now);
  }
  return out;
}

}  // namespace tierwise::prompt
