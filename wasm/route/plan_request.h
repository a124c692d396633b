// PlanRequest of js/core-types.ts, checked: every field of the right type, the context bounded.
#pragma once

#include <cstddef>
#include <optional>

#include "base/json.h"
#include "base/result.h"
#include "route/target.h"

namespace tierwise::route {

// Largest context of a request, as JSON text, and its deepest nesting.
inline constexpr std::size_t kMaxContextBytes = 256 * 1024;
inline constexpr std::size_t kMaxContextDepth = 32;

struct PlanRequest {
  enum class Prefer { kQuality, kSpeed, kCost };

  std::optional<Tier> tier;
  // Both point into the request they were read from. `context` is nullptr when there is none.
  const json* context = nullptr;
  // nullptr: every tier is permitted.
  const json* permissions = nullptr;
  bool interactive = true;
  Prefer prefer = Prefer::kQuality;
  // Do not wait for a Space that wakes while another target can answer.
  bool fall_back_while_waking = true;
  double input_tokens = 0;
  double output_tokens = 0;
  double now = 0;

  bool permits(Tier wanted) const;

  // Error codes "unknown-tier", "invalid-input", "too-large" and "too-deep" (the context). Absent fields mean
  // interactive, quality, fallback and no tokens; only `now` is needed.
  static Result<PlanRequest> read(const json& request);
};

}  // namespace tierwise::route
