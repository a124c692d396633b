// What a Space's runtime stage means: a state, a sentence for people, whether waiting can help, and when to
// look again.
//
// Stages: the union of huggingface.js (packages/hub/src/types/public.ts) and huggingface_hub (_space_api.py),
// judged as Gradio's own client does (client/js/src/helpers/spaces.ts); `MISSING` is ours, for a Space the
// Hub does not know. Stages that are not known yet are tolerated: state `unknown`, not fatal.
//
// The times of looking: 1 s, then half a second more each time up to 5 s; from 60 s on every 10 s; from 5
// minutes on every 30 s (builds take up to 30 minutes). That is 16 looks in the first 60 s and about 90 in 30
// minutes, where the Hub allows anonymous callers 500 calls in 5 minutes (hub-docs, rate-limits.md).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace tierwise::route {

enum class StageState { kRunning, kSleeping, kBuilding, kStarting, kPaused, kBroken, kMissing, kUnknown };

std::string_view stage_state_name(StageState state);

// Of the Hub's word for a stage, in any case.
StageState stage_state(std::string_view stage);

// Paused, broken, missing: only the owner can help.
bool stage_is_fatal(StageState state);

// Texts are views into what was read.
struct StageSighting {
  std::string_view stage;
  double polls = 1;  // looks in this wake, this one included
  double started_at = 0;
  double now = 0;
  std::optional<double> rate_remaining = {};
  std::optional<double> rate_reset_seconds = {};
  std::string_view error_message = {};
};

// Reads StageObservation of js/core-types.ts but for its target; error code "invalid-input".
Result<StageSighting> read_stage_sighting(const json& observation);

// `usual_wake_ms`: how long the last wake of this Space took, when that is known.
std::string stage_message(std::string_view target, std::string_view stage, std::string_view error_message,
                          std::optional<double> usual_wake_ms);

// 0 when running (no need to look again), else at least 1000. With the Hub's rate limit known, looks are
// spread so that at most half of the calls left are used before the limit starts anew.
double stage_poll_after(const StageSighting& sighting);

}  // namespace tierwise::route
