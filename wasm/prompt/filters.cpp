// Jinja2's built-in filters (jinja2/filters.py), but for those that are about HTML or chance. Those that Python makes
// generators of give iterators: always true, without a length.
#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "base/text.h"
#include "base/words.h"
#include "prompt/arguments.h"
#include "prompt/builtins.h"
#include "prompt/code_points.h"
#include "prompt/power.h"
#include "prompt/read_number.h"
#include "prompt/runtime.h"
#include "prompt/text_form.h"

namespace tierwise::prompt {
namespace {

// In the order of the alphabet, as kNames.
enum Filter : Symbol {
  kAbs, kAttr, kBatch, kCapitalize, kCenter, kCount, kD, kDefault, kDictsort, kFilesizeformat, kFirst, kFloat, kFormat,
  kGroupby, kIndent, kInt, kItems, kJoin, kLast, kLength, kListFilter, kLower, kMap, kMax, kMin, kReject, kRejectattr,
  kReplace, kReverse, kRound, kSafe, kSelect, kSelectattr, kSlice, kSort, kString, kSum, kTitle, kTojson, kTrim,
  kTruncate, kUnique, kUpper, kUrlencode, kWordcount, kWordwrap
};
// Of tojson, in characters for each level.
constexpr std::int64_t kMostIndent = 1000;

constexpr std::string_view kNames =
    "abs attr batch capitalize center count d default dictsort filesizeformat first float format groupby "
    "indent int items join last length list lower map max min reject rejectattr replace reverse round safe "
    "select selectattr slice sort string sum title tojson trim truncate unique upper urlencode wordcount "
    "wordwrap";

// For bind_arguments; of those that look at theirs themselves nothing.
constexpr const char* kParameters[] = {
    "0", "1name", "1linecount,fill_with", "0", "0width", "0", "0default_value,boolean",
    "0default_value,boolean", "0case_sensitive,by,reverse", "0binary", "0", "0default", nullptr,
    "1attribute,default,case_sensitive", "0width,first,blank", "0default,base", "0", "0d,attribute", "0",
    "0", "0", "0", nullptr, "0case_sensitive,attribute", "0case_sensitive,attribute", nullptr, nullptr,
    "2old,new,count", "0", "0precision,method", "0", nullptr, nullptr, "1slices,fill_with",
    "0reverse,case_sensitive,attribute", "0", "0attribute,start", "0",
    "0ensure_ascii,indent,separators,sort_keys", "0chars", "0length,killwords,end,leeway",
    "0case_sensitive,attribute", "0", "0", "0", "0width,break_long_words,wrapstring,break_on_hyphens",
};

class Filters {
 public:
  Filters(Runtime& runtime, const Value& subject, const Arguments& given)
      : runtime_(runtime), subject_(subject), given_(given) {}

  Value apply(Filter filter) {
    const char* const parameters = kParameters[filter];
    bound_ = parameters == nullptr || bind_arguments(runtime_, given_, parameters, value_);
    Value value = bound_ ? result(filter) : missing();
    if (!runtime_.failed()) {
      const bool keeps = filter == kIndent || filter == kTrim || filter == kUpper || filter == kLower ||
                         filter == kCapitalize || filter == kCenter || filter == kReverse || filter == kTruncate;
      if (keeps && value.is(Kind::kText) && subject_.is(Kind::kText)) value.markup = subject_.markup;
      return value;
    }
    if (!bound_) return value;
    switch (filter) {
      // Python's generators fail when they are gone through, not before.
      case kBatch: case kItems: case kMap: case kReject: case kRejectattr: case kSelect: case kSelectattr: case kSlice:
      case kUnique:
        return runtime_.put_off(rows_ == nullptr ? runtime_.new_items() : rows_);
      default:
        return value;
    }
  }

 private:
  Value result(Filter filter) {
    switch (filter) {
      case kAbs: return absolute();
      case kAttr: return by_attribute();
      case kBatch: return batch();
      case kCapitalize:
      case kLower:
      case kUpper: return method(word_at(kNames, filter), nullptr, 0);
      case kCenter: return center();
      case kCount:
      case kLength: return length(subject_);
      case kD:
      case kDefault:
        if (subject_.is(Kind::kUndefined) || (truth(value_[1]) && !truth(subject_))) return or_else(0, text(""));
        return subject_;
      case kDictsort: return dictsort();
      case kFilesizeformat: return filesizeformat();
      case kFirst: return end_of(false);
      case kLast: return end_of(true);
      case kFloat: return to_real();
      case kFormat: return format();
      case kGroupby: return groupby();
      case kIndent: return indent();
      case kInt: return to_int();
      case kItems: return pairs();
      case kJoin: return join();
      case kListFilter: {
        const Items* all = iterate();
        return all == nullptr ? missing() : items(Kind::kList, copy(*all));
      }
      case kMap: return map();
      case kMax:
      case kMin: return extreme(filter == kMax);
      case kReject:
      case kRejectattr:
      case kSelect:
      case kSelectattr:
        return select(filter == kSelect || filter == kSelectattr, filter == kRejectattr || filter == kSelectattr);
      case kReplace: return replace();
      case kReverse: return reverse();
      case kRound: return round();
      case kSafe: {
        Value marked = runtime_.as_text(subject_);
        marked.markup = true;
        return marked;
      }
      case kSlice: return slice();
      case kSort: return sort_items();
      case kString: return runtime_.as_text(subject_);
      case kSum: return sum();
      case kTitle: return title_words();
      case kTojson: return to_json();
      case kTrim: return trim_ends();
      case kTruncate: return truncate();
      case kUnique: return unique();
      case kUrlencode: return urlencode();
      case kWordcount: return wordcount();
      case kWordwrap: return wordwrap();
    }
    return missing();
  }

  static constexpr std::size_t kMostArguments = 4;

  static Value missing() { return undefined(); }
  Value or_else(std::size_t i, const Value& otherwise) const {
    return value_[i].is(Kind::kMissing) ? otherwise : value_[i];
  }
  bool given(std::size_t i) const { return !value_[i].is(Kind::kMissing) && !value_[i].is(Kind::kNone); }
  // A whole number of the arguments.
  std::int64_t whole(std::size_t i, std::int64_t otherwise) {
    if (value_[i].is(Kind::kMissing)) return otherwise;
    if (!value_[i].is_whole()) runtime_.fail("This needs a whole number.");
    return value_[i].is_whole() ? value_[i].whole() : otherwise;
  }
  Value made(const std::string& text) { return runtime_.new_text(text); }
  std::string_view subject_text() { return counted(runtime_.as_text(subject_)); }
  // For what goes through it character by character.
  std::string_view counted(const Value& text) {
    runtime_.charge_text(text.size);
    return runtime_.look_into(text);
  }
  // The subject, which must be a text.
  std::string_view real_text() {
    if (!subject_.is(Kind::kText)) runtime_.refuse("This needs a text, not a {}.", subject_);
    return counted(subject_);
  }
  Items* iterate() { return runtime_.iterate(subject_); }
  Items* copy(const Items& from) {
    Items* list = runtime_.new_items(from.size);
    for (std::uint32_t i = 0; i < from.size; ++i) append(runtime_.arena(), *list, from.data[i]);
    return list;
  }
  void add(Items& list, const Value& value) { append(runtime_.arena(), list, value); }

  // ---- attributes by dotted names

  // `none` and missing: the value itself.
  Value attribute_of(Value value, const Value& path, const Value* otherwise = nullptr) {
    if (path.is(Kind::kMissing) || path.is(Kind::kNone)) return value;
    if (!path.is(Kind::kText)) {
      value = runtime_.item(value, path);
      return otherwise != nullptr && value.is(Kind::kUndefined) ? *otherwise : value;
    }
    std::string_view rest = runtime_.look_into(path);
    for (;;) {
      const std::size_t dot = rest.find('.');
      const std::string_view part = rest.substr(0, dot);
      const bool number = !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
      value = runtime_.item(value, number && part.size() < 18 ? integer(to_whole(part)) : text(part));
      if (otherwise != nullptr && value.is(Kind::kUndefined)) value = *otherwise;
      if (dot == std::string_view::npos || runtime_.failed()) return value;
      rest = rest.substr(dot + 1);
    }
  }
  static std::int64_t to_whole(std::string_view number) {
    std::int64_t value = 0;
    for (const char c : number) value = value * 10 + (c - '0');
    return value;
  }
  Value folded(const Value& value, bool case_sensitive) {
    if (case_sensitive || !value.is(Kind::kText)) return value;
    return made(to_lower(counted(value)));
  }

  // The second of each row, in the order of the first. `direction` is Python's reverse: a number, or nothing.
  Items* sorted(Dict& rows, const Value& direction = {}) {
    Items* out = runtime_.new_items(rows.size);
    if (!direction.is(Kind::kMissing) && !(direction.is_whole() && std::abs(direction.whole() / 2) <= INT32_MAX / 2)) {
      runtime_.fail("reverse is true or false.");
    }
    Doubt doubt = runtime_.new_doubt();
    if (runtime_.failed()) return out;
    sort(rows.entries, rows.size, truth(direction), doubt);
    runtime_.settle(doubt);
    if (doubt.refused) runtime_.fail("These values have no order.");
    for (std::uint32_t i = 0; i < rows.size; ++i) add(*out, rows.entries[i].value);
    return out;
  }
  Dict new_rows(const Items* list) {
    Dict rows;
    const std::uint32_t size = list == nullptr ? 0 : list->size;
    if (runtime_.arena().grant(size * sizeof(Dict::Entry))) {
      rows.entries = runtime_.arena().array<Dict::Entry>(size);
      rows.capacity = size;
    }
    return rows;
  }
  void add(Dict& rows, const Value& key, const Value& value) { append(runtime_.arena(), rows, key, value); }

  // ---- numbers

  Value absolute() {
    if (subject_.is(Kind::kReal)) return real(std::fabs(subject_.real));
    if (!subject_.is_whole()) return runtime_.refuse("This needs a number, not a {}.", subject_);
    const std::int64_t number = subject_.whole();
    if (number == INT64_MIN) return runtime_.fail(kTooLong);
    return integer(number < 0 ? -number : number);
  }

  Value round() {
    const std::int64_t precision = whole(0, 0);
    const std::string_view method = value_[1].is(Kind::kMissing) ? "common" : value_[1].view();
    if (!subject_.is_number()) return runtime_.refuse("This needs a number, not a {}.", subject_);
    if (method != "common" && method != "ceil" && method != "floor") {
      return runtime_.fail("The method of round is common, ceil or floor.");
    }
    const auto places = static_cast<int>(std::min<std::int64_t>(std::max<std::int64_t>(precision, -500), 500));
    runtime_.charge_digits(subject_.number());
    if (method == "common") {
      if (!subject_.is_whole()) return real(round_to(subject_.real, places));
      if (places >= 0) return integer(subject_.whole());
      const double rounded = round_to(subject_.number(), places);
      if (std::fabs(rounded) >= 9.2e18) return runtime_.fail(kTooLong);
      return integer(static_cast<std::int64_t>(rounded));
    }
    const double scale = power(10.0, static_cast<double>(std::abs(places)));
    const double scaled = places >= 0 ? subject_.number() * scale : subject_.number() / scale;
    if (!std::isfinite(scaled)) return runtime_.fail("This is too large.");
    const double rounded = method == "ceil" ? std::ceil(scaled) : std::floor(scaled);
    return real((places >= 0 ? rounded / scale : rounded * scale) + 0.0);
  }

  Value to_int() {
    const Value otherwise = or_else(0, integer(0));
    const std::int64_t base = whole(1, 10);
    if (base != 0 && (base < 2 || base > 36)) return subject_.is(Kind::kText) ? otherwise : otherwise;
    double number = 0;
    if (subject_.is(Kind::kText)) {
      std::int64_t value = 0;
      const std::string_view from = counted(subject_);
      const Read read = read_whole(from, base, value);
      if (read == Read::kYes) return integer(value);
      if (read == Read::kOverflows) return runtime_.fail(kTooLong);
      if (!read_real(from, number)) return otherwise;
    } else if (subject_.is_whole()) {
      return integer(subject_.whole());
    } else if (subject_.is(Kind::kReal)) {
      number = subject_.real;
    } else if (subject_.is(Kind::kUndefined)) {
      return runtime_.attribute(subject_, "value");
    } else {
      return otherwise;
    }
    if (!std::isfinite(number)) return otherwise;
    if (std::fabs(number) >= 9.2e18) return runtime_.fail(kTooLong);
    return integer(static_cast<std::int64_t>(number));
  }
  Value to_real() {
    const Value otherwise = or_else(0, real(0));
    if (subject_.is_number()) return real(subject_.number());
    if (subject_.is(Kind::kUndefined)) return runtime_.attribute(subject_, "value");
    double number = 0;
    return subject_.is(Kind::kText) && read_real(counted(subject_), number) ? real(number) : otherwise;
  }

  Value filesizeformat() {
    double bytes = 0;
    if (subject_.is_number()) {
      bytes = subject_.number();
    } else if (!subject_.is(Kind::kText) || !read_real(counted(subject_), bytes)) {
      return runtime_.fail("This needs a number.");
    }
    const bool binary = truth(value_[0]);
    const double base = binary ? 1024 : 1000;
    if (bytes == 1) return text("1 Byte");
    std::string out;
    if (bytes < base || std::isnan(bytes)) {
      if (!(std::fabs(bytes) < 9.2e18)) return runtime_.fail("This is too large.");
      return made(digits(static_cast<std::int64_t>(bytes)) + " Bytes");
    }
    static constexpr std::string_view kPrefixes = "kMGTPEZY";
    double unit = base;
    for (std::size_t i = 0; i < kPrefixes.size(); ++i) {
      unit *= base;
      if (bytes >= unit && i + 1 < kPrefixes.size()) continue;
      append_fixed(out, base * bytes / unit, 1);
      out += ' ';
      out += binary && kPrefixes[i] == 'k' ? 'K' : kPrefixes[i];
      out += binary ? "iB" : "B";
      break;
    }
    return made(out);
  }

  // ---- text

  // What the text has a method for.
  Value method(std::string_view name, const Value* given, std::uint32_t count) {
    Arguments arguments;
    arguments.positional = given;
    arguments.count = count;
    return call_method(runtime_, runtime_.as_text(subject_), name, arguments);
  }

  Value center() {
    const Value width = integer(whole(0, 80));
    return method("center", &width, 1);
  }

  Value title_words() {
    // Words begin behind white space, "-", "(", "{", "[" and "<".
    const std::string_view from = subject_text();
    std::string out;
    for (std::size_t at = 0; at < from.size();) {
      const auto splits = [&](std::size_t place) {
        std::size_t next = place;
        const std::uint32_t c = next_code_point(from, next);
        return is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
      };
      const std::size_t begin = at;
      const bool gap = splits(at);
      while (at < from.size() && splits(at) == gap) next_code_point(from, at);
      const std::string_view word = from.substr(begin, at - begin);
      if (gap) {
        out += word;
      } else {
        const std::size_t first = bytes_of(word, 1);
        out += to_upper(word.substr(0, first));
        out += to_lower(word.substr(first));
      }
    }
    return made(out);
  }

  Value trim_ends() {
    const Value from = runtime_.as_text(subject_);
    if (!given(0)) return runtime_.stripped(from, kBoth);
    if (!value_[0].is(Kind::kText)) return runtime_.fail("This needs a text.");
    const std::string_view characters = runtime_.look_into(value_[0]);
    runtime_.charge(from.size / 16 + std::uint64_t{from.size} * characters.size() / 1024);
    return runtime_.failed() ? missing() : text(strip(runtime_.look_into(from), kBoth, characters));
  }

  Value indent() {
    if (subject_.is(Kind::kUndefined)) return runtime_.attribute(subject_, "lines");
    const std::string_view from = real_text();
    std::string by;
    if (value_[0].is(Kind::kText)) {
      by = runtime_.look_into(value_[0]);
    } else {
      const std::int64_t width = whole(0, 4);
      if (width > 100'000) return runtime_.fail("This is too large.");
      by.assign(static_cast<std::size_t>(std::max<std::int64_t>(0, width)), ' ');
    }
    if (runtime_.failed()) return missing();
    const std::string whole_text = std::string(from) + '\n';
    std::string out = truth(value_[1]) ? by : std::string();
    for (std::size_t at = 0; at < whole_text.size();) {
      const bool first = at == 0;
      const std::string_view line = next_line(whole_text, at);
      if (out.size() > kMaxMadeBytes || !runtime_.charge((line.size() + by.size()) / 64)) return runtime_.fail(kTooMuch);
      if (!first) {
        out += '\n';
        if (truth(value_[2]) || !line.empty()) out += by;
      }
      out += line;
    }
    return made(out);
  }

  Value truncate() {
    const std::int64_t length = whole(0, 255);
    const Value size = this->length(subject_);
    if (runtime_.failed()) return missing();
    const std::string_view end = value_[2].is(Kind::kText) ? runtime_.look_into(value_[2]) : "...";
    const std::int64_t leeway = given(3) ? whole(3, 5) : 5;
    const auto end_size = static_cast<std::int64_t>(count_code_points(end));
    if (length < end_size || leeway < 0) return runtime_.fail("This is too short for the end mark.");
    if (size.integer - leeway <= length) return subject_;
    const std::string_view from = real_text();
    std::string_view kept = from.substr(0, bytes_of(from, static_cast<std::size_t>(length - end_size)));
    if (!truth(value_[1])) kept = kept.substr(0, kept.rfind(' '));
    return made(std::string(kept) + std::string(end));
  }

  Value wordcount() {
    const std::string_view from = subject_text();
    std::int64_t count = 0;
    bool inside = false;
    for (std::size_t at = 0; at < from.size();) {
      const bool word = is_word(next_code_point(from, at));
      count += word && !inside;
      inside = word;
    }
    return integer(count);
  }

  // Python's textwrap.wrap with expand_tabs and replace_whitespace off, line by line.
  Value wordwrap();
  std::string wrap_line(std::string_view line, std::int64_t width, bool break_long, std::string_view by, bool hyphens);

  Value urlencode() {
    const auto quote = [&](const Value& value, bool query) {
      std::string out;
      for (const char c : counted(runtime_.as_text(value))) {
        if (out.size() > kMaxMadeBytes) break;
        const bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                          c == '.' || c == '-' || c == '~' || (c == '/' && !query);
        if (safe) {
          out += c;
        } else if (c == ' ' && query) {
          out += '+';
        } else {
          out += '%';
          out += "0123456789ABCDEF"[static_cast<std::uint8_t>(c) >> 4];
          out += "0123456789ABCDEF"[static_cast<std::uint8_t>(c) & 15];
        }
      }
      return out;
    };
    if (!subject_.is_items() && !subject_.is(Kind::kDict)) return made(quote(subject_, false));
    std::string out;
    const Items* list = subject_.is(Kind::kDict) ? pairs().items : iterate();
    for (std::uint32_t i = 0; list != nullptr && i < list->size && runtime_.charge(1); ++i) {
      const Items* pair = runtime_.iterate(list->data[i]);
      if (pair == nullptr || pair->size != 2) return runtime_.fail("This needs pairs.");
      if (out.size() > kMaxMadeBytes) return runtime_.fail(kTooMuch);
      if (i > 0) out += '&';
      out += quote(pair->data[0], true) + '=' + quote(pair->data[1], true);
    }
    return made(out);
  }

  Value format() {
    if (given_.count > 0 && given_.named != nullptr) return runtime_.fail("Values are given by place or by name, not both.");
    const Value pattern = runtime_.as_text(subject_);
    if (given_.named != nullptr) return runtime_.format(pattern, dict(const_cast<Dict*>(given_.named)));
    Items* values = runtime_.new_items(given_.count);
    for (std::uint32_t i = 0; i < given_.count; ++i) add(*values, given_.positional[i]);
    return runtime_.format(pattern, items(Kind::kTuple, values));
  }

  Value replace() {
    const Value call[] = {runtime_.as_text(value_[0]), runtime_.as_text(value_[1]), or_else(2, integer(-1))};
    return method("replace", call, value_[2].is(Kind::kNone) ? 2 : 3);
  }

  Value to_json() {
    JsonStyle style;
    std::string by;
    if (given(1)) {
      if (value_[1].is(Kind::kText)) {
        by = runtime_.look_into(value_[1]);
        if (by.size() > kMostIndent) return runtime_.fail("This is too large.");
      } else {
        by.assign(static_cast<std::size_t>(std::min<std::int64_t>(std::max<std::int64_t>(whole(1, 0), 0), kMostIndent)), ' ');
      }
      style.indent = by;
    }
    style.ensure_ascii = truth(value_[0]);
    style.sort_keys = truth(value_[3]);
    style.item_separator = style.indent ? "," : ", ";
    style.key_separator = ": ";
    if (given(2)) {
      const Items* pair = runtime_.iterate(value_[2]);
      if (pair == nullptr || pair->size != 2 || !pair->data[0].is(Kind::kText) || !pair->data[1].is(Kind::kText)) {
        return runtime_.fail("This needs two texts.");
      }
      style.item_separator = runtime_.look_into(pair->data[0]);
      style.key_separator = runtime_.look_into(pair->data[1]);
    }
    if (!runtime_.closed(subject_) || runtime_.failed()) return missing();
    std::string out;
    const bool whole = append_json(out, subject_, style);
    runtime_.charge_text(out.size());
    if (out.size() > kMaxMadeBytes) return runtime_.fail(kTooMuch);
    if (!whole) {
      return runtime_.refuse("This {} has no form in JSON.", subject_);
    }
    return made(out);
  }

  // ---- lists

  Value by_attribute() {
    if (!value_[0].is(Kind::kText)) return runtime_.fail("This needs a text.");
    if (subject_.is(Kind::kUndefined)) return runtime_.attribute(subject_, value_[0].view());
    // Attributes only, not what lies under the name in a dictionary.
    if (subject_.is(Kind::kDict) && !has_method(subject_, value_[0].view())) return undefined(value_[0].view());
    return runtime_.attribute(subject_, runtime_.look_into(value_[0]));
  }

  Value length(const Value& value) {
    if (value.is(Kind::kText)) return integer(static_cast<std::int64_t>(count_code_points(runtime_.look_into(value))));
    if (value.is(Kind::kList) || value.is(Kind::kTuple) || value.is(Kind::kView)) return integer(value.items->size);
    if (value.is(Kind::kDict)) return integer(value.dict->size);
    if (value.is(Kind::kUndefined)) return integer(0);
    if (value.is(Kind::kLoop)) return integer(value.loop->items->size);
    return runtime_.refuse("A {} has no length.", value);
  }

  Value end_of(bool last) {
    if (last && subject_.is(Kind::kIterator)) return runtime_.fail("The last of an iterator is not known: use list first.");
    if (!last && subject_.is(Kind::kIterator)) {
      Items& rest = *subject_.items;
      if (rest.taken < rest.size) return rest.data[rest.taken++];
      return iterate() == nullptr ? missing() : undefined("the end of nothing");
    }
    const Items* list = iterate();
    if (list == nullptr) return missing();
    if (list->size == 0) return undefined("the end of nothing");
    return list->data[last ? list->size - 1 : 0];
  }

  Value pairs() {
    Items* list = runtime_.new_items();
    if (subject_.is(Kind::kUndefined)) return items(Kind::kIterator, list);
    if (!subject_.is(Kind::kDict)) return runtime_.fail("This needs a dictionary.");
    for (std::uint32_t i = 0; i < subject_.dict->size && runtime_.charge(1); ++i) {
      Items* pair = runtime_.new_items(2);
      add(*pair, subject_.dict->entries[i].key);
      add(*pair, subject_.dict->entries[i].value);
      add(*list, items(Kind::kTuple, pair));
    }
    return items(Kind::kIterator, list);
  }

  Value join() {
    const Items* list = iterate();
    Value by = value_[0].is(Kind::kMissing) ? text("") : runtime_.as_text(value_[0]);
    by.markup = false;
    Value out = text("");
    for (std::uint32_t i = 0; list != nullptr && i < list->size && runtime_.charge(1); ++i) {
      if (i > 0 && by.size > 0) out = runtime_.add(out, by);
      Value part = runtime_.as_text(attribute_of(list->data[i], value_[1]));
      part.markup = false;
      out = runtime_.add(out, part);
    }
    return out;
  }

  Value batch() {
    // What is no number no row ever is as long as.
    const std::int64_t size = value_[0].is_whole() ? value_[0].whole() : -1;
    const Items* list = iterate();
    Items* made_rows = rows();
    Items* row = nullptr;
    for (std::uint32_t i = 0; list != nullptr && i < list->size && runtime_.charge(1); ++i) {
      if (row == nullptr || row->size == size) {
        if (row != nullptr || size == 0) add(*made_rows, items(Kind::kList, row == nullptr ? runtime_.new_items() : row));
        row = runtime_.new_items();
      }
      add(*row, list->data[i]);
    }
    if (row != nullptr) {
      if (given(1) && !value_[0].is_whole() && !(value_[0].is(Kind::kReal) && value_[0].real <= row->size)) {
        return runtime_.fail("This needs a whole number.");
      }
      if (given(1) && size > row->size) {
        if (!runtime_.charge(static_cast<std::uint64_t>(size) - row->size)) return missing();
        for (std::int64_t left = size - row->size; left > 0; --left) add(*row, value_[1]);
      }
      add(*made_rows, items(Kind::kList, row));
    }
    return items(Kind::kIterator, made_rows);
  }

  Value slice() {
    const std::int64_t count = whole(0, 1);
    const Items* list = iterate();
    if (list == nullptr || runtime_.failed()) return missing();
    if (count == 0) return runtime_.fail("The number of parts cannot be 0.");
    Items* made_rows = rows();
    if (count > 0 && !runtime_.charge(static_cast<std::uint64_t>(count))) return missing();
    const std::int64_t each = count > 0 ? list->size / count : 0;
    const std::int64_t extra = count > 0 ? list->size % count : 0;
    std::uint32_t at = 0;
    for (std::int64_t i = 0; i < count && !runtime_.failed(); ++i) {
      Items* row = runtime_.new_items();
      for (std::int64_t k = 0; k < each + (i < extra ? 1 : 0); ++k) add(*row, list->data[at++]);
      if (given(1) && i >= extra) add(*row, value_[1]);
      add(*made_rows, items(Kind::kList, row));
    }
    return items(Kind::kIterator, made_rows);
  }

  Value dictsort() {
    if (!subject_.is(Kind::kDict)) {
      return subject_.is(Kind::kUndefined) ? runtime_.attribute(subject_, "items") : runtime_.fail("This needs a dictionary.");
    }
    const std::string_view by = value_[1].is(Kind::kText) ? value_[1].view() : "key";
    if (by != "key" && by != "value") return runtime_.fail("dictsort sorts by key or by value.");
    const Items* list = pairs().items;
    Dict rows = new_rows(list);
    for (std::uint32_t i = 0; i < list->size; ++i) {
      const Value& key = list->data[i].items->data[by == "key" ? 0 : 1];
      add(rows, folded(key, truth(value_[0])), list->data[i]);
    }
    return items(Kind::kList, sorted(rows, value_[2]));
  }

  Value sort_items() {
    const Items* list = iterate();
    Dict rows = new_rows(list);
    for (std::uint32_t i = 0; list != nullptr && i < list->size && runtime_.charge(1); ++i) {
      // A list even of one key, as Jinja2 has it: what is equal needs no order.
      Items* keys = runtime_.new_items(1);
      if (value_[2].is(Kind::kText) && value_[2].view().find(',') != std::string_view::npos) {
        // Several attributes: by the first, then the next.
        std::string_view rest = value_[2].view();
        for (;;) {
          const std::size_t comma = rest.find(',');
          add(*keys, folded(attribute_of(list->data[i], text(rest.substr(0, comma))), truth(value_[1])));
          if (comma == std::string_view::npos) break;
          rest = rest.substr(comma + 1);
        }
      } else {
        add(*keys, folded(attribute_of(list->data[i], value_[2]), truth(value_[1])));
      }
      add(rows, items(Kind::kList, keys), list->data[i]);
    }
    if (list == nullptr || runtime_.failed()) return missing();
    return items(Kind::kList, sorted(rows, value_[0]));
  }

  Value extreme(bool greatest) {
    const Items* list = iterate();
    if (list == nullptr) return missing();
    if (list->size == 0) return undefined("the end of nothing");
    Value best = list->data[0];
    Value best_key = folded(attribute_of(best, value_[1]), truth(value_[0]));
    for (std::uint32_t i = 1; i < list->size && runtime_.charge(1); ++i) {
      const Value key = folded(attribute_of(list->data[i], value_[1]), truth(value_[0]));
      if (greatest ? runtime_.is_less(best_key, key) : runtime_.is_less(key, best_key)) {
        best = list->data[i];
        best_key = key;
      }
    }
    return best;
  }

  Value unique() {
    const Items* list = iterate();
    Items* out = rows();
    Dict seen;
    for (std::uint32_t i = 0; list != nullptr && i < list->size && runtime_.charge(1); ++i) {
      const Value key = folded(attribute_of(list->data[i], value_[1]), truth(value_[0]));
      if (runtime_.failed()) break;
      if (!runtime_.is_key(key)) return runtime_.refuse("A {} cannot be a key.", key);
      if (find(seen, key) != nullptr) continue;
      put(runtime_.arena(), seen, key, none());
      add(*out, list->data[i]);
    }
    return items(Kind::kIterator, out);
  }

  Value groupby() {
    const Value* otherwise = given(1) ? &value_[1] : nullptr;
    const Items* list = iterate();
    Dict rows = new_rows(list);
    for (std::uint32_t i = 0; list != nullptr && i < list->size && runtime_.charge(1); ++i) {
      add(rows, folded(attribute_of(list->data[i], value_[0], otherwise), truth(value_[2])), list->data[i]);
    }
    if (list == nullptr || runtime_.failed()) return missing();
    sorted(rows);
    Items* groups = runtime_.new_items();
    const Dict::Entry* row = rows.entries;
    const Dict::Entry* const end = row + rows.size;
    while (row != end && runtime_.charge(1)) {
      Items* members = runtime_.new_items();
      const Dict::Entry& first = *row;
      do add(*members, row++->value);
      while (row != end && runtime_.equals(first.key, row->key));
      Items* group = runtime_.new_items(2);
      // The key as the first of the group has it.
      add(*group, truth(value_[2]) ? first.key : attribute_of(first.value, value_[0], otherwise));
      add(*group, items(Kind::kList, members));
      group->label = kGroup;
      add(*groups, items(Kind::kTuple, group));
    }
    return items(Kind::kList, groups);
  }

  Value sum() {
    const Items* list = iterate();
    Value total = or_else(1, integer(0));
    if (total.is(Kind::kText)) return runtime_.fail("sum adds no texts: use join.");
    for (std::uint32_t i = 0; list != nullptr && i < list->size && runtime_.charge(1); ++i) {
      total = runtime_.add(total, attribute_of(list->data[i], value_[0]));
    }
    return total;
  }

  Value reverse() {
    if (subject_.is(Kind::kText)) {
      const std::string_view from = runtime_.look_into(subject_);
      std::string out;
      for (std::size_t end = from.size(); end > 0;) {
        std::size_t begin = end - 1;
        while (begin > 0 && (static_cast<std::uint8_t>(from[begin]) & 0xC0) == 0x80) --begin;
        out += from.substr(begin, end - begin);
        end = begin;
      }
      return made(out);
    }
    const Items* list = iterate();
    if (list == nullptr) return missing();
    Items* out = runtime_.new_items(list->size);
    for (std::uint32_t i = list->size; i > 0; --i) add(*out, list->data[i - 1]);
    // Only an iterator has to be made a list of before.
    return items(subject_.is(Kind::kIterator) ? Kind::kList : Kind::kIterator, out);
  }

  // What a lazy filter has made so far: an error ends it behind that.
  Items* rows() { return rows_ = runtime_.new_items(); }

  Value map() {
    // As Jinja2: what is empty is not even looked at.
    if (!truth(subject_)) return items(Kind::kIterator, runtime_.new_items());
    const Items* list = iterate();
    Items* out = rows();
    if (list == nullptr || runtime_.failed()) return missing();
    const Value* path = given_.named == nullptr ? nullptr : find(*given_.named, "attribute");
    if (given_.count == 0 && path != nullptr) {
      const Value* otherwise = find(*given_.named, "default");
      if (given_.named->size > (otherwise == nullptr ? 1U : 2U)) return runtime_.fail("There are too many arguments, or one is not known.");
      if (otherwise != nullptr && otherwise->is(Kind::kNone)) otherwise = nullptr;
      for (std::uint32_t i = 0; i < list->size && runtime_.charge(1); ++i) {
        add(*out, attribute_of(list->data[i], *path, otherwise));
      }
      return items(Kind::kIterator, out);
    }
    const Symbol filter = given_.count > 0 && given_.positional[0].is(Kind::kText)
                              ? filter_named(given_.positional[0].view())
                              : kNoSymbol;
    if (filter == kNoSymbol) return runtime_.fail("This needs the name of a filter, or attribute=.");
    Arguments rest = given_;
    ++rest.positional;
    --rest.count;
    for (std::uint32_t i = 0; i < list->size && runtime_.charge(1); ++i) {
      const Value value = call_filter(runtime_, filter, list->data[i], rest);
      if (!runtime_.failed()) add(*out, value);
    }
    return items(Kind::kIterator, out);
  }

  Value select(bool wanted, bool by_attribute) {
    // As Jinja2: what is empty is not even looked at.
    if (!truth(subject_)) return items(Kind::kIterator, runtime_.new_items());
    const Items* list = iterate();
    Items* out = rows();
    if (list == nullptr || runtime_.failed()) return missing();
    Arguments rest = given_;
    Value path;
    if (by_attribute) {
      if (rest.count == 0) return runtime_.fail("This needs the name of an attribute.");
      path = *rest.positional++;
      --rest.count;
    }
    Symbol test = kNoSymbol;
    if (rest.count > 0) {
      test = rest.positional->is(Kind::kText) ? test_named(rest.positional->view()) : kNoSymbol;
      if (test == kNoSymbol && list->size > 0) return runtime_.fail("There is no such test.");
      ++rest.positional;
      --rest.count;
    }
    for (std::uint32_t i = 0; i < list->size && runtime_.charge(1); ++i) {
      const Value value = attribute_of(list->data[i], path);
      if (runtime_.failed()) break;
      const bool holds = test == kNoSymbol ? truth(value) : call_test(runtime_, test, value, rest);
      if (!runtime_.failed() && holds == wanted) add(*out, list->data[i]);
    }
    return items(Kind::kIterator, out);
  }

  Runtime& runtime_;
  const Value& subject_;
  const Arguments& given_;
  Value value_[kMostArguments];
  Items* rows_ = nullptr;
  // Whether the arguments were in order; map, select and reject look at theirs later.
  bool bound_ = true;
};

Value Filters::wordwrap() {
  const std::string_view from = real_text();
  const std::int64_t width = std::min(whole(0, 79), static_cast<std::int64_t>(from.size()) + 1);
  const bool break_long = truth(or_else(1, boolean(true)));
  const std::string_view by = value_[2].is(Kind::kText) ? runtime_.look_into(value_[2]) : "\n";
  const bool hyphens = truth(or_else(3, boolean(true)));
  if (runtime_.failed()) return missing();
  std::string out;
  for (std::size_t at = 0; at < from.size();) {
    if (at > 0) out += by;
    if (width <= 0) return runtime_.fail("The width cannot be 0.");
    out += wrap_line(next_line(from, at), width, break_long, by, hyphens);
    if (out.size() > kMaxMadeBytes || !runtime_.charge(by.size() / 64)) return runtime_.fail(kTooMuch);
  }
  return made(out);
}

std::string Filters::wrap_line(std::string_view line, std::int64_t width, bool break_long, std::string_view by,
                               bool hyphens) {
  // Chunks as textwrap's word separator cuts them: runs of its white space, words, and the parts of words with hyphens.
  std::vector<std::string_view> chunks;
  const auto is_gap = [](char c) { return c == ' ' || (c >= 9 && c <= 13); };
  const auto is_letter = [&](std::size_t at) {
    if (at >= line.size()) return false;
    std::size_t next = at;
    const std::uint32_t c = next_code_point(line, next);
    return is_word(c) && !(c >= '0' && c <= '9');
  };
  const auto letter_before = [&](std::size_t at) {
    if (at == 0) return false;
    std::size_t begin = at - 1;
    while (begin > 0 && (static_cast<std::uint8_t>(line[begin]) & 0xC0) == 0x80) --begin;
    return is_letter(begin);
  };
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t begin = at;
    const bool gap = is_gap(line[at]);
    while (at < line.size() && is_gap(line[at]) == gap) ++at;
    const std::string_view word = line.substr(begin, at - begin);
    if (gap || !hyphens) {
      chunks.push_back(word);
      continue;
    }
    std::size_t from = 0;
    for (std::size_t i = 1; i < word.size(); ++i) {
      if (word[i] != '-') continue;
      std::size_t end = i;
      while (end < word.size() && word[end] == '-') ++end;
      const std::size_t place = begin + i;
      const bool dash = end - i > 1;
      if (dash) {
        // An em-dash stands alone between two words.
        if (end < word.size() && from < i) {
          chunks.push_back(word.substr(from, i - from));
          chunks.push_back(word.substr(i, end - i));
          from = end;
        }
        i = end - 1;
        continue;
      }
      // Two letters before, two behind: a place to break.
      std::size_t two = place;
      bool letters = letter_before(place);
      if (letters) {
        two = place - 1;
        while (two > 0 && (static_cast<std::uint8_t>(line[two]) & 0xC0) == 0x80) --two;
        letters = letter_before(two) && two > begin + from;
      }
      std::size_t after = place + 1;
      bool follows = is_letter(after);
      if (follows) {
        next_code_point(line, after);
        follows = is_letter(after) || (after < line.size() && line[after] == '-' && is_letter(after + 1));
      }
      if (letters && follows) {
        chunks.push_back(word.substr(from, i + 1 - from));
        from = i + 1;
      }
    }
    if (from < word.size()) chunks.push_back(word.substr(from));
  }
  const auto blank = [](std::string_view chunk) { return strip(chunk, kBoth).empty(); };
  // Not counted beyond the width.
  const auto size_of = [&](std::string_view chunk) {
    return static_cast<std::int64_t>(count_code_points(chunk.substr(0, bytes_of(chunk, static_cast<std::size_t>(width) + 1))));
  };
  std::string out;
  bool any = false;
  std::size_t at = 0;
  while (at < chunks.size()) {
    if (any && blank(chunks[at])) ++at;
    std::vector<std::string_view> row;
    std::int64_t used = 0;
    while (at < chunks.size() && used + size_of(chunks[at]) <= width) {
      used += size_of(chunks[at]);
      row.push_back(chunks[at++]);
    }
    if (at < chunks.size() && size_of(chunks[at]) > width) {
      const std::int64_t left = width - used;
      if (break_long) {
        std::size_t cut = bytes_of(chunks[at], static_cast<std::size_t>(std::max<std::int64_t>(left, width < 1 ? 1 : left)));
        if (hyphens && size_of(chunks[at]) > left) {
          const std::size_t hyphen = chunks[at].substr(0, cut).rfind('-');
          if (hyphen != std::string_view::npos && hyphen > 0 &&
              chunks[at].substr(0, hyphen).find_first_not_of('-') != std::string_view::npos) {
            cut = hyphen + 1;
          }
        }
        row.push_back(chunks[at].substr(0, cut));
        chunks[at] = chunks[at].substr(cut);
      } else if (row.empty()) {
        row.push_back(chunks[at++]);
      }
    }
    if (!row.empty() && blank(row.back())) row.pop_back();
    if (row.empty()) continue;
    if (any) out += by;
    for (const std::string_view chunk : row) out += chunk;
    if (out.size() > kMaxMadeBytes) break;
    any = true;
  }
  return out;
}

}  // namespace

Symbol filter_named(std::string_view name) { return static_cast<Symbol>(word_position(kNames, name)); }

Value call_filter(Runtime& runtime, Symbol filter, const Value& subject, const Arguments& arguments) {
  if (runtime.failed()) return undefined();
  // The commonest without ado.
  if (filter == kTrim && arguments.positional == nullptr && arguments.named == nullptr && subject.is(Kind::kText)) {
    Value value = runtime.stripped(subject, kBoth);
    value.markup = subject.markup;
    return value;
  }
  return Filters(runtime, subject, arguments).apply(static_cast<Filter>(filter));
}

}  // namespace tierwise::prompt
