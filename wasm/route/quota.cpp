#include "route/quota.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "route/name.h"
#include "route/phrase.h"
#include "route/target.h"

namespace tierwise::route {
namespace {

// Beyond these a limit is a mistake, and the bookkeeping would cost memory.
constexpr double kMostConcurrency = 1000;
constexpr double kMostPerMinute = 100'000;
constexpr double kMostQueueLength = 100'000;

// Leaves `to` alone when the field is absent.
std::optional<Error> read_limit(const json& quota, std::string_view field, const std::string& path, double least,
                                double most, std::size_t& to) {
  const json* member = find_member(quota, field);
  if (member == nullptr) return std::nullopt;
  const double value = member->is_number() ? member->get<double>() : std::nan("");
  if (!(value >= least && value <= most) || value != std::floor(value)) {
    const std::string name = path + "." + std::string(field);
    return Error{"invalid-config",
                 name + " must be a whole number from " + std::to_string(static_cast<int>(least)) + " to " +
                     std::to_string(static_cast<int>(most)) + ".",
                 name};
  }
  to = static_cast<std::size_t>(value);
  return std::nullopt;
}

std::string calls(std::size_t count) { return std::to_string(count) + (count == 1 ? " call" : " calls"); }

}  // namespace

QuotaBook::Lane* QuotaBook::find(const std::string& target) {
  for (Lane& lane : lanes_) {
    if (lane.target == target) return &lane;
  }
  return nullptr;
}

bool QuotaBook::in_use(const std::string& id) const {
  const auto holds = [&id](const std::deque<Waiting>& queue) {
    return std::any_of(queue.begin(), queue.end(), [&id](const Waiting& waiting) { return waiting.id == id; });
  };
  return std::any_of(lanes_.begin(), lanes_.end(), [&](const Lane& lane) {
    return lane.running.count(id) > 0 || holds(lane.interactive) || holds(lane.background);
  });
}

Result<Done> QuotaBook::configure(const json& config) {
  auto targets = read_targets(config);
  if (!targets) return targets.error();
  std::vector<Lane> lanes;
  for (std::size_t index = 0; index < targets.value().size(); ++index) {
    Lane lane;
    lane.target = targets.value()[index].id;
    const json& description = config["targets"][index];
    if (const json* quota = find_member(description, "quota")) {
      const std::string path = "targets[" + std::to_string(index) + "].quota";
      if (!quota->is_object()) {
        return Error{"invalid-config", path + " must be an object { concurrency?, perMinute?, queueLength? }.", path};
      }
      if (auto error = read_limit(*quota, "concurrency", path, 1, kMostConcurrency, lane.concurrency)) return *error;
      if (auto error = read_limit(*quota, "perMinute", path, 1, kMostPerMinute, lane.per_minute)) return *error;
      if (auto error = read_limit(*quota, "queueLength", path, 0, kMostQueueLength, lane.queue_length)) return *error;
    }
    lanes.push_back(std::move(lane));
  }
  // Nothing fails from here on: what runs and waits moves over.
  for (Lane& known : lanes_) {
    const auto same = std::find_if(lanes.begin(), lanes.end(),
                                   [&known](const Lane& lane) { return lane.target == known.target; });
    if (same != lanes.end()) {
      same->running = std::move(known.running);
      same->interactive = std::move(known.interactive);
      same->background = std::move(known.background);
      if (same->limited()) same->starts = std::move(known.starts);
    } else if (!known.idle()) {
      known.configured = false;
      lanes.push_back(std::move(known));
    }
  }
  lanes_ = std::move(lanes);
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

void QuotaBook::start(Lane& lane, std::string id, double now) {
  lane.running.insert(std::move(id));
  if (lane.limited()) lane.starts.push_back(now);
}

double QuotaBook::next_change(const Lane& lane) {
  double at = std::numeric_limits<double>::infinity();
  for (const auto* queue : {&lane.interactive, &lane.background}) {
    for (const Waiting& waiting : *queue) at = std::min(at, waiting.deadline);
  }
  if (lane.waits() && lane.running.size() < lane.concurrency) {
    // A free slot: either the rate limit holds it back, or a tick is due now.
    const bool held = lane.starts.size() >= lane.per_minute;
    const std::size_t freeing = held ? lane.starts.size() - lane.per_minute : 0;
    at = std::min(at, held ? lane.starts[freeing] + kRateWindowMs : 0.0);
  }
  return at;
}

Result<json> QuotaBook::admit(const json& ticket) {
  auto target = require_string(ticket, "target", "target");
  if (!target) return target.error();
  auto id = require_string(ticket, "id", "id");
  if (!id) return id.error();
  auto mode = require_string(ticket, "mode", "mode");
  if (!mode) return mode.error();
  if (mode.value() != "interactive" && mode.value() != "background") {
    return Error{"invalid-input", "mode must be interactive or background.", "mode"};
  }
  auto deadline = require_number(ticket, "deadline", "deadline");
  if (!deadline) return deadline.error();
  auto now = require_number(ticket, "now", "now");
  if (!now) return now.error();
  Lane* lane = find(target.value());
  if (lane == nullptr || !lane->configured) {
    return Error{"unknown-target", target_name(target.value()) + " is not configured.", "target"};
  }
  if (in_use(id.value())) {
    return Error{"invalid-input", "id is already running or waiting; give each call its own.", "id"};
  }

  const std::string name = target_name(target.value());
  if (deadline.value() <= now.value()) {
    return json{{"state", "refused"}, {"reason", "The call to " + name + " came after its deadline."}};
  }
  const auto live = [&](const std::deque<Waiting>& queue) {
    return static_cast<std::size_t>(std::count_if(
        queue.begin(), queue.end(), [&](const Waiting& waiting) { return waiting.deadline > now.value(); }));
  };
  const bool interactive = mode.value() == "interactive";
  const std::size_t ahead = live(lane->interactive) + (interactive ? 0 : live(lane->background));
  forget_old_starts(*lane, now.value());
  if (ahead == 0 && may_start(*lane)) {
    start(*lane, std::move(id).value(), now.value());
    return json{{"state", "go"}, {"reason", name + " has a free place."}};
  }

  const bool rate_holds = lane->starts.size() >= lane->per_minute;
  std::string limit = lane->running.size() >= lane->concurrency
                          ? name + " already has " + calls(lane->running.size()) + " running from this page"
                          : rate_holds ? name + " already got " + calls(lane->starts.size()) + " in the last minute"
                                       : name + " has others waiting for their turn";
  const std::size_t queued = lane->interactive.size() + lane->background.size();
  if (queued >= lane->queue_length) {
    return json{{"state", "refused"},
                {"reason", limit + ", and its queue of " + std::to_string(lane->queue_length) +
                               " is full. Try again when some have ended."}};
  }
  auto& queue = interactive ? lane->interactive : lane->background;
  queue.push_back({std::move(id).value(), deadline.value()});
  return json{{"state", "wait"},
              {"position", ahead},
              {"at", std::max(now.value(), next_change(*lane))},
              {"reason", limit + (ahead == 0 ? "; this call is next." : "; " + calls(ahead) + " before this one.")}};
}

Result<json> QuotaBook::release(const json& release) {
  auto target = require_string(release, "target", "target");
  if (!target) return target.error();
  auto now = require_number(release, "now", "now");
  if (!now) return now.error();
  const auto id = optional_string(release, "id");
  if (!id && !optional_bool(release, "tick").value_or(false)) {
    return Error{"invalid-input", "Give the id of the call that ended, or tick: true.", "id"};
  }
  json started = json::array();
  json expired = json::array();
  json released = json::object();
  if (Lane* lane = find(target.value())) {
    if (id) {
      lane->running.erase(*id);
      for (auto* queue : {&lane->interactive, &lane->background}) {
        const auto waiting =
            std::find_if(queue->begin(), queue->end(), [&id](const Waiting& other) { return other.id == *id; });
        if (waiting != queue->end()) queue->erase(waiting);
      }
    }
    for (auto* queue : {&lane->interactive, &lane->background}) {
      for (auto waiting = queue->begin(); waiting != queue->end();) {
        if (waiting->deadline > now.value()) {
          ++waiting;
          continue;
        }
        expired.push_back(std::move(waiting->id));
        waiting = queue->erase(waiting);
      }
    }
    forget_old_starts(*lane, now.value());
    for (auto* queue : {&lane->interactive, &lane->background}) {
      while (!queue->empty() && may_start(*lane)) {
        started.push_back(queue->front().id);
        start(*lane, std::move(queue->front().id), now.value());
        queue->pop_front();
      }
    }
    if (lane->waits()) released["at"] = std::max(now.value(), next_change(*lane));
    if (!lane->configured && lane->idle()) lanes_.erase(lanes_.begin() + (lane - lanes_.data()));
  }
  released["start"] = std::move(started);
  released["expired"] = std::move(expired);
  return released;
}

QuotaLoad QuotaBook::load(const std::string& target) const {
  for (const Lane& lane : lanes_) {
    if (lane.target == target) return {lane.running.size(), lane.interactive.size() + lane.background.size()};
  }
  return {};
}

}  // namespace tierwise::route
