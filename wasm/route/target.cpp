#include "route/target.h"

#include <algorithm>
#include <utility>

#include "route/phrase.h"

namespace tierwise::route {
namespace {

constexpr std::array<std::string_view, 4> kTierNames = {"base", "company", "abstraction", "user"};
constexpr std::array<std::string_view, 4> kProviderNames = {"space", "router", "openai", "mock"};
constexpr std::size_t kMaxIdBytes = 200;

Error refusal(const std::string& field, std::string message) {
  return Error{"invalid-config", std::move(message), field};
}

Result<Target> read_target(const json& description, const std::string& path) {
  if (!description.is_object()) return refusal(path, path + " must be an object { id, provider, … }.");
  Target target;
  const json* id = find_member(description, "id");
  if (id == nullptr || !id->is_string() || id->get_ref<const std::string&>().empty() ||
      id->get_ref<const std::string&>().size() > kMaxIdBytes) {
    return refusal(path + ".id", path + ".id must be a string of 1 to 200 bytes.");
  }
  target.id = id->get<std::string>();

  const auto provider = optional_string(description, "provider");
  const auto known = provider ? provider_named(*provider) : std::nullopt;
  if (!known) {
    return refusal(path + ".provider", path + ".provider must be one of space, router, openai, mock.");
  }
  target.provider = *known;

  if (target.provider == Provider::kSpace) {
    const auto name = optional_string(description, "tier");
    const auto tier = name ? tier_named(*name) : std::nullopt;
    if (!tier) {
      return refusal(path + ".tier",
                     path + ".tier must be one of base, company, abstraction, user: a Space needs it.");
    }
    target.tier = *tier;
  }

  if (const json* model = find_member(description, "model")) {
    if (!model->is_string()) return refusal(path + ".model", path + ".model must be a string.");
    target.model = model->get<std::string>();
  }
  return target;
}

bool same_place(const Target& left, const Target& right) {
  return left.provider == right.provider && (left.provider != Provider::kSpace || left.tier == right.tier);
}

}  // namespace

std::string_view tier_name(Tier tier) { return kTierNames[position(tier)]; }

std::string_view provider_name(Provider provider) {
  return kProviderNames[static_cast<std::size_t>(provider)];
}

std::optional<Tier> tier_named(std::string_view name) {
  for (const Tier tier : kTiers) {
    if (tier_name(tier) == name) return tier;
  }
  return std::nullopt;
}

std::optional<Provider> provider_named(std::string_view name) {
  for (const Provider provider : kProviders) {
    if (provider_name(provider) == name) return provider;
  }
  return std::nullopt;
}

std::string_view label(const Target& target) {
  return target.provider == Provider::kSpace ? tier_name(target.tier) : provider_name(target.provider);
}

Result<std::vector<Target>> read_targets(const json& config) {
  const json* list = find_member(config, "targets");
  if (list == nullptr || !list->is_array()) {
    return refusal("targets", "targets must be a list of { id, provider, tier?, model? }.");
  }
  std::vector<Target> targets;
  for (std::size_t index = 0; index < list->size(); ++index) {
    const std::string path = "targets[" + std::to_string(index) + "]";
    auto target = read_target((*list)[index], path);
    if (!target) return target.error();
    for (const Target& other : targets) {
      if (other.id == target.value().id) {
        return refusal(path + ".id",
                       path + ".id repeats " + in_quotes(other.id) + "; give each target its own id.");
      }
      if (same_place(other, target.value())) {
        const bool space = other.provider == Provider::kSpace;
        return refusal(path + (space ? ".tier" : ".provider"),
                       path + ": there is already a target for " + std::string(label(other)) +
                           (space ? "; a tier has one Space." : "; a provider has one target."));
      }
    }
    targets.push_back(std::move(target).value());
  }
  return targets;
}

}  // namespace tierwise::route
