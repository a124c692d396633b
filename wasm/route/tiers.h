// Tiers: step 2 of a request. Which targets may answer, in which order, and why each one was taken or passed
// over.
//
// The wishes come first: the tier asked for by name, the tiers of the rules that apply (route/rules.h), the
// default tier, the fallback tiers. Flags (route/flags.h) and permissions say which of them may be used; then
// come the router, the OpenAI-compatible provider and, last, the mock. The preference reorders the real
// targets, health takes some out. docs/ROUTING.md tells it at length. Stateless besides its configuration.
#pragma once

#include <functional>
#include <list>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "reply/prices.h"
#include "route/flags.h"
#include "route/health.h"
#include "route/rules.h"
#include "route/target.h"

namespace tierwise::route {

// What is known of a target at the time of the request.
struct Survey {
  std::function<HealthView(const Target&)> health;
  // US dollars of this request; nullopt when unknown. Asked only when the cheapest target goes first.
  std::function<std::optional<double>(const Target&)> cost;
};

class Tiers {
 public:
  // Reads `tiers`, `flags`, `defaultTier` and `targets` of CoreConfig. Error code "invalid-config" with the
  // field named; the configuration is unchanged then.
  Result<Done> configure(const json& config);

  // PlanRequest -> Plan of js/core-types.ts as JSON text. Error codes "unknown-tier", "invalid-input",
  // "too-large", "too-deep". A plan without targets is no error: `passedOver` says why.
  Result<std::string> plan(const json& request, const HealthBook& health, const reply::Prices& prices) const;
  Result<std::string> plan(const json& request, const Survey& survey) const;

 private:
  Rules rules_;
  Flags flags_;
  Tier default_tier_ = Tier::kBase;
  std::list<Target> targets_;
};

}  // namespace tierwise::route
