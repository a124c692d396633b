#include "route/target.h"

#include <utility>

#include "base/text.h"
#include "base/words.h"
#include "route/phrase.h"

namespace tierwise::route {
namespace {

constexpr std::string_view kTierNames = "base company abstraction user";
constexpr std::string_view kProviderNames = "space router openai mock";
constexpr std::size_t kMaxIdBytes = 200;

OwnedError invalid(std::string_view path, std::string_view field, std::string_view complaint) {
  return refusal("invalid-config", fill("{}{}", {path, field}), complaint);
}

Result<Target> read_target(const json& description, std::string_view path) {
  if (!description.is_object()) return invalid(path, "", "must be an object { id, provider, … }.");
  Target target;
  target.id = string_or_empty(description, "id");
  if (target.id.empty() || target.id.size() > kMaxIdBytes) {
    return invalid(path, ".id", "must be a string of 1 to 200 bytes.");
  }

  const auto provider = provider_named(string_or_empty(description, "provider"));
  if (!provider) return invalid(path, ".provider", "must be one of space, router, openai, mock.");
  target.provider = *provider;

  if (target.provider == Provider::kSpace) {
    const auto tier = tier_named(string_or_empty(description, "tier"));
    if (!tier) return invalid(path, ".tier", "must be one of base, company, abstraction, user: a Space needs it.");
    target.tier = *tier;
  }

  if (const json* model = find_member(description, "model")) {
    if (!model->is_string()) return invalid(path, ".model", "must be a string.");
    target.model = *string_in(*model);
  }
  return target;
}

bool same_place(const Target& left, const Target& right) {
  return left.provider == right.provider && (left.provider != Provider::kSpace || left.tier == right.tier);
}

}  // namespace

std::string_view tier_name(Tier tier) { return word_at(kTierNames, position(tier)); }

std::string_view provider_name(Provider provider) {
  return word_at(kProviderNames, static_cast<std::size_t>(provider));
}

std::optional<Tier> tier_named(std::string_view name) {
  const std::size_t position = word_position(kTierNames, name);
  return position == kNoWord ? std::nullopt : std::optional(static_cast<Tier>(position));
}

std::optional<Provider> provider_named(std::string_view name) {
  const std::size_t position = word_position(kProviderNames, name);
  return position == kNoWord ? std::nullopt : std::optional(static_cast<Provider>(position));
}

std::string_view label(const Target& target) {
  return target.provider == Provider::kSpace ? tier_name(target.tier) : provider_name(target.provider);
}

const Target* space_of(const std::list<Target>& targets, Tier tier) {
  for (const Target& target : targets) {
    if (target.provider == Provider::kSpace && target.tier == tier) return &target;
  }
  return nullptr;
}

Result<std::list<Target>> read_targets(const json& config) {
  const json* list = find_member(config, "targets");
  if (list == nullptr || !list->is_array()) {
    return invalid("targets", "", "must be a list of { id, provider, tier?, model? }.");
  }
  std::list<Target> targets;
  for (const json& description : elements_of(*list)) {
    const std::string path = fill("targets[{}]", {digits(static_cast<std::int64_t>(targets.size()))});
    auto target = read_target(description, path);
    if (!target) return target.take_error();
    for (const Target& other : targets) {
      if (other.id == target.value().id) {
        return invalid(path, ".id", fill("repeats {}; give each target its own id.", {in_quotes(other.id)}));
      }
      if (same_place(other, target.value())) {
        const bool space = other.provider == Provider::kSpace;
        return make_error("invalid-config",
                          fill("{}: there is already a target for {}; {}.",
                               {path, label(other), space ? "a tier has one Space" : "a provider has one target"}),
                          fill("{}{}", {path, space ? ".tier" : ".provider"}));
      }
    }
    targets.push_back(std::move(target).value());
  }
  return targets;
}

}  // namespace tierwise::route
