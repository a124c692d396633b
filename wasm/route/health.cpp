#include "route/health.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "route/name.h"
#include "route/phrase.h"
#include "route/quota.h"
#include "route/target.h"
#include "route/wait_text.h"

namespace tierwise::route {
namespace {

using enum FailureClass;

struct Report {
  std::string target;
  FailureFacts facts;
  double attempt = 1;
  double attempts = 1;
  bool shown = false;
  bool more = false;
  double deadline = 0;
  double now = 0;
  double random = 0;
};

Result<Report> read_report(const json& input) {
  Report report;
  auto target = require_string(input, "target", "target");
  if (!target) return target.error();
  report.target = std::move(target).value();
  const json* facts = find_member(input, "facts");
  if (facts == nullptr) return Error{"invalid-input", "facts must be an object.", "facts"};
  auto read = read_failure_facts(*facts);
  if (!read) return read.error();
  report.facts = std::move(read).value();
  struct Number {
    const char* field;
    double Report::* to;
  };
  constexpr std::array<Number, 5> kNumbers = {{{"attempt", &Report::attempt},
                                               {"attempts", &Report::attempts},
                                               {"deadline", &Report::deadline},
                                               {"now", &Report::now},
                                               {"random", &Report::random}}};
  for (const Number& number : kNumbers) {
    auto value = require_number(input, number.field, number.field);
    if (!value) return value.error();
    report.*number.to = value.value();
  }
  report.random = std::clamp(report.random, 0.0, 1.0);
  report.shown = optional_bool(input, "shown").value_or(false);
  report.more = optional_bool(input, "more").value_or(false);
  return report;
}

// No failure of the target: the caller's doing, or a state it is in.
bool counts(const Failure& failure) {
  if (failure.ours || failure.by_stage) return false;
  switch (failure.failure_class) {
    case kAbort:
    case kBadRequest:
    case kContextLength:
    case kContentRefused:
    case kTooLarge: return false;
    default: return true;
  }
}

// The cooldown a single failure of this class starts; nullopt: it takes several.
std::optional<double> cooldown_of(FailureClass failure_class) {
  switch (failure_class) {
    case kRateLimit: return kRateLimitCooldownMs;
    case kQuota: return kMaxCooldownMs;
    case kOverloaded: return kFailureCooldownMs;
    case kBuilding: return kLoadingCooldownMs;
    default: return std::nullopt;
  }
}

std::string_view cooldown_cause(FailureClass failure_class) {
  switch (failure_class) {
    case kRateLimit: return "it got more requests than it allows";
    case kQuota: return "its quota is used up";
    case kOverloaded: return "it is overloaded";
    case kBuilding: return "it is loading its model";
    case kNetwork: return "it could not be reached";
    case kTimeout: return "it was too slow";
    case kAuth: return "it did not accept the calls";
    default: return "several calls failed";
  }
}

// Nearest rank; `values` is reordered.
std::optional<double> percentile(std::vector<double>& values, double share) {
  if (values.empty()) return std::nullopt;
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rank, 1) - 1);
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

struct Decision {
  std::string_view action;
  double delay_ms = 0;
  std::string reason;
};

Decision decide(const Report& report, const Failure& failure, bool in_trouble) {
  const auto give_up = [](std::string reason) { return Decision{"give-up", 0, std::move(reason)}; };
  const auto next_or = [&](std::string why) {
    if (report.more) return Decision{"next", 0, why + " The next target is tried."};
    return give_up(why + " No other target is left.");
  };
  const std::string name = target_name(report.target);

  if (failure.failure_class == kAbort) return give_up("The caller cancelled the request.");
  if (report.shown) {
    return give_up("A part of the reply was already shown, and another reply must not silently replace it.");
  }
  if (failure.failure_class == kContentRefused) {
    return give_up("The content was refused; the same content is not sent to another model.");
  }
  if (report.now >= report.deadline) return give_up("The time of the request is used up.");
  if (report.attempts >= kMaxAttempts) {
    return give_up("The request has made " + std::to_string(kMaxAttempts) + " attempts, which is the limit.");
  }
  if (failure.failure_class == kAsleep || (failure.failure_class == kBuilding && failure.by_stage)) {
    return Decision{"wake", 0, name + " is not running yet, and a call or a visit starts it."};
  }

  // A quota without credits will not pass; one with a near reset is waited for when nothing else is left.
  const bool quota_passes = failure.failure_class == kQuota && failure.wait_ms && !report.more;
  if (!failure.retryable && !quota_passes) return next_or("The same call to " + name + " would fail again.");
  if (report.attempt > kMaxRetries) {
    return next_or(name + " was tried " + std::to_string(kMaxRetries + 1) + " times.");
  }

  const bool told = failure.wait_ms.has_value();
  const double backoff =
      report.random *
      std::min(kBackoffCapMs, kBackoffBaseMs * std::exp2(std::clamp(report.attempt, 1.0, 16.0) - 1));
  const double delay = told && *failure.wait_ms > 0 ? *failure.wait_ms : backoff;
  if (report.more) {
    if (told && delay > kBackoffCapMs) return next_or(name + " asks to wait " + wait_phrase(delay) + ".");
    if (failure.failure_class == kRateLimit && !told) return next_or(name + " limits its requests and names no time.");
    if (failure.failure_class == kTimeout) return next_or(name + " is slow, and another try would be too.");
    if (in_trouble) return next_or(name + " has failed before and is left alone for a while.");
  }
  if (report.now + delay >= report.deadline) {
    return next_or("Waiting " + wait_phrase(delay) + " for " + name + " would pass the request's deadline.");
  }
  const std::string which = "Retry " + std::to_string(static_cast<int>(std::max(1.0, report.attempt))) + " of " +
                            std::to_string(kMaxRetries) + " after " + (delay < 1000 ? latency_phrase(delay) : wait_phrase(delay));
  return Decision{"retry", delay, which + (told ? ", as " + name + " asked." : ".")};
}

}  // namespace

HealthBook::Record* HealthBook::find(const std::string& target) {
  for (Record& record : records_) {
    if (record.id == target) return &record;
  }
  return nullptr;
}

const HealthBook::Record* HealthBook::find(const std::string& target) const {
  return const_cast<HealthBook*>(this)->find(target);
}

Result<Done> HealthBook::configure(const json& config) {
  auto targets = read_targets(config);
  if (!targets) return targets.error();
  std::vector<Record> records;
  for (const Target& target : targets.value()) {
    Record record;
    if (Record* known = find(target.id)) record = std::move(*known);
    record.id = target.id;
    record.tier = target.provider == Provider::kSpace ? std::string(tier_name(target.tier)) : std::string();
    records.push_back(std::move(record));
  }
  records_ = std::move(records);
  return Done{};
}

bool HealthBook::half_open(const Record& record, double now) { return record.cooled_by && now >= record.cooling_until; }

void HealthBook::keep(Record& record, const Outcome& outcome) {
  record.outcomes[record.outcome_count % kOutcomesKept] = outcome;
  ++record.outcome_count;
}

void HealthBook::close(Record& record) {
  record.cooled_by.reset();
  record.cooled_at = 0;
  record.cooling_until = 0;
  record.doublings = 0;
  record.probe_until = 0;
}

void HealthBook::cool(Record& record, const Failure& failure, bool was_half_open, double now) {
  if (was_half_open) ++record.doublings;
  constexpr int kEnoughDoublings = 16;
  const double untold = cooldown_of(failure.failure_class).value_or(kFailureCooldownMs) *
                        std::exp2(std::min(record.doublings, kEnoughDoublings));
  const double length = failure.wait_ms ? std::min(*failure.wait_ms, kLongestWaitMs) : std::min(untold, kMaxCooldownMs);
  // The longest one gives the reason.
  if (!record.cooled_by || now + length > record.cooling_until) record.cooled_by = failure.failure_class;
  record.cooling_until = std::max(record.cooling_until, now + length);
  record.cooled_at = now;
  record.probe_until = 0;
}

void HealthBook::started(const std::string& target, double now) {
  Record* record = find(target);
  if (record != nullptr && half_open(*record, now) && now >= record->probe_until) {
    record->probe_until = now + kProbeLeaseMs;
  }
}

Result<json> HealthBook::succeeded(const json& outcome) {
  auto target = require_string(outcome, "target", "target");
  if (!target) return target.error();
  auto total = require_number(outcome, "totalMs", "totalMs");
  if (!total) return total.error();
  auto now = require_number(outcome, "now", "now");
  if (!now) return now.error();
  Record* record = find(target.value());
  if (record == nullptr) return json::object();
  const double total_ms = std::max(0.0, total.value());
  keep(*record, {now.value(), total_ms, optional_number(outcome, "firstPartMs").value_or(-1), true});
  ++record->successes;
  record->failures_in_a_row = 0;
  record->stage = StageState::kUnknown;
  if (record->cooled_by && now.value() - total_ms >= record->cooled_at) close(*record);
  return json::object();
}

void HealthBook::learn(Record& record, const Failure& failure, const FailureFacts& facts, double now) {
  if (failure.ours) {
    if (failure.failure_class == kAbort) record.probe_until = 0;
    return;
  }
  record.last_error = failure.failure_class;
  const bool was_half_open = half_open(record, now);
  if (failure.by_stage) {
    record.stage = stage_state(facts.stage);
    record.stage_message = failure.message;
    record.stage_at = now;
    record.probe_until = 0;
    return;
  }
  // Its app spoke, so it runs.
  if (facts.kind == FailureKind::kApp || facts.kind == FailureKind::kCut ||
      stage_state(facts.stage) == StageState::kRunning) {
    record.stage = StageState::kUnknown;
  }
  if (!counts(failure)) {
    if (was_half_open) close(record);
    record.failures_in_a_row = 0;
    return;
  }
  keep(record, {now, 0, -1, false});
  ++record.failures;
  ++record.failures_in_a_row;

  int failed = 0;
  int calls = 0;
  for (std::size_t i = 0; i < std::min(record.outcome_count, kOutcomesKept); ++i) {
    if (record.outcomes[i].at < now - kFailureMinuteMs) continue;
    ++calls;
    failed += record.outcomes[i].success ? 0 : 1;
  }
  const bool often = calls >= kFailuresOfMinute && failed * 2 > calls;
  if (was_half_open || record.cooled_by || often || record.failures_in_a_row >= kFailuresInARow ||
      cooldown_of(failure.failure_class)) {
    cool(record, failure, was_half_open, now);
  }
}

Result<json> HealthBook::failed(const json& input) {
  auto read = read_report(input);
  if (!read) return read.error();
  const Report& report = read.value();
  const Failure failure = classify(report.facts, report.target, report.now);

  Record* record = find(report.target);
  bool in_trouble = false;
  if (record != nullptr) {
    // From the second attempt on, the trouble may be this request's own.
    const bool known_trouble = record->cooled_by.has_value() && report.attempt <= 1;
    learn(*record, failure, report.facts, report.now);
    in_trouble = record->cooled_by && (known_trouble || record->failures_in_a_row >= kFailuresInARow);
  }

  const Decision decision = decide(report, failure, in_trouble);
  json verdict = {{"class", failure_class_name(failure.failure_class)},
                  {"message", failure.message},
                  {"action", decision.action},
                  {"delayMs", decision.delay_ms},
                  {"reason", decision.reason}};
  if (record != nullptr && record->cooled_by && record->cooling_until > report.now) {
    verdict["coolingUntil"] = record->cooling_until;
  }
  if (failure.wait_ms) verdict["resetAt"] = report.now + *failure.wait_ms;
  return verdict;
}

Result<json> HealthBook::stage(const json& observation) {
  auto target = require_string(observation, "target", "target");
  if (!target) return target.error();
  auto sighting = read_stage_sighting(observation);
  if (!sighting) return sighting.error();
  const StageSighting& seen = sighting.value();
  const StageState state = stage_state(seen.stage);

  Record* record = find(target.value());
  std::string message = stage_message(target.value(), seen.stage, seen.error_message,
                                      record == nullptr ? std::nullopt : record->usual_wake_ms);
  if (record != nullptr) {
    const bool was_waking = record->stage == StageState::kSleeping || record->stage == StageState::kStarting;
    if (state == StageState::kRunning) {
      if (was_waking && seen.polls > 1 && seen.now > seen.started_at) record->usual_wake_ms = seen.now - seen.started_at;
      record->stage = StageState::kUnknown;
    } else if (state != StageState::kUnknown) {
      record->stage = state;
      record->stage_message = message;
      record->stage_at = seen.now;
    }
  }
  return json{{"state", stage_state_name(state)},
              {"fatal", stage_is_fatal(state)},
              {"message", std::move(message)},
              {"pollAfterMs", stage_poll_after(seen)}};
}

HealthView HealthBook::view_of(const Record& record, double now) {
  HealthView view;
  std::vector<double> totals;
  std::vector<double> first_parts;
  int recent = 0;
  int recent_failures = 0;
  for (std::size_t i = 0; i < std::min(record.outcome_count, kOutcomesKept); ++i) {
    const Outcome& outcome = record.outcomes[i];
    if (outcome.success) totals.push_back(outcome.total_ms);
    if (outcome.success && outcome.first_part_ms >= 0) first_parts.push_back(outcome.first_part_ms);
    if (outcome.at >= now - kShareWindowMs) {
      ++recent;
      recent_failures += outcome.success ? 0 : 1;
    }
  }
  view.p50_ms = percentile(totals, 0.5);
  view.first_part_p50_ms = percentile(first_parts, 0.5);
  view.failure_share = recent == 0 ? 0 : static_cast<double>(recent_failures) / recent;

  const std::string name = target_name(record.id);
  const bool stage_known = record.stage != StageState::kUnknown && now < record.stage_at + kStageMemoryMs;
  if (stage_known) {
    view.availability = stage_is_fatal(record.stage)              ? Availability::kUnavailable
                        : record.stage == StageState::kSleeping ? Availability::kAsleep
                                                                : Availability::kStarting;
    view.message = record.stage_message;
  } else if (record.cooled_by && now < record.cooling_until) {
    view.availability = Availability::kCooling;
    view.cooling_until = record.cooling_until;
    view.message = name + " is left alone for another " + wait_phrase(record.cooling_until - now) + ": " +
                   std::string(cooldown_cause(*record.cooled_by)) + ".";
  } else if (record.cooled_by && now < record.probe_until) {
    view.availability = Availability::kCooling;
    view.cooling_until = record.probe_until;
    view.message = "One call is finding out whether " + name + " is back.";
  } else if (record.cooled_by) {
    view.availability = Availability::kProbing;
    view.message = name + " had trouble; the next call finds out whether it is back.";
  } else if (record.outcome_count > 0) {
    view.availability = Availability::kReady;
    view.message = name + (record.failures_in_a_row > 0 ? " is ready, though its last call failed." : " is ready.");
  } else {
    view.message = name + " has not been called yet.";
  }
  return view;
}

HealthView HealthBook::view(const std::string& target, double now) const {
  const Record* record = find(target);
  if (record != nullptr) return view_of(*record, now);
  HealthView view;
  view.message = target_name(target) + " is not configured.";
  return view;
}

Result<json> HealthBook::report(double now, const QuotaBook& quota) const {
  json targets = json::array();
  for (const Record& record : records_) {
    const HealthView view = view_of(record, now);
    std::string_view state;
    switch (view.availability) {
      case Availability::kUnknown: state = "unknown"; break;
      case Availability::kReady: state = "ready"; break;
      case Availability::kCooling: state = "cooling-down"; break;
      case Availability::kProbing: state = "probing"; break;
      case Availability::kAsleep: state = "sleeping"; break;
      case Availability::kStarting: state = "building"; break;
      case Availability::kUnavailable: state = stage_state_name(record.stage); break;
    }
    std::vector<double> totals;
    for (std::size_t i = 0; i < std::min(record.outcome_count, kOutcomesKept); ++i) {
      if (record.outcomes[i].success) totals.push_back(record.outcomes[i].total_ms);
    }
    const QuotaLoad load = quota.load(record.id);
    json health = {{"target", record.id},       {"state", state},
                   {"message", view.message},   {"successes", record.successes},
                   {"failures", record.failures}, {"running", load.running},
                   {"queued", load.queued}};
    if (!record.tier.empty()) health["tier"] = record.tier;
    if (record.last_error) health["lastError"] = failure_class_name(*record.last_error);
    if (view.p50_ms) health["p50Ms"] = *view.p50_ms;
    if (const auto p95 = percentile(totals, 0.95)) health["p95Ms"] = *p95;
    if (view.first_part_p50_ms) health["firstPartP50Ms"] = *view.first_part_p50_ms;
    if (view.availability == Availability::kCooling) health["coolingUntil"] = view.cooling_until;
    targets.push_back(std::move(health));
  }
  return json{{"targets", std::move(targets)}};
}

}  // namespace tierwise::route
