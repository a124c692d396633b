// Rules: which tiers a request wants, decided by data (models/tiers.json; the format is in docs/ROUTING.md).
//
// A rule names a tier, a condition over facts and the sentence that says why. Facts are what the caller says
// (context, mode, preference, permissions, token counts), the flags, and what was measured of each tier's
// Space. A condition compares one fact or joins others with all, any and not. A fact that is not there
// satisfies only `present: false`, `truthy: false` and `not`; values of different types are never equal,
// greater or less. Limits: 200 rules, 2,000 conditions, 16 levels, 100 entries of a list, 500 bytes of a
// sentence.
#pragma once

#include <functional>
#include <list>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "route/flags.h"
#include "route/health.h"
#include "route/target.h"

namespace tierwise::route {

// What conditions may look at. Views: everything must outlive the evaluation.
struct Facts {
  // An object.
  const json& context;
  // A list of tier names, or nullptr when none were given.
  const json* permissions;
  std::string_view mode;
  std::string_view prefer;
  double input_tokens;
  double output_tokens;
  const Flags& flags;
  // Of the tiers that have a Space.
  const std::list<Target>& targets;
  const std::function<HealthView(const Target&)>& health;
};

struct Rule {
  Tier tier;
  // A condition as it was read, checked; null holds always.
  json when;
  // Clauses without a final period. `otherwise` says why the rule did not apply; may be empty.
  std::string because;
  std::string otherwise;

  bool applies(const Facts& facts) const;
};

struct Rules {
  std::list<Rule> list;
  // Tiers that stand in, in this order, when those wanted and the default one do not answer.
  std::vector<Tier> fallback;

  // Reads CoreConfig.tiers; error code "invalid-config" naming the part ("tiers.rules[1].when.all[0].fact").
  static Result<Rules> read(const json& config);
};

}  // namespace tierwise::route
