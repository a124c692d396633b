// Jinja2's built-in filters (jinja2/filters.py), but for those that are about HTML or chance. Those that Python makes
// generators of give iterators: always true, without a length.
#include <algorithm>
#include <cmath>
#include <utility>

#include "base/ascii.h"
#include "base/text.h"
#include "base/words.h"
#include "prompt/arguments.h"
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
// Characters of an indentation.
constexpr std::int64_t kMostIndent = 100'000;
// Of tojson, for each level.
constexpr std::int64_t kMostJsonIndent = 1000;

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

class Filters : public BuiltIn {
 public:
  using BuiltIn::BuiltIn;

  Value apply(Filter filter) {
    const char* const parameters = kParameters[filter];
    bound_ = parameters == nullptr || bind(parameters);
    Value value = bound_ ? result(filter) : missing();
    if (!failed()) {
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
        return runtime_.put_off(rows_ == nullptr ? new_items() : rows_);
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
        Items* all = new_items();
        for (Each each(runtime_, iterate()); const Value* item = each.next();) add(*all, *item);
        return items(Kind::kList, all);
      }
      case kMax:
      case kMin: return extreme(filter == kMax);
      case kMap:
      case kReject:
      case kRejectattr:
      case kSelect:
      case kSelectattr: return pick(filter);
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
      case kTrim: return stripped(runtime_.as_text(subject_), kBoth, 0);
      case kTruncate: return truncate();
      case kUnique: return unique();
      case kUrlencode: return urlencode();
      case kWordcount: return wordcount();
      case kWordwrap: return wordwrap();
    }
    return missing();
  }

  static Value missing() { return undefined(); }
  std::string_view subject_text() { return counted(runtime_.as_text(subject_)); }
  // The subject, which must be a text.
  std::string_view real_text() {
    if (!subject_.is(Kind::kText)) refuse("This needs a text, not a {}.", subject_);
    return counted(subject_);
  }
  Items* iterate() { return runtime_.iterate(subject_); }
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
      if (dot == std::string_view::npos || failed()) return value;
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
    append_case(out_, counted(value), Case::kLower);
    return made();
  }
  // What an element is sorted and compared by: the arguments of these numbers.
  Value key_of(const Value& element, std::size_t path, std::size_t case_sensitive, const Value* otherwise = nullptr) {
    return folded(attribute_of(element, value_[path], otherwise), truth(value_[case_sensitive]));
  }

  // The second of each row, in the order of the first. `direction` is Python's reverse: a number, or nothing.
  Items* sorted(Dict& rows, const Value& direction = {}) {
    Items* out = new_items(rows.size);
    if (!direction.is(Kind::kMissing) && !(direction.is_whole() && std::abs(direction.whole() / 2) <= INT32_MAX / 2)) {
      fail("reverse is true or false.");
    }
    Doubt doubt = runtime_.new_doubt();
    if (failed()) return out;
    sort(rows.entries, rows.size, truth(direction), doubt);
    runtime_.settle(doubt);
    if (doubt.refused) fail("These values have no order.");
    for (std::uint32_t i = 0; i < rows.size; ++i) add(*out, rows.entries[i].value);
    return out;
  }
  using BuiltIn::add;
  void add(Dict& rows, const Value& key, const Value& value) { append(runtime_.arena(), rows, key, value); }

  // ---- numbers

  Value absolute() {
    if (subject_.is(Kind::kReal)) return real(std::fabs(subject_.real));
    if (!subject_.is_whole()) return refuse("This needs a number, not a {}.", subject_);
    const std::int64_t number = subject_.whole();
    if (number == INT64_MIN) return fail(kTooLong);
    return integer(number < 0 ? -number : number);
  }

  Value round() {
    const std::int64_t precision = whole(0, 0);
    const std::string_view method = argument(1, "common");
    if (!subject_.is_number()) return refuse("This needs a number, not a {}.", subject_);
    if (method != "common" && method != "ceil" && method != "floor") {
      return fail("The method of round is common, ceil or floor.");
    }
    const auto places = static_cast<int>(std::min<std::int64_t>(std::max<std::int64_t>(precision, -500), 500));
    runtime_.charge_digits(subject_.number());
    if (method == "common") {
      if (!subject_.is_whole()) return real(round_to(subject_.real, places));
      if (places >= 0) return integer(subject_.whole());
      const double rounded = round_to(subject_.number(), places);
      if (std::fabs(rounded) >= 9.2e18) return fail(kTooLong);
      return integer(static_cast<std::int64_t>(rounded));
    }
    const double scale = power(10.0, static_cast<double>(std::abs(places)));
    const double scaled = places >= 0 ? subject_.number() * scale : subject_.number() / scale;
    if (!std::isfinite(scaled)) return fail("This is too large.");
    const double rounded = method == "ceil" ? std::ceil(scaled) : std::floor(scaled);
    return real((places >= 0 ? rounded / scale : rounded * scale) + 0.0);
  }

  Value to_int() {
    const Value otherwise = or_else(0, integer(0));
    double number = 0;
    if (subject_.is(Kind::kText)) {
      std::int64_t value = 0;
      const std::string_view from = counted(subject_);
      // As Jinja2: what is no base leaves the text to be read as a float.
      const Value base = or_else(1, integer(10));
      const bool is_base = base.is_whole() && (base.whole() == 0 || (base.whole() >= 2 && base.whole() <= 36));
      const Read read = is_base ? read_whole(from, base.whole(), value) : Read::kNo;
      if (read == Read::kYes) return integer(value);
      if (read == Read::kOverflows) return fail(kTooLong);
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
    if (std::fabs(number) >= 9.2e18) return fail(kTooLong);
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
      return fail("This needs a number.");
    }
    const bool binary = truth(value_[0]);
    const double base = binary ? 1024 : 1000;
    if (bytes == 1) return text("1 Byte");
    if (bytes < base || std::isnan(bytes)) {
      if (!(std::fabs(bytes) < 9.2e18)) return fail("This is too large.");
      out_ = digits(static_cast<std::int64_t>(bytes));
      out_ += " Bytes";
      return made();
    }
    static constexpr std::string_view kPrefixes = "kMGTPEZY";
    double unit = base;
    for (std::size_t i = 0; i < kPrefixes.size(); ++i) {
      unit *= base;
      if (bytes >= unit && i + 1 < kPrefixes.size()) continue;
      append_fixed(out_, base * bytes / unit, 1);
      out_ += ' ';
      out_ += binary && kPrefixes[i] == 'k' ? 'K' : kPrefixes[i];
      out_ += binary ? "iB" : "B";
      break;
    }
    return made();
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
    append_case(out_, subject_text(), Case::kWords);
    return made();
  }

  // The argument is a text, or a number of blanks.
  std::string_view indentation(std::size_t i, std::int64_t otherwise) {
    if (value_[i].is(Kind::kText)) return runtime_.look_into(value_[i]);
    const std::int64_t width = whole(i, otherwise);
    if (width > kMostIndent) fail("This is too large.");
    if (failed() || width <= 0) return {};
    out_.assign(static_cast<std::size_t>(width), ' ');
    return made().view();
  }

  Value indent() {
    if (subject_.is(Kind::kUndefined)) return runtime_.attribute(subject_, "lines");
    const std::string_view from = real_text();
    const std::string_view by = indentation(0, 4);
    if (failed()) return missing();
    const std::string all = std::string(from) + '\n';
    if (truth(value_[1])) out_ = by;
    for (std::size_t at = 0; at < all.size();) {
      const bool first = at == 0;
      const std::string_view line = next_line(all, at);
      if (!goes_on((line.size() + by.size()) / 64)) return missing();
      if (!first) {
        out_ += '\n';
        if (truth(value_[2]) || !line.empty()) out_ += by;
      }
      out_ += line;
    }
    return made();
  }

  Value truncate() {
    const std::int64_t length = whole(0, 255);
    const Value size = this->length(subject_);
    if (failed()) return missing();
    const std::string_view end = argument(2, "...");
    const std::int64_t leeway = given(3) ? whole(3, 5) : 5;
    const auto end_size = static_cast<std::int64_t>(count_code_points(end));
    if (length < end_size || leeway < 0) return fail("This is too short for the end mark.");
    if (size.integer - leeway <= length) return subject_;
    const std::string_view from = real_text();
    out_ = from.substr(0, bytes_of(from, static_cast<std::size_t>(length - end_size)));
    if (!truth(value_[1])) out_.resize(std::min(out_.size(), out_.rfind(' ')));
    out_ += end;
    return made();
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

  Value wordwrap();
  void wrap_line(std::string_view line, std::size_t width, bool break_long, std::string_view by, bool hyphens);

  void quote(const Value& value, bool query) {
    for (const char c : counted(runtime_.as_text(value))) {
      if (out_.size() > kMaxMadeBytes) break;
      if (is_letter(c) || is_digit(c) || std::string_view(query ? "_.-~" : "_.-~/").find(c) != std::string_view::npos) {
        out_ += c;
      } else if (c == ' ' && query) {
        out_ += '+';
      } else {
        out_ += '%';
        out_ += "0123456789ABCDEF"[static_cast<std::uint8_t>(c) >> 4];
        out_ += "0123456789ABCDEF"[static_cast<std::uint8_t>(c) & 15];
      }
    }
  }
  Value urlencode() {
    if (!subject_.is_items() && !subject_.is(Kind::kDict)) {
      quote(subject_, false);
      return made();
    }
    const Items* list = subject_.is(Kind::kDict) ? pairs().items : iterate();
    bool first = true;
    for (Each each(runtime_, list); const Value* item = each.next();) {
      const Items* pair = runtime_.iterate(*item);
      if (pair == nullptr || pair->size != 2) return fail("This needs pairs.");
      if (!goes_on(0)) return missing();
      if (!std::exchange(first, false)) out_ += '&';
      quote(pair->data[0], true);
      out_ += '=';
      quote(pair->data[1], true);
    }
    return made();
  }

  Value format() {
    if (given_.count > 0 && given_.named != nullptr) return fail("Values are given by place or by name, not both.");
    const Value pattern = runtime_.as_text(subject_);
    if (given_.named != nullptr) return runtime_.format(pattern, dict(const_cast<Dict*>(given_.named)));
    return runtime_.format(pattern, runtime_.tuple_of(given_));
  }

  Value replace() {
    const Value call[] = {runtime_.as_text(value_[0]), runtime_.as_text(value_[1]), or_else(2, integer(-1))};
    return method("replace", call, value_[2].is(Kind::kNone) ? 2 : 3);
  }

  Value to_json() {
    JsonStyle style;
    if (value_[1].is_whole() && value_[1].whole() > kMostJsonIndent) value_[1] = integer(kMostJsonIndent);
    if (given(1)) style.indent = indentation(1, 0);
    if (style.indent && style.indent->size() > kMostJsonIndent) return fail("This is too large.");
    style.ensure_ascii = truth(value_[0]);
    style.sort_keys = truth(value_[3]);
    style.item_separator = style.indent ? "," : ", ";
    style.key_separator = ": ";
    if (given(2)) {
      const Items* pair = runtime_.iterate(value_[2]);
      if (pair == nullptr || pair->size != 2 || !pair->data[0].is(Kind::kText) || !pair->data[1].is(Kind::kText)) {
        return fail("This needs two texts.");
      }
      style.item_separator = runtime_.look_into(pair->data[0]);
      style.key_separator = runtime_.look_into(pair->data[1]);
    }
    if (!runtime_.closed(subject_) || failed()) return missing();
    const bool whole = append_json(out_, subject_, style);
    if (!goes_on(out_.size() / 8)) return missing();
    return whole ? made() : refuse("This {} has no form in JSON.", subject_);
  }

  // ---- lists

  Value by_attribute() {
    if (!value_[0].is(Kind::kText)) return fail("This needs a text.");
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
    return refuse("A {} has no length.", value);
  }

  Value end_of(bool last) {
    if (last && subject_.is(Kind::kIterator)) return fail("The last of an iterator is not known: use list first.");
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
    Items* list = new_items();
    if (subject_.is(Kind::kUndefined)) return items(Kind::kIterator, list);
    if (!subject_.is(Kind::kDict)) return fail("This needs a dictionary.");
    for (std::uint32_t i = 0; i < subject_.dict->size && runtime_.charge(1); ++i) {
      add(*list, runtime_.pair(subject_.dict->entries[i].key, subject_.dict->entries[i].value));
    }
    return items(Kind::kIterator, list);
  }

  Value join() {
    Each each(runtime_, iterate());
    Value by = runtime_.as_text(or_else(0, text("")));
    by.markup = false;
    Value out = text("");
    bool first = true;
    while (const Value* item = each.next()) {
      if (!std::exchange(first, false) && by.size > 0) out = runtime_.add(out, by);
      Value part = runtime_.as_text(attribute_of(*item, value_[1]));
      part.markup = false;
      out = runtime_.add(out, part);
    }
    return out;
  }

  // A list, as a row of what is made.
  Items* new_row() {
    Items* row = new_items();
    add(*rows_, items(Kind::kList, row));
    return row;
  }

  Value batch() {
    // What is no number no row ever is as long as.
    const std::int64_t size = value_[0].is_whole() ? value_[0].whole() : -1;
    Items* row = nullptr;
    Each each(runtime_, iterate());
    rows();
    while (const Value* item = each.next()) {
      if (row == nullptr && size == 0) new_row();
      if (row == nullptr || row->size == size) row = new_row();
      add(*row, *item);
    }
    if (row != nullptr && given(1)) {
      if (!value_[0].is_whole() && !(value_[0].is(Kind::kReal) && value_[0].real <= row->size)) {
        --rows_->size;
        return fail("This needs a whole number.");
      }
      if (size > row->size && !runtime_.charge(static_cast<std::uint64_t>(size) - row->size)) return missing();
      for (std::int64_t left = size - row->size; left > 0; --left) add(*row, value_[1]);
    }
    return items(Kind::kIterator, rows_);
  }

  Value slice() {
    const std::int64_t count = whole(0, 1);
    const Items* list = iterate();
    if (list == nullptr || failed()) return missing();
    if (count == 0) return fail("The number of parts cannot be 0.");
    rows();
    const std::int64_t each = list->size / count;
    const std::int64_t extra = list->size % count;
    std::uint32_t at = 0;
    if (count > 0) runtime_.charge(static_cast<std::uint64_t>(count));
    for (std::int64_t i = 0; i < count && runtime_.charge(0); ++i) {
      Items* row = new_row();
      for (std::int64_t k = 0; k < each + (i < extra ? 1 : 0); ++k) add(*row, list->data[at++]);
      if (given(1) && i >= extra) add(*row, value_[1]);
    }
    return items(Kind::kIterator, rows_);
  }

  Value dictsort() {
    if (!subject_.is(Kind::kDict)) {
      return subject_.is(Kind::kUndefined) ? runtime_.attribute(subject_, "items") : fail("This needs a dictionary.");
    }
    const std::string_view by = argument(1, "key");
    if (failed()) return missing();
    if (by != "key" && by != "value") return fail("dictsort sorts by key or by value.");
    Dict rows;
    for (Each each(runtime_, pairs().items); const Value* pair = each.next();) {
      add(rows, folded(pair->items->data[by == "key" ? 0 : 1], truth(value_[0])), *pair);
    }
    return items(Kind::kList, sorted(rows, value_[2]));
  }

  Value sort_items() {
    Dict rows;
    for (Each each(runtime_, iterate()); const Value* item = each.next();) {
      // A list even of one key, as Jinja2 has it: what is equal needs no order.
      Items* keys = new_items(1);
      Value path = value_[2];
      if (path.is(Kind::kText) && !path.opaque) {
        // Several attributes: by the first, then the next.
        for (std::string_view rest = path.view();;) {
          const std::size_t comma = rest.find(',');
          path = text(rest.substr(0, comma));
          if (comma == std::string_view::npos) break;
          rest.remove_prefix(comma + 1);
          add(*keys, folded(attribute_of(*item, path), truth(value_[1])));
        }
      }
      add(*keys, folded(attribute_of(*item, path), truth(value_[1])));
      add(rows, items(Kind::kList, keys), *item);
    }
    return items(Kind::kList, sorted(rows, value_[0]));
  }

  Value extreme(bool greatest) {
    Each each(runtime_, iterate());
    const Value* best = each.next();
    if (best == nullptr) return undefined("the end of nothing");
    Value best_key = key_of(*best, 1, 0);
    while (const Value* item = each.next()) {
      const Value key = key_of(*item, 1, 0);
      if (greatest ? runtime_.is_less(best_key, key) : runtime_.is_less(key, best_key)) {
        best = item;
        best_key = key;
      }
    }
    return *best;
  }

  Value unique() {
    Each each(runtime_, iterate());
    Items* out = rows();
    Dict seen;
    while (const Value* item = each.next()) {
      const Value key = key_of(*item, 1, 0);
      if (failed()) break;
      if (!runtime_.is_key(key)) return refuse("A {} cannot be a key.", key);
      if (find(seen, key) != nullptr) continue;
      put(runtime_.arena(), seen, key, none());
      add(*out, *item);
    }
    return items(Kind::kIterator, out);
  }

  Value groupby() {
    const Value* otherwise = given(1) ? &value_[1] : nullptr;
    Dict rows;
    for (Each each(runtime_, iterate()); const Value* item = each.next();) {
      add(rows, key_of(*item, 0, 2, otherwise), *item);
    }
    sorted(rows);
    Items* groups = new_items();
    const Dict::Entry* row = rows.entries;
    const Dict::Entry* const end = row + rows.size;
    while (row != end && runtime_.charge(1)) {
      Items* members = new_items();
      const Dict::Entry& first = *row;
      do add(*members, row++->value);
      while (row != end && runtime_.equals(first.key, row->key));
      // The key as the first of the group has it.
      const Value key = truth(value_[2]) ? first.key : attribute_of(first.value, value_[0], otherwise);
      const Value group = runtime_.pair(key, items(Kind::kList, members));
      group.items->label = kGroup;
      add(*groups, group);
    }
    return items(Kind::kList, groups);
  }

  Value sum() {
    Each each(runtime_, iterate());
    Value total = or_else(1, integer(0));
    if (total.is(Kind::kText)) return fail("sum adds no texts: use join.");
    while (const Value* item = each.next()) total = runtime_.add(total, attribute_of(*item, value_[0]));
    return total;
  }

  Value reverse() {
    if (subject_.is(Kind::kText)) {
      const std::string_view from = runtime_.look_into(subject_);
      for (std::size_t end = from.size(); end > 0;) {
        const std::size_t begin = previous(from, end);
        out_ += from.substr(begin, end - begin);
        end = begin;
      }
      return made();
    }
    const Items* list = iterate();
    if (list == nullptr) return missing();
    Items* out = new_items(list->size);
    for (std::uint32_t i = list->size; i > 0; --i) add(*out, list->data[i - 1]);
    // Only an iterator has to be made a list of before.
    return items(subject_.is(Kind::kIterator) ? Kind::kList : Kind::kIterator, out);
  }

  // What a lazy filter has made so far: an error ends it behind that.
  Items* rows() { return rows_ = new_items(); }

  // map, and select and reject, which take a test.
  Value pick(Filter filter) {
    // As Jinja2: what is empty is not even looked at.
    if (!truth(subject_)) return items(Kind::kIterator, new_items());
    const Items* list = iterate();
    Items* out = rows();
    if (list == nullptr || failed()) return missing();
    const bool maps = filter == kMap;
    Arguments rest = given_;
    const auto take = [&] { return rest.count == 0 ? nullptr : (--rest.count, rest.positional++); };
    const Value* path = nullptr;
    const Value* otherwise = nullptr;
    if (filter == kSelectattr || filter == kRejectattr) {
      path = take();
      if (path == nullptr) return fail("This needs the name of an attribute.");
    }
    const Value* name = take();
    if (maps && name == nullptr && given_.named != nullptr) {
      path = find(*given_.named, "attribute");
      otherwise = find(*given_.named, "default");
      if (path != nullptr && given_.named->size > (otherwise == nullptr ? 1U : 2U)) {
        return fail("There are too many arguments, or one is not known.");
      }
      if (otherwise != nullptr && otherwise->is(Kind::kNone)) otherwise = nullptr;
    }
    Symbol symbol = kNoSymbol;
    if (name != nullptr && name->is(Kind::kText)) symbol = maps ? filter_named(name->view()) : test_named(name->view());
    if (symbol == kNoSymbol && (maps ? path == nullptr : name != nullptr && list->size > 0)) {
      return fail(maps ? "This needs the name of a filter, or attribute=." : "There is no such test.");
    }
    for (Each each(runtime_, list); const Value* item = each.next();) {
      Value value = path == nullptr ? *item : attribute_of(*item, *path, otherwise);
      bool holds = true;
      if (maps) {
        if (symbol != kNoSymbol) value = call_filter(runtime_, symbol, value, rest);
      } else {
        holds = symbol == kNoSymbol ? truth(value) : call_test(runtime_, symbol, value, rest);
        if (filter == kReject || filter == kRejectattr) holds = !holds;
        value = *item;
      }
      if (!failed() && holds) add(*out, value);
    }
    return items(Kind::kIterator, out);
  }

  Items* rows_ = nullptr;
  // Whether the arguments were in order; map, select and reject look at theirs later.
  bool bound_ = true;
};

// Where the chunk of textwrap's word separator ends that begins at `at`: a run of its white space, a word, or the part
// of a word with hyphens.
std::size_t chunk_end(std::string_view line, std::size_t at, bool hyphens) {
  const auto is_gap = [&](std::size_t i) {
    return i >= line.size() || line[i] == ' ' || (line[i] >= 9 && line[i] <= 13);
  };
  const auto letter_at = [&](std::size_t i) {
    return i < line.size() && !is_digit(line[i]) && is_word(next_code_point(line, i));
  };
  const auto run_end = [&](std::size_t i) {
    while (i < line.size() && line[i] == '-') ++i;
    return i;
  };
  std::size_t i = at;
  if (is_gap(at)) {
    while (i < line.size() && is_gap(i)) ++i;
    return i;
  }
  const bool inside = at > 0 && !is_gap(at - 1);
  // An em-dash stands alone between two words.
  if (hyphens && inside && line[at] == '-') return run_end(at);
  while (!is_gap(++i)) {
    if (line[i] != '-' || !hyphens) continue;
    const std::size_t end = run_end(i);
    if (end - i > 1) {
      if (!is_gap(end)) return i;
      i = end - 1;
      continue;
    }
    // Two letters before, two behind: a place to break.
    const std::size_t last = previous(line, i);
    if (last == at || !letter_at(last) || !letter_at(previous(line, last)) || !letter_at(end)) continue;
    std::size_t next = end;
    next_code_point(line, next);
    if (letter_at(next) || (next < line.size() && line[next] == '-' && letter_at(next + 1))) return end;
  }
  return i;
}

// Python's textwrap.wrap with expand_tabs and replace_whitespace off, line by line.
Value Filters::wordwrap() {
  const std::string_view from = real_text();
  const std::int64_t width = std::min(whole(0, 79), static_cast<std::int64_t>(from.size()) + 1);
  const bool break_long = truth(or_else(1, boolean(true)));
  const std::string_view by = given(2) ? argument(2) : "\n";
  const bool hyphens = truth(or_else(3, boolean(true)));
  if (failed()) return missing();
  for (std::size_t at = 0; at < from.size();) {
    if (at > 0) out_ += by;
    if (width <= 0) return fail("The width cannot be 0.");
    wrap_line(next_line(from, at), static_cast<std::size_t>(width), break_long, by, hyphens);
    if (!goes_on(by.size() / 64)) return missing();
  }
  return made();
}

void Filters::wrap_line(std::string_view line, std::size_t width, bool break_long, std::string_view by, bool hyphens) {
  // The chunk that comes next.
  std::size_t at = 0;
  std::size_t end = 0;
  const auto advance = [&] {
    at = end;
    if (at < line.size()) end = chunk_end(line, at, hyphens);
  };
  // Not counted beyond the width.
  const auto size = [&] { return count_code_points(line.substr(at, bytes_of(line.substr(at, end - at), width + 1))); };
  const auto is_blank = [&](std::size_t begin, std::size_t stop) {
    return strip(line.substr(begin, stop - begin), kBoth).empty();
  };
  bool any = false;
  advance();
  while (at < line.size() && goes_on(1)) {
    if (any && is_blank(at, end)) advance();
    // A row, and its last chunk.
    const std::size_t begin = at;
    std::size_t last = at;
    std::size_t left = width;
    for (; at < line.size() && size() <= left; advance()) {
      left -= size();
      last = at;
    }
    if (at < line.size() && size() > width) {
      if (break_long) {
        last = at;
        const std::string_view chunk = line.substr(at, bytes_of(line.substr(at, end - at), left));
        at += chunk.size();
        const std::size_t hyphen = hyphens ? chunk.rfind('-') : std::string_view::npos;
        if (hyphen != std::string_view::npos &&
            chunk.substr(0, hyphen).find_first_not_of('-') != std::string_view::npos) {
          at = last + hyphen + 1;
        }
      } else if (at == begin) {
        advance();
      }
    }
    const std::size_t stop = last < at && is_blank(last, at) ? last : at;
    if (stop == begin) continue;
    if (any) out_ += by;
    out_ += line.substr(begin, stop - begin);
    any = true;
  }
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
