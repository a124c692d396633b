// The arguments of a call, sorted to the parameters of a built-in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "prompt/builtins.h"

namespace tierwise::prompt {

// `names`, between commas, in their order: out[i] is what was given for the i-th by place or by name, else missing.
// False, and the end of the rendering, for too many, too few or unknown ones.
bool bind_arguments(Runtime& runtime, const Arguments& given, std::string_view names, std::uint32_t required, Value* out);

// The place of `name` in a sorted table; kNoSymbol when it is not there.
Symbol position(const std::string_view* names, std::size_t size, std::string_view name);

}  // namespace tierwise::prompt
