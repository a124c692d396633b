#include "bug/bug.h"

#include <exception>
#include <stdexcept>

namespace tierwise {

void raise_bug(const char* what) { throw std::logic_error(what); }

bool survives(void (*step)(void*), void* context, std::string& message) {
  try {
    step(context);
    return true;
  } catch (const std::exception& bug) {
    message = bug.what();
    return false;
  }
}

}  // namespace tierwise
