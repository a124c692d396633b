#include "cache/read_field.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

namespace tierwise::cache {
namespace {

const json* member(const json& object, std::string_view field) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(std::string(field));
  return found == object.end() ? nullptr : &*found;
}

std::string limit_text(double limit) { return std::to_string(static_cast<std::int64_t>(limit)); }

}  // namespace

Error bad_field(std::string_view path, std::string_view rule) {
  return {"invalid-input", std::string(path) + " must be " + std::string(rule) + ".", std::string(path)};
}

bool has_field(const json& object, std::string_view field) { return member(object, field) != nullptr; }

Result<bool> read_flag(const json& object, std::string_view field) {
  const json* value = member(object, field);
  if (value == nullptr || !value->is_boolean()) return bad_field(field, "true or false");
  return value->get<bool>();
}

Result<double> read_number(const json& object, std::string_view field, double lowest, double highest) {
  const json* value = member(object, field);
  const double number = value != nullptr && value->is_number() ? value->get<double>() : std::nan("");
  if (std::isfinite(number) && number >= lowest && number <= highest) return number;
  return bad_field(field, "a number from " + limit_text(lowest) + " to " + limit_text(highest));
}

Result<double> read_number_or(const json& object, std::string_view field, double lowest, double highest,
                              double absent) {
  return has_field(object, field) ? read_number(object, field, lowest, highest) : absent;
}

Result<double> read_whole(const json& object, std::string_view field, double lowest, double highest) {
  auto number = read_number(object, field, lowest, highest);
  if (number && std::floor(number.value()) == number.value()) return number;
  return bad_field(field, "a whole number from " + limit_text(lowest) + " to " + limit_text(highest));
}

Result<double> read_whole_or(const json& object, std::string_view field, double lowest, double highest,
                             double absent) {
  return has_field(object, field) ? read_whole(object, field, lowest, highest) : absent;
}

Result<std::string> read_name(const json& object, std::string_view field, std::size_t max_bytes) {
  const json* value = member(object, field);
  if (value != nullptr && value->is_string()) {
    const auto& text = value->get_ref<const std::string&>();
    if (!text.empty() && text.size() <= max_bytes) return text;
  }
  return bad_field(field, "a string of 1 to " + std::to_string(max_bytes) + " bytes");
}

Result<Digest> read_digest(const json& object, std::string_view field) {
  const json* value = member(object, field);
  if (value != nullptr && value->is_string()) {
    if (const auto digest = digest_from_hex(value->get_ref<const std::string&>())) return *digest;
  }
  return bad_field(field, "64 lower-case hexadecimal digits");
}

Result<std::vector<Digest>> read_digests(const json& object, std::string_view field, std::size_t max_count) {
  const json* list = member(object, field);
  if (list == nullptr || !list->is_array() || list->size() > max_count) {
    return bad_field(field, "a list of at most " + std::to_string(max_count) + " ids");
  }
  std::vector<Digest> digests;
  digests.reserve(list->size());
  for (std::size_t i = 0; i < list->size(); ++i) {
    const json& value = (*list)[i];
    const auto digest = value.is_string() ? digest_from_hex(value.get_ref<const std::string&>()) : std::nullopt;
    if (!digest) {
      return bad_field(std::string(field) + "[" + std::to_string(i) + "]", "64 lower-case hexadecimal digits");
    }
    digests.push_back(*digest);
  }
  return digests;
}

Result<std::vector<std::string>> read_tags(const json& object) {
  std::vector<std::string> tags;
  const json* list = member(object, "tags");
  if (list == nullptr) return tags;
  if (!list->is_array() || list->size() > kMaxTags) {
    return bad_field("tags", "a list of at most " + std::to_string(kMaxTags) + " strings");
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    const json& value = (*list)[i];
    const bool good = value.is_string() && !value.get_ref<const std::string&>().empty() &&
                      value.get_ref<const std::string&>().size() <= kMaxTagBytes;
    if (!good) {
      return bad_field("tags[" + std::to_string(i) + "]",
                       "a string of 1 to " + std::to_string(kMaxTagBytes) + " bytes");
    }
    tags.push_back(value.get<std::string>());
  }
  std::sort(tags.begin(), tags.end());
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  return tags;
}

}  // namespace tierwise::cache
