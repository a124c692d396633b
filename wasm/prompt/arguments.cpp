#include "prompt/arguments.h"

#include "prompt/code_points.h"
#include "prompt/text_form.h"

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

Value BuiltIn::fail(const char* message) { return runtime_.fail(message); }

Value BuiltIn::refuse(const char* pattern, const Value& value) { return runtime_.refuse(pattern, value); }

Value BuiltIn::or_else(std::size_t i, const Value& otherwise) const {
  return value_[i].is(Kind::kMissing) ? otherwise : value_[i];
}

std::int64_t BuiltIn::whole(std::size_t i, std::int64_t otherwise) {
  if (value_[i].is(Kind::kMissing)) return otherwise;
  if (value_[i].is_whole()) return value_[i].whole();
  fail("This needs a whole number.");
  return otherwise;
}

std::string_view BuiltIn::argument(std::size_t i) {
  if (value_[i].is(Kind::kText)) return runtime_.look_into(value_[i]);
  refuse("This needs a text, not a {}.", value_[i]);
  return {};
}

std::string_view BuiltIn::argument(std::size_t i, std::string_view otherwise) {
  return value_[i].is(Kind::kMissing) ? otherwise : argument(i);
}

std::string_view BuiltIn::counted(const Value& text) {
  runtime_.charge_text(text.size);
  return runtime_.look_into(text);
}

Value BuiltIn::stripped(const Value& from, unsigned sides, std::size_t i) {
  if (!given(i)) return runtime_.stripped(from, sides);
  const std::string_view characters = argument(i);
  runtime_.charge(from.size / 16 + std::uint64_t{from.size} * characters.size() / 1024);
  return failed() ? undefined() : text(strip(runtime_.look_into(from), sides, &characters));
}

Value BuiltIn::made() {
  const Value value = runtime_.new_text(out_);
  out_.clear();
  return value;
}

bool BuiltIn::goes_on(std::size_t work) {
  if (out_.size() > kMaxMadeBytes) fail(kTooMuch);
  return runtime_.charge(work);
}

void BuiltIn::add(Items& list, const Value& value) { append(runtime_.arena(), list, value); }

}  // namespace tierwise::prompt
