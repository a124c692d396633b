#include "route/flags.h"

#include <algorithm>
#include <array>
#include <vector>

namespace tierwise::route {
namespace {

constexpr std::string_view kRealAi = "useRealAI";
constexpr std::string_view kOpenAi = "useOpenAI";
constexpr std::string_view kMockAi = "useMockAI";
constexpr std::string_view kSpaces = "useHuggingFaceSpaces";
constexpr std::string_view kMultiTiered = "useMultiTieredAI";
constexpr std::array<std::string_view, 4> kTierFlags = {"useHFBaseModel", "useHFCompanyModel",
                                                        "useHFAbstractionModel", "useHFUserModel"};

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
    return Error{"invalid-config",
                 "flags must be an object of flags, each true, false or { enabled, visible }.", "flags"};
  }
  flags.given_ = true;
  for (const auto& [name, flag] : given->items()) {
    if (flag.is_null()) continue;
    if (is_known(name) && !is_well_formed(flag)) {
      return Error{"invalid-config",
                   "flags." + name + " must be true, false or { enabled, visible }, both of them booleans.",
                   "flags." + name};
    }
    if (const auto state = enabled(flag)) flags.states_.emplace(name, *state);
  }
  return flags;
}

std::optional<bool> Flags::state(std::string_view name) const {
  const auto found = states_.find(name);
  if (found != states_.end()) return found->second;
  if (!is_known(name)) return std::nullopt;
  return !given_ || name == kMultiTiered;
}

std::optional<std::string> Flags::objection(const Target& target, Tier default_tier) const {
  std::vector<std::string_view> needed;
  switch (target.provider) {
    case Provider::kSpace:
      needed = {kSpaces, kTierFlags[position(target.tier)]};
      break;
    case Provider::kRouter:
      needed = {kRealAi, kSpaces};
      break;
    case Provider::kOpenAi:
      needed = {kRealAi, kOpenAi};
      break;
    case Provider::kMock:
      needed = {kMockAi};
      break;
  }
  std::string names;
  int missing = 0;
  bool all_unset = true;
  for (const std::string_view name : needed) {
    if (*state(name)) continue;
    names.append(missing++ == 0 ? "" : " and ").append(name);
    all_unset = all_unset && states_.find(name) == states_.end();
  }
  if (missing > 0) {
    const bool one = missing == 1;
    return (one ? "the flag " : "the flags ") + names +
           (all_unset ? (one ? " is not set, which counts as off" : " are not set, which counts as off")
                      : (one ? " is off" : " are off"));
  }
  if (target.provider == Provider::kSpace && target.tier != default_tier && !*state(kMultiTiered)) {
    return "the flag useMultiTieredAI is off, so only the default tier " +
           std::string(tier_name(default_tier)) + " is used";
  }
  return std::nullopt;
}

}  // namespace tierwise::route
