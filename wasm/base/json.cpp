#include "base/json.h"

namespace tierwise {

Result<json> parse_json(std::string_view text) {
  bool too_deep = false;
  const json::parser_callback_t depth_guard = [&too_deep](int depth, json::parse_event_t, json&) {
    if (depth > static_cast<int>(kMaxJsonDepth)) too_deep = true;
    return !too_deep;
  };
  // A cheap scan first: the callback parser is slower, and real input is shallow.
  std::size_t depth = 0;
  std::size_t deepest = 0;
  bool in_string = false;
  bool escaped = false;
  for (const char c : text) {
    if (in_string) {
      in_string = escaped || c != '"';
      escaped = !escaped && c == '\\';
      continue;
    }
    in_string = c == '"';
    if (c == '{' || c == '[') deepest = ++depth > deepest ? depth : deepest;
    if ((c == '}' || c == ']') && depth > 0) --depth;
  }
  json value = deepest > kMaxJsonDepth ? json::parse(text, depth_guard, false) : json::parse(text, nullptr, false);
  if (too_deep) {
    return Error{"too-deep", "The JSON text nests deeper than " + std::to_string(kMaxJsonDepth) + " levels."};
  }
  if (value.is_discarded()) return Error{"invalid-json", "The text is not valid JSON in UTF-8."};
  return value;
}

std::string dump_json(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

const json* find_member(const json& object, std::string_view field) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(std::string(field));
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::optional<std::string> optional_string(const json& object, std::string_view field) {
  const json* member = find_member(object, field);
  if (member == nullptr || !member->is_string()) return std::nullopt;
  return member->get<std::string>();
}

std::optional<double> optional_number(const json& object, std::string_view field) {
  const json* member = find_member(object, field);
  if (member == nullptr || !member->is_number()) return std::nullopt;
  return member->get<double>();
}

std::optional<bool> optional_bool(const json& object, std::string_view field) {
  const json* member = find_member(object, field);
  if (member == nullptr || !member->is_boolean()) return std::nullopt;
  return member->get<bool>();
}

Result<std::string> require_string(const json& object, std::string_view field, std::string_view path) {
  const json* member = find_member(object, field);
  if (member == nullptr || !member->is_string()) {
    return Error{"invalid-input", std::string(path) + " must be a string.", std::string(path)};
  }
  return member->get<std::string>();
}

Result<double> require_number(const json& object, std::string_view field, std::string_view path) {
  const json* member = find_member(object, field);
  if (member == nullptr || !member->is_number()) {
    return Error{"invalid-input", std::string(path) + " must be a number.", std::string(path)};
  }
  return member->get<double>();
}

}  // namespace tierwise
