// HealthBook: what is known of each target, and what a request does when a call failed.
//
// Verdicts (`failed`). In this order: an abort, a part already shown, refused content, no time or no attempts
// left: give up. The Space sleeps or is being built: wake. A retryable failure: the same target again, at
// most kMaxRetries times, after the server's own wait when it names one, else after full-jitter exponential
// backoff (random * min(cap, base * 2^n); AWS Architecture Blog, "Exponential Backoff And Jitter"), if that
// ends before the deadline. While another target is left, a wait beyond kBackoffCapMs, a timeout, a rate
// limit without a time and a target known to be in trouble are not waited for: next. What is left: next
// target, or give up when there is none. A request makes at most kMaxAttempts calls.
//
// Cooldown. Starts at once after a rate limit, quota, overload or loading model, and after kFailuresInARow
// failures or more than half of at least kFailuresOfMinute calls in the last minute. Lasts as long as the
// server says (a quota until its reset; at most 24 h), else the class's time, doubled for each cooldown that
// follows without a success between, at most 5 minutes. A failure during a cooldown extends it (and never
// shortens it) but does not double it: calls that ran at the same time would. Half-open: when it is over,
// `view` says kProbing until `started` marks the next call as the probe; then kCooling until that call is
// settled by `succeeded` or `failed`, or kProbeLeaseMs have passed (its page forgot it). So one call probes;
// requests planned before it was admitted may still go. An abort gives the probe back. A success of a call
// that began after the cooldown did closes it; one that began before proves nothing.
//
// What counts. The caller's own doing (abort, own limits, bad request, context, refused content, too large)
// and a Space's stage (asleep…) are no failures of the target. An answered bad request even proves that the
// target is back. A stage seen is remembered for kStageMemoryMs; a success or RUNNING ends it.
//
// Unknown target ids are no error (the config may have changed meanwhile): they get verdicts but leave no
// trace. Shapes: FailureReport, FailureVerdict, SuccessReport, StageObservation, StageVerdict of
// js/core-types.ts; TargetHealth of js/types.ts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/rank.h"
#include "base/result.h"
#include "route/failure.h"
#include "route/stage.h"

namespace tierwise::route {

class QuotaBook;

// Backoff as asked for in the design; the cap also bounds how long a request waits for a server while another
// target is left.
inline constexpr double kBackoffBaseMs = 500;
inline constexpr double kBackoffCapMs = 20'000;
inline constexpr int kMaxRetries = 2;  // per request and target; AI SDK and LangChain's modelRetry have 2
inline constexpr int kMaxAttempts = 6;
// LiteLLM's router: cooldown_time 5 s, allowed_fails 3, cooldown when > 50 % of >= 5 calls of a minute
// failed.
inline constexpr double kFailureCooldownMs = 5'000;
inline constexpr int kFailuresInARow = 3;
inline constexpr int kFailuresOfMinute = 5;
inline constexpr double kFailureMinuteMs = 60'000;
inline constexpr double kRateLimitCooldownMs = 30'000;  // Portkey's breaker waits at least 30 s
inline constexpr double kLoadingCooldownMs = 10'000;
inline constexpr double kMaxCooldownMs = 300'000;  // also a quota's without a reset time
inline constexpr double kProbeLeaseMs = 120'000;   // the default of timeouts.total
inline constexpr double kStageMemoryMs = 300'000;
inline constexpr std::size_t kOutcomesKept = 64;
inline constexpr double kShareWindowMs = 300'000;

enum class Availability { kUnknown, kReady, kCooling, kProbing, kAsleep, kStarting, kUnavailable };

struct HealthView {
  Availability availability = Availability::kUnknown;
  std::string message;                // a sentence
  double cooling_until = 0;           // 0 unless kCooling
  std::optional<double> p50_ms = {};  // of the last kOutcomesKept calls, successes only
  std::optional<double> first_part_p50_ms = {};
  double failure_share = 0;  // of the calls of the last 5 minutes, 0 when there was none
};

class HealthBook {
 public:
  // Reads config.targets. What is known of a kept id stays, other ids are dropped. Error code
  // "invalid-config".
  Result<Done> configure(const json& config);

  // A call to `target` starts (it was admitted).
  void started(std::string_view target, double now);
  // Answers {}.
  Result<std::string> succeeded(const json& outcome);
  Result<std::string> failed(const json& report);
  Result<std::string> stage(const json& observation);

  // { "targets": [TargetHealth] } in the order of the config; successes and failures count since the page
  // opened.
  Result<std::string> report(double now, const QuotaBook& quota) const;

  HealthView view(std::string_view target, double now) const;

 private:
  struct Outcome {
    double at = 0;
    double total_ms = 0;
    double first_part_ms = -1;  // below 0: not known
    bool success = false;
  };

  struct Record {
    std::string id;
    std::string tier;  // empty for providers
    std::array<Outcome, kOutcomesKept> outcomes = {};
    std::size_t outcome_count = 0;  // ever; the ring holds the last ones
    std::uint64_t successes = 0;
    std::uint64_t failures = 0;
    int failures_in_a_row = 0;
    std::optional<FailureClass> last_error = {};
    // The breaker: closed without a value.
    std::optional<FailureClass> cooled_by = {};
    double cooled_at = 0;
    double cooling_until = 0;
    int doublings = 0;
    double probe_until = 0;
    // The Space's stage, when it is not running.
    StageState stage = StageState::kUnknown;
    std::string stage_message = {};
    double stage_at = 0;
    std::optional<double> usual_wake_ms = {};
  };

  const Record* find(std::string_view target) const;
  Record* find(std::string_view target);
  static bool cooling(const Record& record, double now);
  static bool being_probed(const Record& record, double now);
  static bool half_open(const Record& record, double now);
  static void keep(Record& record, const Outcome& outcome);
  static void cool(Record& record, const Failure& failure, bool was_half_open, double now);
  static void close(Record& record);
  static void learn(Record& record, const Failure& failure, const FailureFacts& facts, double now);
  // Of the successes, sorted; those that are known, which below 0 is not.
  static std::vector<Rank> times(const Record& record, double Outcome::*time);
  static HealthView view_of(const Record& record, double now);

  std::list<Record> records_;
};

}  // namespace tierwise::route
