#include "prompt/arguments.h"

#include <algorithm>

#include "base/text.h"
#include "prompt/runtime.h"

namespace tierwise::prompt {

bool bind_arguments(Runtime& runtime, const Arguments& given, std::string_view names, std::uint32_t required, Value* out) {
  std::uint32_t count = 0;
  std::uint32_t used = 0;
  while (!names.empty()) {
    const std::size_t comma = names.find(',');
    const std::string_view name = names.substr(0, comma);
    const Value* named = given.named == nullptr ? nullptr : find(*given.named, name);
    if (named != nullptr) ++used;
    if (count < given.count) {
      if (named != nullptr) {
        runtime.fail(fill("The argument {} is given twice.", {name}));
        return false;
      }
      out[count] = given.positional[count];
    } else {
      out[count] = named == nullptr ? Value() : *named;
      if (named == nullptr && count < required) {
        runtime.fail(fill("The argument {} is missing.", {name}));
        return false;
      }
    }
    ++count;
    names = comma == std::string_view::npos ? std::string_view() : names.substr(comma + 1);
  }
  if (given.count > count || (given.named != nullptr && given.named->size > used)) {
    runtime.fail("There are more arguments than this takes, or one it does not know.");
    return false;
  }
  return true;
}

Symbol position(const std::string_view* names, std::size_t size, std::string_view name) {
  const std::string_view* found = std::lower_bound(names, names + size, name);
  return found != names + size && *found == name ? static_cast<Symbol>(found - names) : kNoSymbol;
}

}  // namespace tierwise::prompt
