// Reads the fields of one object of ours strictly: what is missing, of another type or outside its limits is refused,
// naming the field. JSON null is a wrong type, so that nothing given by mistake counts as not given. The first complaint
// is kept and everything read after it has its empty value, so one look at failed() at the end of the reading is enough.
// Texts are views into the object.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/json.h"
#include "base/result.h"

namespace tierwise {

class FieldReader {
 public:
  // `prefix` stands before the names of the fields in complaints: "facts."; `code` is theirs, a literal.
  explicit FieldReader(const json& object, std::string_view prefix = {}, const char* code = "invalid-input")
      : object_(object), prefix_(prefix), code_(code) {}

  bool failed() const { return problem_ != nullptr; }
  OwnedError take_problem() { return std::move(problem_); }
  // "{prefix}{field} must be {rule}."
  void complain(std::string_view field, std::string_view rule);

  // Complains when what is read is no object, calling it `name`.
  void require_object(std::string_view name);

  bool has(std::string_view field) const { return find_any_member(object_, field) != nullptr; }

  std::string_view string(std::string_view field);
  // 1 to `max_bytes` bytes.
  std::string_view name(std::string_view field, std::size_t max_bytes);
  bool flag(std::string_view field);
  double number(std::string_view field);
  // Finite, in [lowest, highest]; `whole` also without a fraction.
  double number(std::string_view field, double lowest, double highest);
  double whole(std::string_view field, double lowest, double highest);
  double number_or(std::string_view field, double lowest, double highest, double absent);
  double whole_or(std::string_view field, double lowest, double highest, double absent);
  // 64 lower-case hexadecimal digits.
  Digest digest(std::string_view field);

 private:
  // nullptr when it is not there or something was complained about.
  const json* next(std::string_view field) const;
  const std::string* next_string(std::string_view field) const;
  double bounded(std::string_view field, double lowest, double highest, bool whole);

  const json& object_;
  std::string_view prefix_;
  const char* code_;
  OwnedError problem_;
};

// "{path} must be {rule}."
OwnedError bad_field(std::string_view path, std::string_view rule, const char* code = "invalid-input");

}  // namespace tierwise
