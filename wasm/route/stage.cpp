#include "route/stage.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/field_reader.h"
#include "base/text.h"
#include "base/words.h"
#include "route/name.h"
#include "route/phrase.h"
#include "route/server_text.h"

namespace tierwise::route {
namespace {

constexpr double kFirstLookMs = 1000;
constexpr double kLookStepMs = 500;
constexpr double kEarlyLookMs = 5000;
constexpr double kEarlyMs = 60'000;
constexpr double kLateLookMs = 10'000;
constexpr double kLateMs = 300'000;
constexpr double kLongLookMs = 30'000;
// Someone may restart or repair it; a page that still shows its state looks this often.
constexpr double kFatalLookMs = 60'000;
// The Hub's window (hub-docs, rate-limits.md); longer resets are taken for mistakes.
constexpr double kRateWindowSeconds = 300;
constexpr std::size_t kMaxStageWord = 40;

struct StageWords {
  std::string_view stage;
  StageState state;
  std::string_view words;
};

constexpr std::array<StageWords, 14> kStages = {{
    {"RUNNING", StageState::kRunning, "is running."},
    {"RUNNING_BUILDING", StageState::kRunning, "is running; a new version of it is being built."},
    {"RUNNING_APP_STARTING", StageState::kRunning, "is running; a new version of it is starting."},
    {"SLEEPING", StageState::kSleeping, "is waking up, "},
    {"STOPPED", StageState::kSleeping, "was stopped and is waking up, "},
    {"BUILDING", StageState::kBuilding, "is being built, which takes some minutes, at most half an hour."},
    {"APP_STARTING", StageState::kStarting, "is starting its app, "},
    {"PAUSED", StageState::kPaused, "is paused: only its owner can restart it (Hugging Face → Space → Settings)."},
    {"NO_APP_FILE", StageState::kBroken, "has no app to run: its owner must add app.py or a Dockerfile."},
    {"CONFIG_ERROR", StageState::kBroken,
     "has a mistake in its settings: its owner must correct the top of its README.md."},
    {"BUILD_ERROR", StageState::kBroken,
     "could not be built: its owner finds why in its build logs (Hugging Face → Space → Logs)."},
    {"RUNTIME_ERROR", StageState::kBroken,
     "has crashed: its owner finds why in its logs and must restart it (Hugging Face → Space → Logs)."},
    {"DELETING", StageState::kMissing, "is being deleted: set another Space for this tier."},
    {"MISSING", StageState::kMissing,
     "was not found: it does not exist, or it is private. Check its address, and give a token that may read "
     "it."},
}};

std::string upper_case(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

const StageWords* find_stage(std::string_view stage) {
  const std::string upper = upper_case(stage);
  for (const StageWords& known : kStages) {
    if (known.stage == upper) return &known;
  }
  return nullptr;
}

}  // namespace

std::string_view stage_state_name(StageState state) {
  return word_at("running sleeping building starting paused broken missing unknown", static_cast<std::size_t>(state));
}

StageState stage_state(std::string_view stage) {
  const StageWords* known = find_stage(stage);
  return known == nullptr ? StageState::kUnknown : known->state;
}

bool stage_is_fatal(StageState state) {
  return state == StageState::kPaused || state == StageState::kBroken || state == StageState::kMissing;
}

Result<StageSighting> read_stage_sighting(const json& observation) {
  FieldReader reader(observation);
  StageSighting seen;
  seen.stage = reader.string("stage");
  seen.polls = reader.number("polls");
  seen.started_at = reader.number("startedAt");
  seen.now = reader.number("now");
  if (reader.failed()) return reader.take_problem();
  seen.rate_remaining = optional_number(observation, "rateRemaining");
  seen.rate_reset_seconds = optional_number(observation, "rateResetSeconds");
  seen.error_message = string_or_empty(observation, "errorMessage");
  return seen;
}

std::string stage_message(std::string_view target, std::string_view stage, std::string_view error_message,
                          std::optional<double> usual_wake_ms) {
  const std::string name = target_name(target);
  const StageWords* known = find_stage(stage);
  if (known == nullptr) {
    return fill("{} is in a state unknown to this version ({}); it is looked at again.",
                {name, quotable(stage, kMaxStageWord)});
  }
  std::string message = fill("{} {}", {name, known->words});
  if (known->state == StageState::kSleeping || known->state == StageState::kStarting) {
    message += usual_wake_ms ? fill("about {}.", {wait_phrase(*usual_wake_ms)}) : "usually under a minute.";
  }
  if (stage_is_fatal(known->state)) {
    const std::string said = quotable(error_message);
    if (!said.empty()) message += fill(" The Hub says: \"{}\"", {said});
  }
  return message;
}

double stage_poll_after(const StageSighting& sighting) {
  const StageState state = stage_state(sighting.stage);
  if (state == StageState::kRunning) return 0;
  const double elapsed = std::max(0.0, sighting.now - sighting.started_at);
  double delay = kLongLookMs;
  if (stage_is_fatal(state)) {
    delay = kFatalLookMs;
  } else if (elapsed < kEarlyMs) {
    // The second term bounds a page that miscounts its looks: at most 25 in the first 60 s.
    delay = std::max(kFirstLookMs + kLookStepMs * (sighting.polls - 1), std::max(kFirstLookMs, elapsed / 6));
    delay = std::min(kEarlyLookMs, delay);
  } else if (elapsed < kLateMs) {
    delay = kLateLookMs;
  }
  if (sighting.rate_remaining) {
    const double reset_ms =
        1000 * std::clamp(sighting.rate_reset_seconds.value_or(kRateWindowSeconds), 0.0, kRateWindowSeconds);
    const double share = std::floor(std::max(0.0, *sighting.rate_remaining) / 2);
    delay = std::max(delay, std::ceil(share >= 1 ? reset_ms / share : reset_ms));
  }
  return delay;
}

}  // namespace tierwise::route
