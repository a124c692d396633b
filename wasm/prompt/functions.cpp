// The global functions of a chat template: Jinja2's range, dict, namespace, cycler and joiner, and Transformers'
// raise_exception and strftime_now.
#include <algorithm>

#include "base/text.h"
#include "base/words.h"
#include "prompt/arguments.h"
#include "prompt/builtins.h"
#include "prompt/runtime.h"
#include "prompt/text_form.h"

namespace tierwise::prompt {
namespace {

enum Function : std::uint32_t { kCycler, kDict, kJoiner, kNamespace, kRaise, kRange, kStrftime };
constexpr std::string_view kNames =
    "cycler dict joiner namespace raise_exception range strftime_now";

// As Jinja2's sandbox.
constexpr std::int64_t kMostOfRange = 100'000;

Value range(Runtime& runtime, const Arguments& given) {
  if (given.named != nullptr || given.count < 1 || given.count > 3) {
    return runtime.fail("range takes one to three numbers.");
  }
  for (std::uint32_t i = 0; i < given.count; ++i) {
    if (!given.positional[i].is_whole()) return runtime.fail("This needs a whole number.");
  }
  const std::int64_t start = given.count == 1 ? 0 : given.positional[0].whole();
  const std::int64_t stop = given.positional[given.count == 1 ? 0 : 1].whole();
  const std::int64_t step = given.count == 3 ? given.positional[2].whole() : 1;
  if (step == 0) return runtime.fail("The step cannot be 0.");
  const double span = (static_cast<double>(stop) - static_cast<double>(start)) / static_cast<double>(step);
  if (span > static_cast<double>(kMostOfRange)) return runtime.fail("This is too large.");
  Items* list = runtime.new_items();
  for (std::int64_t i = start; step > 0 ? i < stop : i > stop;) {
    append(runtime.arena(), *list, integer(i));
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  if (list->size > kMostOfRange) return runtime.fail("This is too large.");
  runtime.charge(list->size / 16);
  return runtime.range(start, stop, step, *list);
}

// dict() and namespace(): pairs or a dictionary first, then what is named.
Value entries(Runtime& runtime, const Arguments& given, Kind kind) {
  Dict* made = runtime.arena().make<Dict>();
  const auto put_all = [&](const Dict& from) {
    for (std::uint32_t i = 0; i < from.size && runtime.charge(1); ++i) {
      put(runtime.arena(), *made, from.entries[i].key, from.entries[i].value);
    }
  };
  if (given.count > 1) return runtime.fail("There are too many arguments, or one is not known.");
  if (given.count == 1) {
    const Value& from = given.positional[0];
    if (from.is(Kind::kDict)) {
      put_all(*from.dict);
    } else {
      if (from.is(Kind::kUndefined)) return runtime.attribute(from, "keys");
      for (Each each(runtime, runtime.iterate(from)); const Value* item = each.next();) {
        const Items* pair = runtime.iterate(*item);
        const bool is_pair = pair != nullptr && pair->size == 2 && runtime.is_key(pair->data[0]);
        if (!is_pair) return runtime.fail("This needs pairs.");
        put(runtime.arena(), *made, pair->data[0], pair->data[1]);
      }
    }
  }
  if (given.named != nullptr) put_all(*given.named);
  Value value = dict(made);
  value.kind = kind;
  return value;
}

}  // namespace

Value global_function(std::string_view name) {
  const Symbol found = static_cast<Symbol>(word_position(kNames, name));
  Value value;
  if (found == kNoSymbol) return value;
  value.kind = Kind::kFunction;
  value.size = found;
  return value;
}

Value call_function(Runtime& runtime, std::uint32_t function, const Arguments& given) {
  switch (static_cast<Function>(function)) {
    case kRange:
      return range(runtime, given);
    case kDict:
      return entries(runtime, given, Kind::kDict);
    case kNamespace:
      return entries(runtime, given, Kind::kNamespace);
    case kCycler: {
      if (given.named != nullptr || given.count == 0) return runtime.fail("Arguments by place are needed.");
      return items(Kind::kCycler, runtime.tuple_of(given).items);
    }
    case kJoiner: {
      Value by;
      if (!bind_arguments(runtime, given, "0sep", &by)) return undefined();
      Items* list = runtime.new_items(1);
      append(runtime.arena(), *list, by.is(Kind::kMissing) ? text(", ") : by);
      return items(Kind::kJoiner, list);
    }
    case kRaise: {
      Value message;
      if (!bind_arguments(runtime, given, "1message", &message)) return undefined();
      return runtime.raise(runtime.look_into(runtime.as_text(message)));
    }
    case kStrftime: {
      Value format;
      if (!bind_arguments(runtime, given, "1format", &format)) return undefined();
      if (!format.is(Kind::kText)) return runtime.fail("This needs a text.");
      const std::string_view pattern = runtime.look_into(format);
      if (pattern.size() > 10'000 || !runtime.charge(pattern.size())) return runtime.fail("This is too large.");
      return runtime.new_text(format_time(pattern, runtime.now()));
    }
  }
  return undefined();
}

}  // namespace tierwise::prompt
