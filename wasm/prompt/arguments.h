// The arguments of a call, sorted to the parameters of a built-in, and what filters and methods work with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "prompt/builtins.h"
#include "prompt/runtime.h"

namespace tierwise::prompt {

// `parameters`: how many are required, then the names, "2old,new,count"; out[i] is what was given for the i-th by place
// or by name, else missing. False, and the end of the rendering, for too many, too few or unknown ones.
bool bind_arguments(Runtime& runtime, const Arguments& given, const char* parameters, Value* out);

// One call of a filter or of a method of a text. What ends the rendering gives a value to return, as Runtime's.
class BuiltIn {
 public:
  BuiltIn(Runtime& runtime, const Value& subject, const Arguments& given)
      : runtime_(runtime), subject_(subject), given_(given) {}

 protected:
  bool bind(const char* parameters) { return bind_arguments(runtime_, given_, parameters, value_); }
  bool failed() const { return runtime_.failed(); }
  Value fail(const char* message);
  Value refuse(const char* pattern, const Value& value);

  // The i-th argument: neither missing nor none.
  bool given(std::size_t i) const { return value_[i].kind != Kind::kMissing && value_[i].kind != Kind::kNone; }
  Value or_else(std::size_t i, const Value& otherwise) const;
  // A whole number; `otherwise` when it is missing.
  std::int64_t whole(std::size_t i, std::int64_t otherwise);
  // A text; empty, and the end of the rendering, for all else.
  std::string_view argument(std::size_t i);
  // A text, or `otherwise` when it is missing.
  std::string_view argument(std::size_t i, std::string_view otherwise);

  // For what goes through it character by character.
  std::string_view counted(const Value& text);
  // `text` without the characters of the i-th argument, or without white space.
  Value stripped(const Value& text, unsigned sides, std::size_t i);
  // What was written, as a value.
  Value made();
  // Whether it may go on being written.
  bool goes_on(std::size_t work);

  Items* new_items(std::uint32_t capacity = 0) { return runtime_.new_items(capacity); }
  void add(Items& list, const Value& value);

  static constexpr std::size_t kMostArguments = 4;

  Runtime& runtime_;
  const Value& subject_;
  const Arguments& given_;
  Value value_[kMostArguments];
  // What is written.
  std::string out_;
};

}  // namespace tierwise::prompt
