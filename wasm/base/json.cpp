#include "base/json.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/json_scanner.h"
#include "base/number.h"

namespace tierwise {
namespace {

class Parser : public JsonScanner {
 public:
  Parser(std::string_view text, std::size_t most_values) : JsonScanner(text, most_values) {}

  // The whole text as one value.
  void read(json& value) {
    read_value(value, 1);
    end();
  }

 private:
  void read_value(json& value, std::size_t depth) {
    switch (begin_value(depth)) {
      case '{': return read_object(value, depth);
      case '[': return read_array(value, depth);
      case '"': value = std::string(); return read_string(value.get_ref<std::string&>());
      default: break;
    }
    const Scalar scalar = read_scalar();
    switch (scalar.type) {
      case Scalar::kNull: break;
      case Scalar::kBoolean: value = scalar.truth; break;
      case Scalar::kWhole: value = scalar.whole; break;
      case Scalar::kReal: value = scalar.real; break;
    }
  }

  void read_object(json& value, std::size_t depth) {
    value = json::value_t::object;
    auto& members = value.get_ref<json::object_t&>();
    bool more = has_element('}');
    std::uint32_t marks = 0;
    while (more && !failed()) {
      peek();
      std::string name;
      read_string(name);
      expect_colon();
      read_value(member_named(members, std::move(name), marks), depth + 1);
      more = goes_on('}');
    }
  }

  // A new member, or the one that is there already and is read again. Looked for only if one with the same mark was
  // met, and among the first ones only: a hostile object would be searched as often as it has members.
  static json& member_named(json::object_t& members, std::string name, std::uint32_t& marks) {
    const auto last = static_cast<unsigned char>(name.empty() ? '\0' : name.back());
    const std::uint32_t mark = 1U << ((name.size() + last) & 31);
    if ((marks & mark) != 0) {
      if (json* known = known_member(members, name)) return *known = nullptr;
    }
    marks |= mark;
    members.emplace_back(std::move(name), nullptr);
    return members.back().second;
  }
  static json* known_member(json::object_t& members, const std::string& name) {
    const auto end = members.begin() + static_cast<std::ptrdiff_t>(std::min(members.size(), kMergedMembers));
    const auto known = std::find_if(members.begin(), end, [&](const auto& member) { return member.first == name; });
    return known == end ? nullptr : &known->second;
  }

  void read_array(json& value, std::size_t depth) {
    value = json::value_t::array;
    auto& elements = value.get_ref<json::array_t&>();
    bool more = has_element(']');
    while (more && !failed()) {
      elements.push_back(nullptr);
      read_value(elements.back(), depth + 1);
      more = goes_on(']');
    }
  }

  void read_string(std::string& text) {
    expect("\"");
    text.resize(text_left());
    text.resize(static_cast<std::size_t>(read_text(text.data()) - text.data()));
  }
};

}  // namespace

Result<json> parse_json(std::string_view text, std::size_t most_values) {
  Parser parser(text, most_values);
  json value;
  parser.read(value);
  if (auto error = parser.error()) return error;
  return value;
}

std::string scalar_text(const json& value) {
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (!value.is_number()) return "null";
  std::string text;
  if (value.type() == json::value_t::number_integer) {
    append_number(text, value.get<std::int64_t>());
  } else {
    append_number(text, value.get<double>());
  }
  return text;
}

const json::object_t& members_of(const json& object) { return object.get_ref<const json::object_t&>(); }
const json::array_t& elements_of(const json& array) { return array.get_ref<const json::array_t&>(); }
const std::string* string_in(const json& value) { return value.get_ptr<const std::string*>(); }

const json* find_any_member(const json& object, std::string_view field) {
  const auto* members = object.get_ptr<const json::object_t*>();
  if (members == nullptr) return nullptr;
  const auto found =
      std::find_if(members->rbegin(), members->rend(), [&](const auto& member) { return member.first == field; });
  return found == members->rend() ? nullptr : &found->second;
}

const json* find_member(const json& object, std::string_view field) {
  const json* member = find_any_member(object, field);
  return member == nullptr || member->is_null() ? nullptr : member;
}

std::optional<std::string_view> optional_string(const json& object, std::string_view field) {
  const json* member = find_member(object, field);
  const std::string* text = member == nullptr ? nullptr : string_in(*member);
  return text == nullptr ? std::nullopt : std::optional<std::string_view>(*text);
}

std::string_view string_or_empty(const json& object, std::string_view field) {
  const json* member = find_member(object, field);
  const std::string* text = member == nullptr ? nullptr : string_in(*member);
  return text == nullptr ? std::string_view() : *text;
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

bool is_set(const json& object, std::string_view field) { return optional_bool(object, field).value_or(false); }

}  // namespace tierwise
