// The methods of Python's values that the immutable sandbox lets templates call.
#include <algorithm>
#include <utility>

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

class TextMethods : public BuiltIn {
 public:
  using BuiltIn::BuiltIn;

  Value call(TextMethod method) {
    Value value = result(method);
    if (value.is(Kind::kText)) value.markup = subject_.markup;
    if (value.is_items()) {
      for (std::uint32_t i = 0; i < value.items->size; ++i) value.items->data[i].markup = subject_.markup;
    }
    return value;
  }

 private:
  Value result(TextMethod method) {
    const char* const parameters = kTextParameters[method];
    if (parameters == nullptr) return fail("str.format is not supported: use the format filter.");
    if (!bind(parameters)) return undefined();
    if (method == kStrip || method == kLstrip || method == kRstrip) {
      return stripped(subject_, method == kStrip ? kBoth : method == kLstrip ? kLeft : kRight, 0);
    }
    text_ = runtime_.look_into(subject_);
    // Those that go through it character by character.
    const bool fast = method == kFind || method == kIndex || method == kCount || method == kSplit ||
                      method == kStartswith || method == kEndswith || method == kRemoveprefix ||
                      method == kRemovesuffix || method == kPartition || method == kJoin || method == kReplace;
    if (!fast) runtime_.charge_text(text_.size());
    if (failed()) return undefined();
    switch (method) {
      case kCapitalize: return in_case(Case::kCapital);
      case kLower: return in_case(Case::kLower);
      case kUpper: return in_case(Case::kUpper);
      case kTitle: return in_case(Case::kTitle);
      case kCasefold: return in_case(Case::kFolded);
      case kSwapcase: return in_case(Case::kSwapped);
      case kCenter:
      case kLjust:
      case kRjust:
      case kZfill: return justified(method);
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

  using BuiltIn::add;
  void add(Items& list, std::string_view part) { add(list, text(part)); }

  Value in_case(Case how) {
    append_case(out_, text_, how);
    return made();
  }

  Value justified(TextMethod method) {
    const std::int64_t width = whole(0, 0);
    const std::string_view by = method == kZfill ? "0" : argument(1, " ");
    if (failed()) return undefined();
    if (count_code_points(by) != 1) return fail("This needs one character.");
    const auto size = static_cast<std::int64_t>(count_code_points(text_));
    if (width <= size) return subject_;
    if (width > kMostWidth || !runtime_.charge_text(static_cast<std::size_t>(width))) return fail(kTooMuch);
    std::int64_t space = width - size;
    std::int64_t left = method == kLjust ? 0 : method == kCenter ? space / 2 + (space & width & 1) : space;
    if (method == kZfill && !text_.empty() && (text_[0] == '-' || text_[0] == '+')) {
      out_ = text_[0];
      text_.remove_prefix(1);
    }
    for (; space > 0; --space) {
      if (left-- == 0) out_ += text_;
      out_ += by;
    }
    if (left >= 0) out_ += text_;
    return made();
  }

  // The bytes from the arguments `start` to `end`, and where they begin; false when they lie behind each other.
  bool range(std::string_view& part, std::int64_t& start) {
    const auto size = static_cast<std::int64_t>(count_code_points(text_));
    const auto bound = [&](std::size_t i, std::int64_t otherwise) {
      std::int64_t at = given(i) ? whole(i, 0) : otherwise;
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
    if (failed()) return undefined();
    if (method == kCount) {
      if (!sound) return integer(0);
      if (what.empty()) return integer(static_cast<std::int64_t>(count_code_points(part)) + 1);
      std::int64_t count = 0;
      for (std::size_t at = 0; (at = runtime_.search(part, what, at)) != std::string_view::npos; at += what.size()) {
        ++count;
      }
      return integer(count);
    }
    const bool last = method == kRfind || method == kRindex;
    const std::size_t at = !sound ? std::string_view::npos
                           : last ? runtime_.search_last(part, what)
                                  : runtime_.search(part, what);
    if (failed()) return undefined();
    if (at != std::string_view::npos) {
      return integer(start + static_cast<std::int64_t>(count_code_points(part.substr(0, at))));
    }
    if (method == kIndex || method == kRindex) return fail("That is not in it.");
    return integer(-1);
  }

  Value affix(bool front) {
    std::string_view part;
    std::int64_t start = 0;
    const bool sound = range(part, start);
    const auto matches = [&](const Value& value) {
      if (!value.is(Kind::kText)) {
        refuse("This needs a text, not a {}.", value);
        return false;
      }
      const std::string_view what = runtime_.look_into(value);
      if (!sound || what.size() > part.size()) return false;
      return (front ? part.substr(0, what.size()) : part.substr(part.size() - what.size())) == what;
    };
    if (!value_[0].is(Kind::kTuple)) return boolean(matches(value_[0]));
    bool any = false;
    for (Each each(runtime_, value_[0].items); const Value* item = any ? nullptr : each.next();) any = matches(*item);
    return boolean(any);
  }

  bool all(TextMethod method) const {
    if (method == kIslower || method == kIsupper) return has_case(text_, method == kIsupper);
    for (std::size_t at = 0; at < text_.size();) {
      const std::uint32_t c = next_code_point(text_, at);
      const bool digit = c >= '0' && c <= '9';
      const bool letters = method == kIsalnum || method == kIsalpha;
      const bool holds = method == kIsspace ? is_space(c)
                         : letters          ? is_word(c) && c != '_' && !(digit && method == kIsalpha)
                                            : digit;
      if (!holds) return false;
    }
    return !text_.empty();
  }

  Value joined() {
    Value out = text("");
    bool first = true;
    for (Each each(runtime_, runtime_.iterate(value_[0])); const Value* item = each.next();) {
      if (!item->is(Kind::kText)) return refuse("This needs a text, not a {}.", *item);
      if (!std::exchange(first, false)) out = runtime_.add(out, text(text_));
      out = runtime_.add(out, *item);
    }
    return out;
  }

  Value partition(bool last) {
    const std::string_view by = argument(0);
    if (failed()) return undefined();
    if (by.empty()) return fail("The separator cannot be empty.");
    std::size_t at = last ? runtime_.search_last(text_, by) : runtime_.search(text_, by);
    // Where it is not, it stands at one end, empty.
    std::size_t size = by.size();
    if (at == std::string_view::npos) {
      at = last ? 0 : text_.size();
      size = 0;
    }
    Items* parts = new_items(3);
    add(*parts, text_.substr(0, at));
    add(*parts, text_.substr(at, size));
    add(*parts, text_.substr(at + size));
    return items(Kind::kTuple, parts);
  }

  Value removed(bool front) {
    const std::string_view what = argument(0);
    if (what.size() > text_.size() || failed()) return subject_;
    const std::size_t rest = text_.size() - what.size();
    const bool has = text_.substr(front ? 0 : rest, what.size()) == what;
    return has ? text(text_.substr(front ? what.size() : 0, rest)) : subject_;
  }

  Value replaced() {
    const std::string_view from = argument(0);
    const std::string_view to = argument(1);
    std::int64_t count = whole(2, -1);
    if (failed()) return undefined();
    std::size_t at = 0;
    // Of nothing there is one before each character and at the end.
    while (count != 0) {
      if (!goes_on(to.size() / 64)) return undefined();
      const std::size_t next = from.empty() ? at : runtime_.search(text_, from, at);
      if (next == std::string_view::npos) break;
      out_ += text_.substr(at, next - at);
      out_ += to;
      at = next + from.size();
      --count;
      if (!from.empty()) continue;
      if (at >= text_.size()) break;
      const std::size_t step = bytes_of(text_.substr(at), 1);
      out_ += text_.substr(at, step);
      at += step;
    }
    out_ += text_.substr(std::min(at, text_.size()));
    runtime_.charge_text(out_.size());
    return made();
  }

  Value split(bool from_right) {
    const std::int64_t most = whole(1, -1);
    Items* parts = new_items();
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
          if (from_right ? at == 0 : at >= rest.size()) break;
          const std::size_t begin = from_right ? previous(rest, at) : at;
          std::size_t next = begin;
          if (is_space(next_code_point(rest, next))) break;
          at = from_right ? begin : next;
        }
        add(*parts, from_right ? rest.substr(at) : rest.substr(0, at));
        rest = strip(from_right ? rest.substr(0, at) : rest.substr(at), from_right ? kRight : kLeft);
      }
    } else {
      const std::string_view by = argument(0);
      if (failed()) return undefined();
      if (by.empty()) return fail("The separator cannot be empty.");
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
    Items* list = new_items();
    const bool keep = truth(value_[0]);
    for (std::size_t at = 0; at < text_.size() && runtime_.charge(1);) {
      const std::size_t begin = at;
      const std::string_view line = next_line(text_, at);
      add(*list, keep ? text_.substr(begin, at - begin) : line);
    }
    return items(Kind::kList, list);
  }

  std::string_view text_;
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
  const std::size_t method = word_position("items keys values copy", name);
  if (method == kNoWord) return runtime.fail("{} would change the value.", name);
  if (!bind_arguments(runtime, given, "0", nullptr)) return undefined();
  if (method == 3) return self;
  Items* list = runtime.new_items(entries.size);
  list->label = method == 0 ? "dict_items" : method == 1 ? "dict_keys" : "dict_values";
  for (std::uint32_t i = 0; i < entries.size && runtime.charge(1); ++i) {
    const Dict::Entry& entry = entries.entries[i];
    const Value one = method == 0 ? runtime.pair(entry.key, entry.value) : method == 1 ? entry.key : entry.value;
    append(runtime.arena(), *list, one);
  }
  return items(Kind::kView, list);
}

Value list_method(Runtime& runtime, const Value& self, std::string_view name, const Arguments& given) {
  if (name == "copy") return bind_arguments(runtime, given, "0", nullptr) ? self : undefined();
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
  if (name == "cycle") {
    if (given.count == 0) return runtime.fail("Arguments by place are needed.");
    return given.positional[loop.index % given.count];
  }
  const Value asked = runtime.tuple_of(given);
  const bool changed = loop.last == nullptr || !runtime.equals(items(Kind::kTuple, loop.last), asked);
  loop.last = asked.items;
  return boolean(changed);
}

}  // namespace

bool has_method(const Value& self, std::string_view name) {
  switch (self.kind) {
    case Kind::kText:
      return has_word(kTextMethods, name);
    case Kind::kDict:
      // Told apart by the first letter from most names of members: every m.role asks.
      return !name.empty() && std::string_view("cgikpsuv").find(name[0]) != std::string_view::npos &&
             has_word(kDictMethods, name);
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
  // As Python's own, but for three.
  if (given.named != nullptr && given.named->size > 0 && !has_word("split rsplit splitlines", name)) {
    return runtime.fail("Arguments by place are needed.");
  }
  switch (self.kind) {
    case Kind::kText:
      return TextMethods(runtime, self, given)
          .call(static_cast<TextMethod>(word_position(kTextMethods, name)));
    case Kind::kDict:
      return dict_method(runtime, self, name, given);
    case Kind::kLoop:
      return loop_method(runtime, self, name, given);
    case Kind::kCycler: {
      if (!bind_arguments(runtime, given, "0", nullptr)) return undefined();
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
