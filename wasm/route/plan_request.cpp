#include "route/plan_request.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "route/phrase.h"

namespace tierwise::route {
namespace {

constexpr std::size_t kMaxPermissions = 64;

Error unknown_tier(const std::string& field, const json& given) {
  return Error{"unknown-tier",
               field + " is " +
                   (given.is_string() ? in_quotes(given.get_ref<const std::string&>()) : "not a string") +
                   ". Use one of base, company, abstraction, user.",
               field};
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
  std::optional<Error> check(const json& context) {
    if (!add(context, 1))
      return Error{"too-deep", "context nests deeper than 32 levels; flatten it.", "context"};
    if (bytes_ > kMaxContextBytes) {
      return Error{"too-large",
                   "context is larger than 256 KiB as JSON; pass only what the rules and the model need.",
                   "context"};
    }
    return std::nullopt;
  }

 private:
  // False past the depth limit. Stops early past the size limit.
  bool add(const json& value, std::size_t depth) {
    if (value.is_string()) {
      bytes_ += text_bytes(value.get_ref<const std::string&>());
      return true;
    }
    if (!value.is_structured()) {
      bytes_ += value.dump().size();
      return true;
    }
    if (depth > kMaxContextDepth) return false;
    // Brackets and the commas between.
    bytes_ += 2 + (value.empty() ? 0 : value.size() - 1);
    for (const auto& member : value.items()) {
      if (bytes_ > kMaxContextBytes) return true;
      if (value.is_object()) bytes_ += text_bytes(member.key()) + 1;
      if (!add(member.value(), depth + 1)) return false;
    }
    return true;
  }

  std::size_t bytes_ = 0;
};

// The position of a word among those known; 0 (the default) when absent.
Result<std::size_t> read_word(const json& request, const std::string& field,
                              std::initializer_list<std::string_view> known) {
  const json* given = find_member(request, field);
  if (given == nullptr) return std::size_t{0};
  if (given->is_string()) {
    const auto found = std::find(known.begin(), known.end(), given->get_ref<const std::string&>());
    if (found != known.end()) return static_cast<std::size_t>(found - known.begin());
  }
  std::string names;
  for (const std::string_view name : known) names.append(names.empty() ? "" : " or ").append(name);
  return Error{"invalid-input", field + " must be " + names + ".", field};
}

Result<double> read_count(const json& request, const std::string& field) {
  const json* given = find_member(request, field);
  if (given == nullptr) return 0.0;
  const double count = given->is_number() ? given->get<double>() : -1;
  if (!std::isfinite(count) || count < 0) {
    return Error{"invalid-input", field + " must be a number of tokens, 0 or more.", field};
  }
  return count;
}

std::optional<Error> check_permissions(const json& permissions) {
  if (!permissions.is_array() || permissions.size() > kMaxPermissions) {
    return Error{"invalid-input", "permissions must be a list of tiers.", "permissions"};
  }
  for (std::size_t index = 0; index < permissions.size(); ++index) {
    const json& entry = permissions[index];
    if (!entry.is_string() || !tier_named(entry.get_ref<const std::string&>())) {
      return unknown_tier("permissions[" + std::to_string(index) + "]", entry);
    }
  }
  return std::nullopt;
}

}  // namespace

bool PlanRequest::permits(Tier wanted) const {
  if (permissions == nullptr) return true;
  return std::any_of(permissions->begin(), permissions->end(), [wanted](const json& entry) {
    return entry.get_ref<const std::string&>() == tier_name(wanted);
  });
}

Result<PlanRequest> PlanRequest::read(const json& request) {
  if (!request.is_object()) return Error{"invalid-input", "The plan request must be an object.", "request"};
  PlanRequest read;

  if (const json* tier = find_member(request, "tier")) {
    read.tier = tier->is_string() ? tier_named(tier->get_ref<const std::string&>()) : std::nullopt;
    if (!read.tier) return unknown_tier("tier", *tier);
  }
  read.context = find_member(request, "context");
  if (read.context != nullptr) {
    if (!read.context->is_object()) {
      return Error{"invalid-input", "context must be an object such as { useCompanyModel: true }.",
                   "context"};
    }
    if (auto error = ContextMeter().check(*read.context)) return *std::move(error);
  }
  read.permissions = find_member(request, "permissions");
  if (read.permissions != nullptr) {
    if (auto error = check_permissions(*read.permissions)) return *std::move(error);
  }

  const auto mode = read_word(request, "mode", {"interactive", "background"});
  if (!mode) return mode.error();
  read.interactive = mode.value() == 0;
  const auto prefer = read_word(request, "prefer", {"quality", "speed", "cost"});
  if (!prefer) return prefer.error();
  read.prefer = static_cast<Prefer>(prefer.value());
  const auto wake = read_word(request, "wake", {"fallback", "wait"});
  if (!wake) return wake.error();
  read.fall_back_while_waking = wake.value() == 0;

  const auto input = read_count(request, "inputTokens");
  if (!input) return input.error();
  read.input_tokens = input.value();
  const auto output = read_count(request, "outputTokens");
  if (!output) return output.error();
  read.output_tokens = output.value();

  const auto now = require_number(request, "now", "now");
  if (!now) return now.error();
  if (!std::isfinite(now.value())) return Error{"invalid-input", "now must be a finite time in ms.", "now"};
  read.now = now.value();
  return read;
}

}  // namespace tierwise::route
