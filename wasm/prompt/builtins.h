// What templates can call: filters, tests, global functions and methods of values, by name.
#pragma once

#include <string_view>

#include "prompt/ast.h"
#include "prompt/value.h"

namespace tierwise::prompt {

class Runtime;

// The arguments of a call. Named ones in the order given.
struct Arguments {
  const Value* positional = nullptr;
  std::uint32_t count = 0;
  const Dict* named = nullptr;
};

// kNoSymbol for what nobody knows.
Symbol filter_named(std::string_view name);
Symbol test_named(std::string_view name);
// Missing for what nobody knows.
Value global_function(std::string_view name);

Value call_filter(Runtime& runtime, Symbol filter, const Value& subject, const Arguments& arguments);
bool call_test(Runtime& runtime, Symbol test, const Value& subject, const Arguments& arguments);
Value call_function(Runtime& runtime, std::uint32_t function, const Arguments& arguments);

// Whether values of this kind have a method of this name: those of Python that the immutable sandbox lets through.
bool has_method(const Value& self, std::string_view name);
Value call_method(Runtime& runtime, const Value& self, std::string_view name, const Arguments& arguments);

}  // namespace tierwise::prompt
