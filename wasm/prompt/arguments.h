// The arguments of a call, sorted to the parameters of a built-in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "prompt/builtins.h"

namespace tierwise::prompt {

// `parameters`: how many are required, then the names, "2old,new,count"; out[i] is what was given for the i-th by place
// or by name, else missing. False, and the end of the rendering, for too many, too few or unknown ones.
bool bind_arguments(Runtime& runtime, const Arguments& given, const char* parameters, Value* out);

}  // namespace tierwise::prompt
