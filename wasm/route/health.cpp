#include "route/health.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/field_reader.h"
#include "base/json_writer.h"
#include "base/rank.h"
#include "base/text.h"
#include "base/words.h"
#include "route/name.h"
#include "route/phrase.h"
#include "route/quota.h"
#include "route/target.h"
#include "route/wait_text.h"

namespace tierwise::route {
namespace {

using enum FailureClass;

struct Report {
  std::string_view target;
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
  FieldReader reader(input);
  Report report;
  report.target = reader.string("target");
  const json* facts = find_member(input, "facts");
  if (facts == nullptr) reader.complain("facts", "an object");
  if (reader.failed()) return reader.take_problem();
  auto read = read_failure_facts(*facts);
  if (!read) return read.take_error();
  report.facts = std::move(read).value();
  report.attempt = reader.number("attempt");
  report.attempts = reader.number("attempts");
  report.deadline = reader.number("deadline");
  report.now = reader.number("now");
  report.random = std::clamp(reader.number("random"), 0.0, 1.0);
  if (reader.failed()) return reader.take_problem();
  report.shown = is_set(input, "shown");
  report.more = is_set(input, "more");
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

// Of the times sorted, by nearest rank.
std::optional<double> percentile(const std::vector<Rank>& times, double share) {
  if (times.empty()) return std::nullopt;
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(times.size())));
  return times[std::max<std::size_t>(rank, 1) - 1].key;
}

struct Decision {
  std::string_view action;
  double delay_ms = 0;
  std::string reason;
};

// Also false before it began: a clock that was set back must not keep a target shut until it has caught up.
bool lasts(double from, double until, double now) { return now >= from && now < until; }

double doubled(double value, double times) {
  for (; times >= 1; --times) value *= 2;
  return value;
}

Decision decide(const Report& report, const Failure& failure, bool in_trouble) {
  const auto give_up = [](std::string_view reason) { return Decision{"give-up", 0, std::string(reason)}; };
  const auto next_or = [&](std::string_view why) {
    if (report.more) return Decision{"next", 0, fill("{} The next target is tried.", {why})};
    return give_up(fill("{} No other target is left.", {why}));
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
    return give_up(fill("The request has made {} attempts, which is the limit.", {digits(kMaxAttempts)}));
  }
  if (failure.failure_class == kAsleep || (failure.failure_class == kBuilding && failure.by_stage)) {
    return Decision{"wake", 0, fill("{} is not running yet, and a call or a visit starts it.", {name})};
  }

  // A quota without credits will not pass; one with a near reset is waited for when nothing else is left.
  const bool quota_passes = failure.failure_class == kQuota && failure.wait_ms && !report.more;
  if (!failure.retryable && !quota_passes) return next_or(fill("The same call to {} would fail again.", {name}));
  if (report.attempt > kMaxRetries) return next_or(fill("{} was tried {} times.", {name, digits(kMaxRetries + 1)}));

  const bool told = failure.wait_ms.has_value();
  const double backoff =
      report.random * std::min(kBackoffCapMs, doubled(kBackoffBaseMs, std::min(report.attempt, 16.0) - 1));
  const double delay = told && *failure.wait_ms > 0 ? *failure.wait_ms : backoff;
  if (report.more) {
    if (told && delay > kBackoffCapMs) return next_or(fill("{} asks to wait {}.", {name, wait_phrase(delay)}));
    if (failure.failure_class == kRateLimit && !told) {
      return next_or(fill("{} limits its requests and names no time.", {name}));
    }
    if (failure.failure_class == kTimeout) return next_or(fill("{} is slow, and another try would be too.", {name}));
    if (in_trouble) return next_or(fill("{} has failed before and is left alone for a while.", {name}));
  }
  if (report.now + delay >= report.deadline) {
    return next_or(fill("Waiting {} for {} would pass the request's deadline.", {wait_phrase(delay), name}));
  }
  const auto attempt = static_cast<std::int64_t>(std::max(1.0, report.attempt));
  return Decision{"retry", delay,
                  fill("Retry {} of {} after {}{}.",
                       {digits(attempt), digits(kMaxRetries), delay < 1000 ? latency_phrase(delay) : wait_phrase(delay),
                        told ? fill(", as {} asked", {name}) : ""})};
}

}  // namespace

const HealthBook::Record* HealthBook::find(std::string_view target) const {
  for (const Record& record : records_) {
    if (record.id == target) return &record;
  }
  return nullptr;
}

HealthBook::Record* HealthBook::find(std::string_view target) {
  return const_cast<Record*>(static_cast<const HealthBook*>(this)->find(target));
}

Result<Done> HealthBook::configure(const json& config) {
  auto targets = read_targets(config);
  if (!targets) return targets.take_error();
  std::list<Record> records;
  for (const Target& target : targets.value()) {
    auto known = records_.begin();
    while (known != records_.end() && known->id != target.id) ++known;
    if (known != records_.end()) {
      records.splice(records.end(), records_, known);
    } else {
      records.emplace_back();
    }
    Record& record = records.back();
    record.id = target.id;
    record.tier = target.provider == Provider::kSpace ? tier_name(target.tier) : std::string_view();
  }
  records_.swap(records);
  return Done{};
}

bool HealthBook::cooling(const Record& record, double now) {
  return record.cooled_by && lasts(record.cooled_at, record.cooling_until, now);
}

bool HealthBook::half_open(const Record& record, double now) { return record.cooled_by && !cooling(record, now); }

bool HealthBook::being_probed(const Record& record, double now) {
  return lasts(record.probe_until - kProbeLeaseMs, record.probe_until, now);
}

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
  const double untold = doubled(cooldown_of(failure.failure_class).value_or(kFailureCooldownMs),
                                std::min(record.doublings, kEnoughDoublings));
  const double length = failure.wait_ms ? std::min(*failure.wait_ms, kLongestWaitMs) : std::min(untold, kMaxCooldownMs);
  // The longest one gives the reason.
  if (now < record.cooled_at) record.cooling_until = 0;
  if (!record.cooled_by || now + length > record.cooling_until) record.cooled_by = failure.failure_class;
  record.cooling_until = std::max(record.cooling_until, now + length);
  record.cooled_at = now;
  record.probe_until = 0;
}

void HealthBook::started(std::string_view target, double now) {
  Record* record = find(target);
  if (record != nullptr && half_open(*record, now) && !being_probed(*record, now)) {
    record->probe_until = now + kProbeLeaseMs;
  }
}

Result<std::string> HealthBook::succeeded(const json& outcome) {
  FieldReader reader(outcome);
  const std::string_view target = reader.string("target");
  const double total_ms = std::max(0.0, reader.number("totalMs"));
  const double now = reader.number("now");
  if (reader.failed()) return reader.take_problem();
  const std::string nothing_to_say = "{}";
  Record* record = find(target);
  if (record == nullptr) return nothing_to_say;
  keep(*record, {now, total_ms, optional_number(outcome, "firstPartMs").value_or(-1), true});
  ++record->successes;
  record->failures_in_a_row = 0;
  record->stage = StageState::kUnknown;
  if (record->cooled_by && (now - total_ms >= record->cooled_at || now < record->cooled_at)) close(*record);
  return nothing_to_say;
}

void HealthBook::learn(Record& record, const Failure& failure, const FailureFacts& facts, double now) {
  if (failure.ours) {
    if (facts.kind != FailureKind::kQuota) record.probe_until = 0;
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

Result<std::string> HealthBook::failed(const json& input) {
  auto read = read_report(input);
  if (!read) return read.take_error();
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
  JsonWriter verdict;
  verdict.open('{').text("class", failure_class_name(failure.failure_class)).text("message", failure.message);
  verdict.text("action", decision.action).number("delayMs", decision.delay_ms).text("reason", decision.reason);
  if (record != nullptr && cooling(*record, report.now)) {
    verdict.number("coolingUntil", record->cooling_until);
  }
  if (failure.wait_ms) verdict.number("resetAt", report.now + *failure.wait_ms);
  return verdict.close('}').take();
}

Result<std::string> HealthBook::stage(const json& observation) {
  FieldReader reader(observation);
  const std::string_view target = reader.string("target");
  if (reader.failed()) return reader.take_problem();
  auto sighting = read_stage_sighting(observation);
  if (!sighting) return sighting.take_error();
  const StageSighting& seen = sighting.value();
  const StageState state = stage_state(seen.stage);

  Record* record = find(target);
  const std::string message =
      stage_message(target, seen.stage, seen.error_message, record == nullptr ? std::nullopt : record->usual_wake_ms);
  if (record != nullptr) {
    const bool was_waking = record->stage == StageState::kSleeping || record->stage == StageState::kStarting;
    if (state == StageState::kRunning) {
      if (was_waking && seen.polls > 1 && seen.now > seen.started_at)
        record->usual_wake_ms = seen.now - seen.started_at;
      record->stage = StageState::kUnknown;
    } else if (state != StageState::kUnknown) {
      record->stage = state;
      record->stage_message = message;
      record->stage_at = seen.now;
    }
  }
  JsonWriter verdict;
  verdict.open('{').text("state", stage_state_name(state)).flag("fatal", stage_is_fatal(state));
  return verdict.text("message", message).number("pollAfterMs", stage_poll_after(seen)).close('}').take();
}

std::vector<Rank> HealthBook::times(const Record& record, double Outcome::*time) {
  std::vector<Rank> sorted;
  for (std::size_t i = 0; i < std::min(record.outcome_count, kOutcomesKept); ++i) {
    const Outcome& outcome = record.outcomes[i];
    if (outcome.success && outcome.*time >= 0) sorted.push_back({outcome.*time, static_cast<std::uint32_t>(i)});
  }
  sort_ranks(sorted);
  return sorted;
}

HealthView HealthBook::view_of(const Record& record, double now) {
  HealthView view;
  int recent = 0;
  int recent_failures = 0;
  for (std::size_t i = 0; i < std::min(record.outcome_count, kOutcomesKept); ++i) {
    const Outcome& outcome = record.outcomes[i];
    if (outcome.at < now - kShareWindowMs) continue;
    ++recent;
    recent_failures += outcome.success ? 0 : 1;
  }
  view.p50_ms = percentile(times(record, &Outcome::total_ms), 0.5);
  view.first_part_p50_ms = percentile(times(record, &Outcome::first_part_ms), 0.5);
  view.failure_share = recent == 0 ? 0 : static_cast<double>(recent_failures) / recent;

  const std::string name = target_name(record.id);
  const bool stage_known = record.stage != StageState::kUnknown && lasts(record.stage_at, record.stage_at + kStageMemoryMs, now);
  if (stage_known) {
    view.availability = stage_is_fatal(record.stage)            ? Availability::kUnavailable
                        : record.stage == StageState::kSleeping ? Availability::kAsleep
                                                                : Availability::kStarting;
    view.message = record.stage_message;
  } else if (cooling(record, now)) {
    view.availability = Availability::kCooling;
    view.cooling_until = record.cooling_until;
    view.message = fill("{} is left alone for another {}: {}.",
                        {name, wait_phrase(record.cooling_until - now), cooldown_cause(*record.cooled_by)});
  } else if (record.cooled_by && being_probed(record, now)) {
    view.availability = Availability::kCooling;
    view.cooling_until = record.probe_until;
    view.message = fill("One call is finding out whether {} is back.", {name});
  } else if (record.cooled_by) {
    view.availability = Availability::kProbing;
    view.message = fill("{} had trouble; the next call finds out whether it is back.", {name});
  } else if (record.outcome_count > 0) {
    view.availability = Availability::kReady;
    view.message =
        fill(record.failures_in_a_row > 0 ? "{} is ready, though its last call failed." : "{} is ready.", {name});
  } else {
    view.message = fill("{} has not been called yet.", {name});
  }
  return view;
}

HealthView HealthBook::view(std::string_view target, double now) const {
  const Record* record = find(target);
  if (record != nullptr) return view_of(*record, now);
  HealthView view;
  view.message = fill("{} is not configured.", {target_name(target)});
  return view;
}

Result<std::string> HealthBook::report(double now, const QuotaBook& quota) const {
  JsonWriter answer;
  answer.open('{').name("targets").open('[');
  for (const Record& record : records_) {
    const HealthView view = view_of(record, now);
    const std::string_view state = view.availability == Availability::kUnavailable
                                       ? stage_state_name(record.stage)
                                       : word_at("unknown ready cooling-down probing sleeping building",
                                                 static_cast<std::size_t>(view.availability));
    const QuotaLoad load = quota.load(record.id);
    answer.open('{').text("target", record.id).text("state", state).text("message", view.message);
    answer.number("successes", static_cast<double>(record.successes));
    answer.number("failures", static_cast<double>(record.failures));
    answer.number("running", static_cast<double>(load.running)).number("queued", static_cast<double>(load.queued));
    if (!record.tier.empty()) answer.text("tier", record.tier);
    if (record.last_error) answer.text("lastError", failure_class_name(*record.last_error));
    answer.number("p50Ms", view.p50_ms).number("p95Ms", percentile(times(record, &Outcome::total_ms), 0.95));
    answer.number("firstPartP50Ms", view.first_part_p50_ms);
    if (view.availability == Availability::kCooling) answer.number("coolingUntil", view.cooling_until);
    answer.close('}');
  }
  return answer.close(']').close('}').take();
}

}  // namespace tierwise::route
