#include "route/plan_request.h"

#include <cmath>
#include <string_view>

#include "base/field_reader.h"
#include "base/text.h"
#include "base/words.h"
#include "route/phrase.h"

namespace tierwise::route {
namespace {

constexpr std::size_t kMaxPermissions = 64;

OwnedError unknown_tier(std::string_view field, const json& given) {
  const std::string* name = string_in(given);
  return make_error("unknown-tier",
                    fill("{} is {}. Use one of base, company, abstraction, user.",
                         {field, name == nullptr ? "not a string" : in_quotes(*name)}),
                    field);
}

const std::string* tier_text(const json& given) {
  const std::string* name = string_in(given);
  return name != nullptr && tier_named(*name) ? name : nullptr;
}

// Bytes of a string as JSON text, quotes and escapes included.
std::size_t text_bytes(const std::string& text) {
  std::size_t bytes = text.size() + 2;
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == '\b' || c == '\f' || c == '\n' || c == '\r' || c == '\t') {
      bytes += 1;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      bytes += 5;
    }
  }
  return bytes;
}

// Measures without writing the text: this is on the path of every request.
class ContextMeter {
 public:
  OwnedError check(const json& context) {
    if (!add(context, 1)) return make_error("too-deep", "context nests deeper than 32 levels; flatten it.", "context");
    if (bytes_ > kMaxContextBytes) {
      return make_error("too-large",
                        "context is larger than 256 KiB as JSON; pass only what the rules and the model need.",
                        "context");
    }
    return nullptr;
  }

 private:
  // False past the depth limit. Stops early past the size limit.
  bool add(const json& value, std::size_t depth) {
    if (const std::string* text = string_in(value)) {
      bytes_ += text_bytes(*text);
      return true;
    }
    if (!value.is_structured()) {
      bytes_ += scalar_text(value).size();
      return true;
    }
    if (depth > kMaxContextDepth) return false;
    // Brackets and the commas between.
    bytes_ += 2 + (value.empty() ? 0 : value.size() - 1);
    if (value.is_array()) {
      for (const json& element : elements_of(value)) {
        if (bytes_ > kMaxContextBytes) return true;
        if (!add(element, depth + 1)) return false;
      }
      return true;
    }
    for (const auto& [name, member] : members_of(value)) {
      if (bytes_ > kMaxContextBytes) return true;
      bytes_ += text_bytes(name) + 1;
      if (!add(member, depth + 1)) return false;
    }
    return true;
  }

  std::size_t bytes_ = 0;
};

// The position of a word among those known; 0 (the default) when absent.
std::size_t read_word(FieldReader& reader, const json& request, std::string_view field, std::string_view known) {
  const json* given = find_member(request, field);
  if (given == nullptr) return 0;
  const std::string* word = string_in(*given);
  const std::size_t position = word == nullptr ? kNoWord : word_position(known, *word);
  if (position == kNoWord) reader.complain(field, joined_words(known, " or "));
  return position;
}

double read_count(FieldReader& reader, const json& request, std::string_view field) {
  const json* given = find_member(request, field);
  if (given == nullptr) return 0;
  const double count = given->is_number() ? given->get<double>() : -1;
  if (!std::isfinite(count) || count < 0) reader.complain(field, "a number of tokens, 0 or more");
  return count;
}

OwnedError check_permissions(const json& permissions) {
  if (!permissions.is_array() || permissions.size() > kMaxPermissions) {
    return refusal("invalid-input", "permissions", "must be a list of tiers.");
  }
  std::int64_t place = 0;
  for (const json& entry : elements_of(permissions)) {
    if (tier_text(entry) == nullptr) return unknown_tier(fill("permissions[{}]", {digits(place)}), entry);
    ++place;
  }
  return nullptr;
}

}  // namespace

bool PlanRequest::permits(Tier wanted) const {
  if (permissions == nullptr) return true;
  for (const json& entry : elements_of(*permissions)) {
    if (*string_in(entry) == tier_name(wanted)) return true;
  }
  return false;
}

Result<PlanRequest> PlanRequest::read(const json& request) {
  if (!request.is_object()) return make_error("invalid-input", "The plan request must be an object.", "request");
  PlanRequest read;

  if (const json* tier = find_member(request, "tier")) {
    const std::string* name = tier_text(*tier);
    if (name == nullptr) return unknown_tier("tier", *tier);
    read.tier = tier_named(*name);
  }
  read.context = find_member(request, "context");
  if (read.context != nullptr) {
    if (!read.context->is_object()) {
      return refusal("invalid-input", "context", "must be an object such as { useCompanyModel: true }.");
    }
    if (auto error = ContextMeter().check(*read.context)) return error;
  }
  read.permissions = find_member(request, "permissions");
  if (read.permissions != nullptr) {
    if (auto error = check_permissions(*read.permissions)) return error;
  }

  FieldReader reader(request);
  read.interactive = read_word(reader, request, "mode", "interactive background") == 0;
  read.prefer = static_cast<Prefer>(read_word(reader, request, "prefer", "quality speed cost"));
  read.fall_back_while_waking = read_word(reader, request, "wake", "fallback wait") == 0;
  read.input_tokens = read_count(reader, request, "inputTokens");
  read.output_tokens = read_count(reader, request, "outputTokens");
  read.now = reader.number("now");
  if (!std::isfinite(read.now)) reader.complain("now", "a finite time in ms");
  if (reader.failed()) return reader.take_problem();
  return read;
}

}  // namespace tierwise::route
