#include "prompt/arguments.h"

#include "prompt/runtime.h"

namespace tierwise::prompt {

bool bind_arguments(Runtime& runtime, const Arguments& given, const char* parameters, Value* out) {
  const auto required = static_cast<std::uint32_t>(*parameters++ - '0');
  std::uint32_t count = 0;
  std::uint32_t used = 0;
  while (*parameters != '\0') {
    const char* const begin = parameters;
    while (*parameters != ',' && *parameters != '\0') ++parameters;
    const std::string_view name(begin, static_cast<std::size_t>(parameters - begin));
    if (*parameters == ',') ++parameters;
    const Value* named = given.named == nullptr ? nullptr : find(*given.named, name);
    if (named != nullptr) ++used;
    out[count] = Value();
    if (count < given.count) {
      if (named != nullptr) return runtime.fail("The argument {} is given twice.", name), false;
      named = &given.positional[count];
    }
    if (named != nullptr) {
      out[count] = *named;
    } else if (count < required) {
      return runtime.fail("The argument {} is missing.", name), false;
    }
    ++count;
  }
  if (given.count > count || (given.named != nullptr && given.named->size > used)) {
    return runtime.fail("There are too many arguments, or one is not known."), false;
  }
  return true;
}

}  // namespace tierwise::prompt
