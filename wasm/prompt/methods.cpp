// The methods of Python's values that the immutable sandbox lets templates call.
#include <algorithm>

#include "base/text.h"
#include "base/words.h"
#include "prompt/arguments.h"
#include "prompt/builtins.h"
#include "prompt/code_points.h"
#include "prompt/runtime.h"
#include "prompt/text_form.h"

namespace tierwise::prompt {
namespace {

enum TextMethod : Symbol {
  kCapitalize, kCasefold, kCenter, kCount, kEndswith, kFind, kFormat, kIndex, kIsalnum, kIsalpha, kIsdecimal, kIsdigit,
  kIslower, kIsnumeric, kIsspace, kIsupper, kJoin, kLjust, kLower, kLstrip, kPartition, kRemoveprefix, kRemovesuffix,
  kReplace, kRfind, kRindex, kRjust, kRpartition, kRsplit, kRstrip, kSplit, kSplitlines, kStartswith, kStrip, kSwapcase,
  kTitle, kUpper, kZfill
};
constexpr std::string_view kTextMethods =
    "capitalize casefold center count endswith find format index isalnum isalpha isdecimal isdigit islower "
    "isnumeric isspace isupper join ljust lower lstrip partition removeprefix removesuffix replace rfind "
    "rindex rjust rpartition rsplit rstrip split splitlines startswith strip swapcase title upper zfill";
// For bind_arguments.
constexpr const char* kTextParameters[] = {
    "0", "0", "1width,fillchar", "1sub,start,end", "1prefix,start,end", "1sub,start,end", nullptr,
    "1sub,start,end", "0", "0", "0", "0", "0", "0", "0", "0", "1iterable", "1width,fillchar", "0", "0chars",
    "1sep", "1affix", "1affix", "2old,new,count", "1sub,start,end", "1sub,start,end", "1width,fillchar",
    "1sep", "0sep,maxsplit", "0chars", "0sep,maxsplit", "0keepends", "1prefix,start,end", "0chars", "0",
    "0", "0", "1width",
};
// Those that would change the value are known, and refused when they are called.
constexpr std::string_view kDictMethods =
    "clear copy get items keys pop popitem setdefault update values";
constexpr std::string_view kListMethods =
    "append clear copy count extend index insert pop remove reverse sort";
constexpr std::string_view kLoopMethods =
    "changed cycle";
constexpr std::string_view kCyclerMethods =
    "next reset";

// Four bytes a character at most.
constexpr std::int64_t kMostWidth = kMaxMadeBytes / 4;

class TextMethods {
 public:
  TextMethods(Runtime& runtime, const Value& self, const Arguments& given)
      : runtime_(runtime), self_(self), given_(given) {}

  Value call(TextMethod method) {
    Value value = result(method);
    if (value.is(Kind::kText)) value.markup = self_.markup;
    return value;
  }

 private:
  Value result(TextMethod method) {
    const char* const parameters = kTextParameters[method];
    if (parameters == nullptr) return runtime_.fail("str.format is not supported: use the format filter.");
    if (!bind_arguments(runtime_, given_, parameters, value_)) return undefined();
    if (method == kStrip || method == kLstrip || method == kRstrip) return stripped(method);
    text_ = runtime_.look_into(self_);
    // Those that go through it character by character.
    const bool fast = method == kFind || method == kIndex || method == kCount || method == kSplit || method == kStartswith ||
                      method == kEndswith || method == kRemoveprefix || method == kRemovesuffix || method == kPartition ||
                      method == kJoin || method == kReplace;
    if (!fast) runtime_.charge_text(text_.size());
    if (runtime_.failed()) return undefined();
    switch (method) {
      case kCapitalize: return made(capitalize(text_));
      case kLower: return made(to_lower(text_));
      case kUpper: return made(to_upper(text_));
      case kTitle: return made(title(text_));
      case kCasefold:
      case kSwapcase: return letter_by_letter(method == kCasefold);
      case kCenter:
      case kLjust:
      case kRjust: return justified(method);
      case kZfill: return zero_filled();
      case kCount:
      case kFind:
      case kIndex:
      case kRfind:
      case kRindex: return found(method);
      case kStartswith:
      case kEndswith: return affix(method == kStartswith);
      case kIsalnum:
      case kIsalpha:
      case kIsdecimal:
      case kIsdigit:
      case kIsnumeric:
      case kIsspace:
      case kIslower:
      case kIsupper: return boolean(all(method));
      case kJoin: return joined();
      case kPartition:
      case kRpartition: return partition(method == kRpartition);
      case kRemoveprefix:
      case kRemovesuffix: return removed(method == kRemoveprefix);
      case kReplace: return replaced();
      case kSplit:
      case kRsplit: return split(method == kRsplit);
      case kSplitlines: return lines();
      default: return undefined();
    }
  }

  Value made(const std::string& text) { return runtime_.new_text(text); }
  bool given(std::size_t i) const { return !value_[i].is(Kind::kMissing) && !value_[i].is(Kind::kNone); }
  std::string_view argument(std::size_t i) {
    if (!value_[i].is(Kind::kText)) runtime_.refuse("This needs a text, not a {}.", value_[i]);
    return runtime_.look_into(value_[i]);
  }
  std::int64_t whole(std::size_t i, std::int64_t otherwise) {
    if (!given(i)) return otherwise;
    if (!value_[i].is_whole()) runtime_.refuse("This needs a whole number, not a {}.", value_[i]);
    return value_[i].is_whole() ? value_[i].whole() : otherwise;
  }
  void add(Items& list, std::string_view part) { append(runtime_.arena(), list, text(part)); }

  Value stripped(TextMethod method) {
    const unsigned sides = method == kStrip ? kBoth : method == kLstrip ? kLeft : kRight;
    if (!given(0)) return runtime_.stripped(self_, sides);
    const std::string_view characters = argument(0);
    runtime_.charge(self_.size / 16 + std::uint64_t{self_.size} * characters.size() / 1024);
    return runtime_.failed() ? undefined() : text(strip(runtime_.look_into(self_), sides, characters));
  }

  Value letter_by_letter(bool folds) {
    std::string out;
    for (std::size_t at = 0; at < text_.size();) {
      const std::size_t begin = at;
      const std::uint32_t c = next_code_point(text_, at);
      const std::string_view letter = text_.substr(begin, at - begin);
      if (folds) {
        // The small form of the large one, so that ß is ss; ı alone has none.
        out += c == 0x131 ? std::string(letter) : to_lower(to_upper(letter));
      } else {
        out += is_upper(c) ? to_lower(letter) : to_upper(letter);
      }
    }
    return made(out);
  }

  Value justified(TextMethod method) {
    const std::int64_t width = whole(0, 0);
    const std::string_view by = given(1) ? argument(1) : " ";
    if (runtime_.failed()) return undefined();
    if (count_code_points(by) != 1) return runtime_.fail("This needs one character.");
    const auto size = static_cast<std::int64_t>(count_code_points(text_));
    if (width <= size) return self_;
    if (width > kMostWidth || !runtime_.charge_text(static_cast<std::size_t>(width))) return runtime_.fail(kTooMuch);
    const std::int64_t space = width - size;
    const std::int64_t left = method == kLjust ? 0 : method == kRjust ? space : space / 2 + (space & width & 1);
    std::string out;
    for (std::int64_t i = 0; i < left; ++i) out += by;
    out += text_;
    for (std::int64_t i = left; i < space; ++i) out += by;
    return made(out);
  }

  Value zero_filled() {
    const std::int64_t width = whole(0, 0);
    const auto size = static_cast<std::int64_t>(count_code_points(text_));
    if (width <= size || runtime_.failed()) return self_;
    if (width > kMostWidth || !runtime_.charge_text(static_cast<std::size_t>(width))) return runtime_.fail(kTooMuch);
    const bool sign = !text_.empty() && (text_[0] == '-' || text_[0] == '+');
    return made(std::string(text_.substr(0, sign ? 1 : 0)) + std::string(static_cast<std::size_t>(width - size), '0') +
                std::string(text_.substr(sign ? 1 : 0)));
  }

  // The bytes from the arguments `start` to `end`, and where they begin; false when they lie behind each other.
  bool range(std::string_view& part, std::int64_t& start) {
    const auto size = static_cast<std::int64_t>(count_code_points(text_));
    const auto bound = [&](std::size_t i, std::int64_t otherwise) {
      std::int64_t at = whole(i, otherwise);
      if (at < 0) at = std::max<std::int64_t>(0, at + size);
      return at;
    };
    start = bound(1, 0);
    const std::int64_t end = std::min(bound(2, size), size);
    if (start > end) return false;
    const std::size_t begin = bytes_of(text_, static_cast<std::size_t>(start));
    part = text_.substr(begin, bytes_of(text_.substr(begin), static_cast<std::size_t>(end - start)));
    return true;
  }

  Value found(TextMethod method) {
    const std::string_view what = argument(0);
    std::string_view part;
    std::int64_t start = 0;
    const bool sound = range(part, start);
    if (runtime_.failed()) return undefined();
    if (method == kCount) {
      if (!sound) return integer(0);
      if (what.empty()) return integer(static_cast<std::int64_t>(count_code_points(part)) + 1);
      std::int64_t count = 0;
      for (std::size_t at = 0; (at = runtime_.search(part, what, at)) != std::string_view::npos; at += what.size()) ++count;
      return integer(count);
    }
    const bool last = method == kRfind || method == kRindex;
    const std::size_t at = !sound ? std::string_view::npos : last ? runtime_.search_last(part, what) : runtime_.search(part, what);
    if (runtime_.failed()) return undefined();
    if (at != std::string_view::npos) {
      return integer(start + static_cast<std::int64_t>(count_code_points(part.substr(0, at))));
    }
    if (method == kIndex || method == kRindex) return runtime_.fail("That is not in it.");
    return integer(-1);
  }

  Value affix(bool front) {
    std::string_view part;
    std::int64_t start = 0;
    const bool sound = range(part, start);
    const auto matches = [&](const Value& value) {
      if (!value.is(Kind::kText)) {
        runtime_.refuse("This needs a text, not a {}.", value);
        return false;
      }
      const std::string_view what = runtime_.look_into(value);
      if (!sound || what.size() > part.size()) return false;
      return (front ? part.substr(0, what.size()) : part.substr(part.size() - what.size())) == what;
    };
    if (!value_[0].is(Kind::kTuple)) return boolean(matches(value_[0]));
    bool any = false;
    for (std::uint32_t i = 0; i < value_[0].items->size && !any && runtime_.charge(1); ++i) any = matches(value_[0].items->data[i]);
    return boolean(any);
  }

  bool all(TextMethod method) const {
    bool any = false;
    for (std::size_t at = 0; at < text_.size();) {
      const std::uint32_t c = next_code_point(text_, at);
      const bool is_digit = c >= '0' && c <= '9';
      bool holds = false;
      switch (method) {
        case kIsalnum:
          holds = is_word(c) && c != '_';
          break;
        case kIsalpha:
          holds = is_word(c) && c != '_' && !is_digit;
          break;
        case kIsspace:
          holds = is_space(c);
          break;
        case kIslower:
        case kIsupper: {
          const bool upper = method == kIsupper;
          if (upper ? is_lower(c) : is_upper(c)) return false;
          any = any || (upper ? is_upper(c) : is_lower(c));
          continue;
        }
        default:
          holds = is_digit;
      }
      if (!holds) return false;
      any = true;
    }
    return any;
  }

  Value joined() {
    const Items* list = runtime_.iterate(value_[0]);
    Value out = text("");
    for (std::uint32_t i = 0; list != nullptr && i < list->size && runtime_.charge(1); ++i) {
      if (!list->data[i].is(Kind::kText)) {
        return runtime_.refuse("This needs a text, not a {}.", list->data[i]);
      }
      if (i > 0) out = runtime_.add(out, text(text_));
      out = runtime_.add(out, list->data[i]);
    }
    return out;
  }

  Value partition(bool last) {
    const std::string_view by = argument(0);
    if (runtime_.failed()) return undefined();
    if (by.empty()) return runtime_.fail("The separator cannot be empty.");
    const std::size_t at = last ? runtime_.search_last(text_, by) : runtime_.search(text_, by);
    Items* parts = runtime_.new_items(3);
    if (at == std::string_view::npos) {
      add(*parts, last ? "" : text_);
      add(*parts, "");
      add(*parts, last ? text_ : "");
    } else {
      add(*parts, text_.substr(0, at));
      add(*parts, by);
      add(*parts, text_.substr(at + by.size()));
    }
    return items(Kind::kTuple, parts);
  }

  Value removed(bool front) {
    const std::string_view what = argument(0);
    if (what.size() > text_.size() || runtime_.failed()) return self_;
    const std::size_t rest = text_.size() - what.size();
    if (front) return text_.substr(0, what.size()) == what ? text(text_.substr(what.size())) : self_;
    return text_.substr(rest) == what ? text(text_.substr(0, rest)) : self_;
  }

  Value replaced() {
    const std::string_view from = argument(0);
    const std::string_view to = argument(1);
    std::int64_t count = value_[2].is(Kind::kMissing) ? -1 : whole(2, -1);
    if (value_[2].is(Kind::kNone)) return runtime_.fail("This needs a whole number.");
    if (runtime_.failed()) return undefined();
    std::string out;
    std::size_t at = 0;
    // Of nothing there is one before each character and at the end.
    while (count != 0) {
      if (out.size() > kMaxMadeBytes || !runtime_.charge(to.size() / 64)) return runtime_.fail(kTooMuch);
      const std::size_t next = from.empty() ? at : runtime_.search(text_, from, at);
      if (next == std::string_view::npos) break;
      out += text_.substr(at, next - at);
      out += to;
      at = next + from.size();
      --count;
      if (!from.empty()) continue;
      if (at >= text_.size()) break;
      const std::size_t step = bytes_of(text_.substr(at), 1);
      out += text_.substr(at, step);
      at += step;
    }
    out += text_.substr(std::min(at, text_.size()));
    runtime_.charge_text(out.size());
    return made(out);
  }

  Value split(bool from_right) {
    const std::int64_t most = whole(1, -1);
    if (value_[1].is(Kind::kNone)) return runtime_.fail("This needs a whole number.");
    Items* parts = runtime_.new_items();
    const auto more = [&] { return runtime_.charge(1) && (most < 0 || parts->size < most); };
    if (!given(0)) {
      std::string_view rest = strip(text_, from_right ? kRight : kLeft);
      runtime_.charge_text(rest.size());
      while (!rest.empty()) {
        if (!more()) {
          add(*parts, strip(rest, from_right ? kRight : kLeft));
          break;
        }
        // One word, at the end that is worked on.
        std::size_t at = from_right ? rest.size() : 0;
        for (;;) {
          std::size_t begin = at;
          if (from_right ? at == 0 : at >= rest.size()) break;
          if (from_right) {
            --begin;
            while (begin > 0 && (static_cast<std::uint8_t>(rest[begin]) & 0xC0) == 0x80) --begin;
          }
          std::size_t next = begin;
          if (is_space(next_code_point(rest, next))) break;
          at = from_right ? begin : next;
        }
        add(*parts, from_right ? rest.substr(at) : rest.substr(0, at));
        rest = strip(from_right ? rest.substr(0, at) : rest.substr(at), from_right ? kRight : kLeft);
      }
    } else {
      const std::string_view by = argument(0);
      if (runtime_.failed()) return undefined();
      if (by.empty()) return runtime_.fail("The separator cannot be empty.");
      std::string_view rest = text_;
      while (more()) {
        const std::size_t at = from_right ? runtime_.search_last(rest, by) : runtime_.search(rest, by);
        if (at == std::string_view::npos) break;
        add(*parts, from_right ? rest.substr(at + by.size()) : rest.substr(0, at));
        rest = from_right ? rest.substr(0, at) : rest.substr(at + by.size());
      }
      add(*parts, rest);
    }
    if (from_right) std::reverse(parts->data, parts->data + parts->size);
    return items(Kind::kList, parts);
  }

  Value lines() {
    Items* list = runtime_.new_items();
    const bool keep = truth(value_[0]);
    for (std::size_t at = 0; at < text_.size() && runtime_.charge(1);) {
      const std::size_t begin = at;
      const std::string_view line = next_line(text_, at);
      add(*list, keep ? text_.substr(begin, at - begin) : line);
    }
    return items(Kind::kList, list);
  }

  Runtime& runtime_;
  const Value& self_;
  const Arguments& given_;
  std::string_view text_;
  Value value_[3];
};

Value dict_method(Runtime& runtime, const Value& self, std::string_view name, const Arguments& given) {
  const Dict& entries = *self.dict;
  if (name == "get") {
    Value value[2];
    if (!bind_arguments(runtime, given, "1key,default", value)) return undefined();
    if (!runtime.is_key(value[0])) return runtime.fail("This cannot be a key.");
    if (const Value* found = find(entries, value[0])) return *found;
    return value[1].is(Kind::kMissing) ? none() : value[1];
  }
  if (name != "items" && name != "keys" && name != "values" && name != "copy") {
    return runtime.fail("{} would change the value.", name);
  }
  if (!bind_arguments(runtime, given, "0", nullptr)) return undefined();
  if (name == "copy") return self;
  Items* list = runtime.new_items(entries.size);
  list->label = name == "items" ? "dict_items" : name == "keys" ? "dict_keys" : "dict_values";
  for (std::uint32_t i = 0; i < entries.size && runtime.charge(1); ++i) {
    const Dict::Entry& entry = entries.entries[i];
    if (name == "items") {
      Items* pair = runtime.new_items(2);
      append(runtime.arena(), *pair, entry.key);
      append(runtime.arena(), *pair, entry.value);
      append(runtime.arena(), *list, items(Kind::kTuple, pair));
    } else {
      append(runtime.arena(), *list, name == "keys" ? entry.key : entry.value);
    }
  }
  return items(Kind::kView, list);
}

Value list_method(Runtime& runtime, const Value& self, std::string_view name, const Arguments& given) {
  if (name == "copy") return self;
  if (name != "count" && name != "index") return runtime.fail("{} would change the value.", name);
  Value value;
  if (!bind_arguments(runtime, given, "1value", &value)) return undefined();
  std::int64_t count = 0;
  for (std::uint32_t i = 0; i < self.items->size && !runtime.failed(); ++i) {
    if (!runtime.equals(self.items->data[i], value)) continue;
    if (name == "index") return integer(i);
    ++count;
  }
  return name == "count" ? integer(count) : runtime.fail("That is not in it.");
}

Value loop_method(Runtime& runtime, const Value& self, std::string_view name, const Arguments& given) {
  Loop& loop = *self.loop;
  if (given.named != nullptr) return runtime.fail("Arguments by place are needed.");
  if (name == "cycle") {
    return given.count == 0 ? runtime.fail("Arguments by place are needed.") : given.positional[loop.index % given.count];
  }
  Items* asked = runtime.new_items(given.count);
  for (std::uint32_t i = 0; i < given.count; ++i) append(runtime.arena(), *asked, given.positional[i]);
  const bool changed = loop.last == nullptr || !runtime.equals(items(Kind::kTuple, loop.last), items(Kind::kTuple, asked));
  loop.last = asked;
  return boolean(changed);
}

}  // namespace

bool has_method(const Value& self, std::string_view name) {
  switch (self.kind) {
    case Kind::kText:
      return has_word(kTextMethods, name);
    case Kind::kDict:
      return has_word(kDictMethods, name);
    case Kind::kList:
      return has_word(kListMethods, name);
    case Kind::kView:
      if (self.items->label[0] != 'r') return false;
      [[fallthrough]];
    case Kind::kTuple:
      return name == "count" || name == "index";
    case Kind::kLoop:
      return has_word(kLoopMethods, name);
    case Kind::kCycler:
      return has_word(kCyclerMethods, name);
    default:
      return false;
  }
}

Value call_method(Runtime& runtime, const Value& self, std::string_view name, const Arguments& given) {
  if (runtime.failed()) return undefined();
  switch (self.kind) {
    case Kind::kText:
      return TextMethods(runtime, self, given)
          .call(static_cast<TextMethod>(word_position(kTextMethods, name)));
    case Kind::kDict:
      return dict_method(runtime, self, name, given);
    case Kind::kLoop:
      return loop_method(runtime, self, name, given);
    case Kind::kCycler: {
      Items& cycler = *self.items;
      if (name == "reset") {
        cycler.taken = 0;
        return none();
      }
      return cycler.data[cycler.taken++ % cycler.size];
    }
    default:
      return list_method(runtime, self, name, given);
  }
}

}  // namespace tierwise::prompt
