#include "base/field_reader.h"

#include <cmath>

#include "base/text.h"

namespace tierwise {

OwnedError bad_field(std::string_view path, std::string_view rule, const char* code) {
  return make_error(code, fill("{} must be {}.", {path, rule}), path);
}

void FieldReader::complain(std::string_view field, std::string_view rule) {
  if (!problem_) problem_ = bad_field(fill("{}{}", {prefix_, field}), rule, code_);
}

void FieldReader::require_object(std::string_view name) {
  if (!object_.is_object()) problem_ = bad_field(name, "an object", code_);
}

const json* FieldReader::next(std::string_view field) const {
  return problem_ ? nullptr : find_any_member(object_, field);
}

const std::string* FieldReader::next_string(std::string_view field) const {
  const json* value = next(field);
  return value == nullptr ? nullptr : string_in(*value);
}

std::string_view FieldReader::string(std::string_view field) {
  if (const std::string* text = next_string(field)) return *text;
  complain(field, "a string");
  return {};
}

std::string_view FieldReader::name(std::string_view field, std::size_t max_bytes) {
  const std::string* text = next_string(field);
  if (text != nullptr && !text->empty() && text->size() <= max_bytes) return *text;
  complain(field, fill("a string of 1 to {} bytes", {digits(static_cast<std::int64_t>(max_bytes))}));
  return {};
}

bool FieldReader::flag(std::string_view field) {
  const json* value = next(field);
  if (value != nullptr && value->is_boolean()) return value->get<bool>();
  complain(field, "true or false");
  return false;
}

double FieldReader::number(std::string_view field) {
  const json* value = next(field);
  if (value != nullptr && value->is_number()) return value->get<double>();
  complain(field, "a number");
  return 0;
}

double FieldReader::bounded(std::string_view field, double lowest, double highest, bool whole) {
  const json* value = next(field);
  const double number = value != nullptr && value->is_number() ? value->get<double>() : std::nan("");
  if (number >= lowest && number <= highest && (!whole || std::floor(number) == number)) return number;
  complain(field,
           fill("{} from {} to {}", {whole ? "a whole number" : "a number", digits(static_cast<std::int64_t>(lowest)),
                                     digits(static_cast<std::int64_t>(highest))}));
  return 0;
}

double FieldReader::number(std::string_view field, double lowest, double highest) {
  return bounded(field, lowest, highest, false);
}

double FieldReader::whole(std::string_view field, double lowest, double highest) {
  return bounded(field, lowest, highest, true);
}

double FieldReader::number_or(std::string_view field, double lowest, double highest, double absent) {
  return has(field) ? number(field, lowest, highest) : absent;
}

double FieldReader::whole_or(std::string_view field, double lowest, double highest, double absent) {
  return has(field) ? whole(field, lowest, highest) : absent;
}

Digest FieldReader::digest(std::string_view field) {
  const std::string* text = next_string(field);
  if (const auto digest = text == nullptr ? std::nullopt : digest_from_hex(*text)) return *digest;
  complain(field, "64 lower-case hexadecimal digits");
  return {};
}

}  // namespace tierwise
