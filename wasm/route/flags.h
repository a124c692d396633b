// Flags: which targets the feature flags let a request use. The published truth table is in docs/ROUTING.md.
//
// A flag is true, false or { enabled, visible }; `visible` is for settings pages and decides nothing here.
// Without a flags object whatever is configured is on. With one, a flag it does not mention is off (as
// `featureFlags.x?.enabled` reads), but for useMultiTieredAI: that one only ever withholds tiers, so it
// counts when it is given and off. Flags of other names are the application's own: rules may read them,
// nothing else does.
#pragma once

#include <list>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "route/target.h"

namespace tierwise::route {

class Flags {
 public:
  // Reads CoreConfig.flags (absent: nothing is switched off); error code "invalid-config" naming the flag.
  static Result<Flags> read(const json& config);

  // Nothing when the target may be used, else why not, as a clause: "the flag useOpenAI is off".
  std::optional<std::string> objection(const Target& target, Tier default_tier) const;

  // Whether a flag is on; nothing for a flag of the application's own that is not given.
  std::optional<bool> state(std::string_view name) const;

 private:
  struct State {
    std::string name;
    bool on;
  };
  const State* find(std::string_view name) const;

  bool given_ = false;
  std::list<State> states_;
};

}  // namespace tierwise::route
