// Exceptions are for bugs: thrown in one place, caught in one place, both in bug.cpp. In the WebAssembly build that is
// the only file compiled with exception handling. A raised bug unwinds through the other files without running their
// destructors (a little memory is lost), which keeps landing pads out of core.wasm: they would make it half as large again.
#pragma once

#include <string>

namespace tierwise {

[[noreturn]] void raise_bug(const char* what);

// Runs step(context). False when it raised a bug, or something else threw; `message` then says what.
bool survives(void (*step)(void*), void* context, std::string& message);

}  // namespace tierwise
