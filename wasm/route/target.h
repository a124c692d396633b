// Target: one server a request may be sent to, as CoreConfig.targets of js/core-types.ts describes it, and
// the names of the tiers and providers. At most one Space per tier and one target per other provider.
// (Lists, here and in the rules, because they are walked and never indexed: in core.wasm a list's push_back
// is a quarter of a vector's, and there is one for each type.)
#pragma once

#include <array>
#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace tierwise::route {

enum class Tier { kBase, kCompany, kAbstraction, kUser };
// In the order a plan tries them when nothing else decides.
enum class Provider { kSpace, kRouter, kOpenAi, kMock };

inline constexpr std::array<Tier, 4> kTiers = {Tier::kBase, Tier::kCompany, Tier::kAbstraction, Tier::kUser};

std::string_view tier_name(Tier tier);
std::string_view provider_name(Provider provider);
std::optional<Tier> tier_named(std::string_view name);
std::optional<Provider> provider_named(std::string_view name);
constexpr std::size_t position(Tier tier) { return static_cast<std::size_t>(tier); }

struct Target {
  std::string id;
  Provider provider = Provider::kSpace;
  // Spaces only.
  Tier tier = Tier::kBase;
  // Empty when the config names none.
  std::string model;
};

// How sentences name a target: the tier of a Space, else the provider.
std::string_view label(const Target& target);

// nullptr when the tier has none.
const Target* space_of(const std::list<Target>& targets, Tier tier);

// Reads CoreConfig.targets; error code "invalid-config".
Result<std::list<Target>> read_targets(const json& config);

}  // namespace tierwise::route
