#include "bug/bug.h"

namespace tierwise {

void raise_bug(const char* what) { throw what; }

bool survives(void (*step)(void*), void* context, std::string& message) {
  try {
    step(context);
    return true;
  } catch (...) {
    // Catching by type would add the search for it, 2 KB, to core.wasm.
    message =
        "The core met a bug of its own, or ran out of memory. Reload the page, and please report what you "
        "did.";
    return false;
  }
}

}  // namespace tierwise
