// In place of Embind's own library (CMakeLists.txt), which names every C++ type it knows at start: with those names
// come the C++ library's type information and what reads it, 2 KB. The bindings use doubles only.
#include <emscripten/bind.h>
#include <emscripten/emscripten.h>

extern "C" {
// Asked for in messages about types that were never named.
EMSCRIPTEN_KEEPALIVE const char* __getTypeName(const void*) { return nullptr; }

EMSCRIPTEN_KEEPALIVE __attribute__((constructor)) void __embind_register_native_and_builtin_types() {
  using emscripten::internal::TypeID;
  emscripten::internal::_embind_register_void(TypeID<void>::get(), "void");
  emscripten::internal::_embind_register_float(TypeID<double>::get(), "double", sizeof(double));
}
}
