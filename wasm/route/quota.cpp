#include "route/quota.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "base/field_reader.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "route/name.h"
#include "route/target.h"

namespace tierwise::route {
namespace {

// Beyond these a limit is a mistake, and the bookkeeping would cost memory.
constexpr double kMostConcurrency = 1000;
constexpr double kMostPerMinute = 100'000;
constexpr double kMostQueueLength = 100'000;

// Leaves `to` alone when the field is absent.
Result<Done> read_limit(const json& quota, std::string_view field, std::string_view path, double least, double most,
                        std::size_t& to) {
  const json* member = find_member(quota, field);
  if (member == nullptr) return Done{};
  const double value = member->is_number() ? member->get<double>() : -1;
  if (!(value >= least && value <= most) || value != std::floor(value)) {
    return refusal("invalid-config", fill("{}.{}", {path, field}),
                   fill("must be a whole number from {} to {}.",
                        {digits(static_cast<std::int64_t>(least)), digits(static_cast<std::int64_t>(most))}));
  }
  to = static_cast<std::size_t>(value);
  return Done{};
}

std::string calls(std::size_t count) {
  return fill(count == 1 ? "{} call" : "{} calls", {digits(static_cast<std::int64_t>(count))});
}

void write_strings(JsonWriter& answer, std::string_view name, const std::list<std::string>& list) {
  answer.name(name).open('[');
  for (const std::string& text : list) answer.text(text);
  answer.close(']');
}

}  // namespace

const QuotaBook::Lane* QuotaBook::find(std::string_view target) const {
  for (const Lane& lane : lanes_) {
    if (lane.target == target) return &lane;
  }
  return nullptr;
}

QuotaBook::Lane* QuotaBook::find(std::string_view target) {
  return const_cast<Lane*>(static_cast<const QuotaBook*>(this)->find(target));
}

bool QuotaBook::holds(const Queue& queue, std::string_view id) {
  for (const Waiting& waiting : queue) {
    if (waiting.id == id) return true;
  }
  return false;
}

bool QuotaBook::in_use(std::string_view id) const {
  for (const Lane& lane : lanes_) {
    if (std::find(lane.running.begin(), lane.running.end(), id) != lane.running.end()) return true;
    if (holds(lane.interactive, id) || holds(lane.background, id)) return true;
  }
  return false;
}

std::size_t QuotaBook::live(const Queue& queue, double now) {
  std::size_t count = 0;
  for (const Waiting& waiting : queue) count += waiting.deadline > now ? 1 : 0;
  return count;
}

Result<Done> QuotaBook::configure(const json& config) {
  auto targets = read_targets(config);
  if (!targets) return targets.take_error();
  auto description = elements_of(*find_member(config, "targets")).begin();
  std::list<Lane> lanes;
  for (const Target& target : targets.value()) {
    Lane lane;
    lane.target = target.id;
    if (const json* quota = find_member(*description++, "quota")) {
      const std::string path = fill("targets[{}].quota", {digits(static_cast<std::int64_t>(lanes.size()))});
      if (!quota->is_object()) {
        return refusal("invalid-config", path, "must be an object { concurrency?, perMinute?, queueLength? }.");
      }
      struct Limit {
        std::string_view field;
        double least;
        double most;
        std::size_t& to;
      };
      for (const Limit& limit : {Limit{"concurrency", 1, kMostConcurrency, lane.concurrency},
                                 Limit{"perMinute", 1, kMostPerMinute, lane.per_minute},
                                 Limit{"queueLength", 0, kMostQueueLength, lane.queue_length}}) {
        auto done = read_limit(*quota, limit.field, path, limit.least, limit.most, limit.to);
        if (!done) return done;
      }
    }
    lanes.push_back(std::move(lane));
  }
  // Nothing fails from here on: what runs and waits moves over.
  lanes.swap(lanes_);
  for (Lane& known : lanes) {
    if (Lane* same = find(known.target)) {
      same->running = std::move(known.running);
      same->interactive = std::move(known.interactive);
      same->background = std::move(known.background);
      if (same->limited()) same->starts = std::move(known.starts);
    } else if (!known.idle()) {
      known.configured = false;
      lanes_.push_back(std::move(known));
    }
  }
  return Done{};
}

void QuotaBook::forget_old_starts(Lane& lane, double now) {
  // A clock that was set back must not keep a target shut until it has caught up.
  for (double& start : lane.starts) start = std::min(start, now);
  while (!lane.starts.empty() && now - lane.starts.front() >= kRateWindowMs) lane.starts.pop_front();
}

bool QuotaBook::may_start(const Lane& lane) {
  return lane.running.size() < lane.concurrency && lane.starts.size() < lane.per_minute;
}

void QuotaBook::start(Lane& lane, std::string_view id, double now) {
  lane.running.emplace_back(id);
  if (lane.limited()) lane.starts.push_back(now);
}

double QuotaBook::next_change(const Lane& lane) {
  double at = std::numeric_limits<double>::infinity();
  for (const auto* queue : {&lane.interactive, &lane.background}) {
    for (const Waiting& waiting : *queue) at = std::min(at, waiting.deadline);
  }
  if (lane.waits() && lane.running.size() < lane.concurrency) {
    // A free slot: either the rate limit holds it back, or a tick is due now.
    double free_at = 0;
    std::size_t left = lane.starts.size();
    for (const double start : lane.starts) {
      // The one whose end lets the next call start.
      if (left-- == lane.per_minute) free_at = start + kRateWindowMs;
    }
    at = std::min(at, free_at);
  }
  return at;
}

Result<QuotaBook::Turn> QuotaBook::admit(const json& ticket) {
  FieldReader reader(ticket);
  const std::string_view target = reader.string("target");
  const std::string_view id = reader.string("id");
  const std::string_view mode = reader.string("mode");
  const bool interactive = mode == "interactive";
  if (!interactive && mode != "background") reader.complain("mode", "interactive or background");
  const double deadline = reader.number("deadline");
  const double now = reader.number("now");
  if (reader.failed()) return reader.take_problem();
  const std::string name = target_name(target);
  Lane* lane = find(target);
  if (lane == nullptr || !lane->configured)
    return make_error("unknown-target", fill("{} is not configured.", {name}), "target");
  if (in_use(id)) return refusal("invalid-input", "id", "is already running or waiting; give each call its own.");

  JsonWriter answer;
  const auto turn = [&answer](std::string_view state, std::string_view reason) {
    answer.text("state", state).text("reason", reason).close('}');
    return Turn{answer.take(), state == "go"};
  };
  answer.open('{');
  if (deadline <= now) return turn("refused", fill("The call to {} came after its deadline.", {name}));
  const std::size_t ahead = live(lane->interactive, now) + (interactive ? 0 : live(lane->background, now));
  forget_old_starts(*lane, now);
  if (ahead == 0 && may_start(*lane)) {
    start(*lane, id, now);
    return turn("go", fill("{} has a free place.", {name}));
  }

  const std::string limit = lane->running.size() >= lane->concurrency
                                ? fill("{} already has {} running from this page", {name, calls(lane->running.size())})
                            : lane->starts.size() >= lane->per_minute
                                ? fill("{} already got {} in the last minute", {name, calls(lane->starts.size())})
                                : fill("{} has others waiting for their turn", {name});
  if (lane->interactive.size() + lane->background.size() >= lane->queue_length) {
    return turn("refused", fill("{}, and its queue of {} is full. Try again when some have ended.",
                                {limit, digits(static_cast<std::int64_t>(lane->queue_length))}));
  }
  (interactive ? lane->interactive : lane->background).push_back({std::string(id), deadline});
  answer.number("position", static_cast<double>(ahead)).number("at", std::max(now, next_change(*lane)));
  return turn("wait", ahead == 0 ? fill("{}; this call is next.", {limit})
                                 : fill("{}; {} before this one.", {limit, calls(ahead)}));
}

Result<QuotaBook::Turn> QuotaBook::release(const json& release) {
  FieldReader reader(release);
  const std::string_view target = reader.string("target");
  const double now = reader.number("now");
  if (reader.failed()) return reader.take_problem();
  const auto id = optional_string(release, "id");
  if (!id && !is_set(release, "tick")) {
    return make_error("invalid-input", "Give the id of the call that ended, or tick: true.", "id");
  }
  std::list<std::string> started;
  std::list<std::string> expired;
  JsonWriter answer;
  answer.open('{');
  if (Lane* lane = find(target)) {
    Queue* const queues[] = {&lane->interactive, &lane->background};
    if (id) lane->running.remove_if([&id](const std::string& running) { return running == *id; });
    for (Queue* queue : queues) {
      for (auto waiting = queue->begin(); waiting != queue->end();) {
        const bool cancelled = id && waiting->id == *id;
        if (!cancelled && waiting->deadline > now) {
          ++waiting;
          continue;
        }
        if (!cancelled) expired.push_back(waiting->id);
        waiting = queue->erase(waiting);
      }
    }
    forget_old_starts(*lane, now);
    for (Queue* queue : queues) {
      for (; !queue->empty() && may_start(*lane); queue->pop_front()) {
        started.push_back(queue->front().id);
        start(*lane, queue->front().id, now);
      }
    }
    if (lane->waits()) answer.number("at", std::max(now, next_change(*lane)));
    if (!lane->configured && lane->idle()) lanes_.remove_if([lane](const Lane& other) { return &other == lane; });
  }
  write_strings(answer, "start", started);
  write_strings(answer, "expired", expired);
  return Turn{answer.close('}').take(), !started.empty()};
}

QuotaLoad QuotaBook::load(std::string_view target) const {
  const Lane* lane = find(target);
  if (lane == nullptr) return {};
  return {lane->running.size(), lane->interactive.size() + lane->background.size()};
}

}  // namespace tierwise::route
