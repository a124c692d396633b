#include "route/flags.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace tierwise::route {
namespace {

constexpr std::string_view kRealAi = "useRealAI";
constexpr std::string_view kOpenAi = "useOpenAI";
constexpr std::string_view kMockAi = "useMockAI";
constexpr std::string_view kSpaces = "useHuggingFaceSpaces";
constexpr std::string_view kMultiTiered = "useMultiTieredAI";
constexpr std::array<std::string_view, 4> kTierFlags = {"useHFBaseModel", "useHFCompanyModel", "useHFAbstractionModel",
                                                        "useHFUserModel"};

bool is_known(std::string_view name) {
  return name == kRealAi || name == kOpenAi || name == kMockAi || name == kSpaces || name == kMultiTiered ||
         std::find(kTierFlags.begin(), kTierFlags.end(), name) != kTierFlags.end();
}

std::optional<bool> enabled(const json& flag) {
  if (flag.is_boolean()) return flag.get<bool>();
  return optional_bool(flag, "enabled");
}

bool is_well_formed(const json& flag) {
  if (!enabled(flag)) return false;
  const json* visible = find_member(flag, "visible");
  return visible == nullptr || visible->is_boolean();
}

}  // namespace

Result<Flags> Flags::read(const json& config) {
  Flags flags;
  const json* given = find_member(config, "flags");
  if (given == nullptr) return flags;
  if (!given->is_object()) {
    return refusal("invalid-config", "flags", "must be an object of flags, each true, false or { enabled, visible }.");
  }
  flags.given_ = true;
  for (const auto& [name, flag] : members_of(*given)) {
    if (flag.is_null()) continue;
    if (is_known(name) && !is_well_formed(flag)) {
      return refusal("invalid-config", fill("flags.{}", {name}),
                     "must be true, false or { enabled, visible }, both of them booleans.");
    }
    if (const auto state = enabled(flag)) flags.states_.push_front({name, *state});
  }
  return flags;
}

const Flags::State* Flags::find(std::string_view name) const {
  for (const State& given : states_) {
    if (given.name == name) return &given;
  }
  return nullptr;
}

std::optional<bool> Flags::state(std::string_view name) const {
  if (const State* given = find(name)) return given->on;
  if (!is_known(name)) return std::nullopt;
  return !given_ || name == kMultiTiered;
}

std::optional<std::string> Flags::objection(const Target& target, Tier default_tier) const {
  std::array<std::string_view, 2> needed = {kRealAi, kSpaces};  // the router's
  if (target.provider == Provider::kSpace) needed = {kSpaces, kTierFlags[position(target.tier)]};
  if (target.provider == Provider::kOpenAi) needed = {kRealAi, kOpenAi};
  if (target.provider == Provider::kMock) needed = {kMockAi, {}};
  std::string names;
  int missing = 0;
  bool all_unset = true;
  for (const std::string_view name : needed) {
    if (name.empty() || *state(name)) continue;
    if (missing++ > 0) names += " and ";
    names += name;
    all_unset = all_unset && find(name) == nullptr;
  }
  if (missing > 0) {
    return fill(missing == 1 ? "the flag {} is {}" : "the flags {} are {}",
                {names, all_unset ? "not set, which counts as off" : "off"});
  }
  if (target.provider == Provider::kSpace && target.tier != default_tier && !*state(kMultiTiered)) {
    return fill("the flag useMultiTieredAI is off, so only the default tier {} is used", {tier_name(default_tier)});
  }
  return std::nullopt;
}

}  // namespace tierwise::route
