// QuotaBook: how many calls a target gets from this page at the same time and in any 60 s, and who waits for
// a turn.
//
// Interactive calls go before background ones; within each, first come, first served. A call that may start
// is counted as running until it is released; one that waits is in the queue until it is started, cancelled
// (released) or its deadline passes. Every id admitted is told of exactly once: `go`, or later in `start` or
// `expired`, or not at all when the caller released it. Waiting ids move only in `release`, so the caller
// ticks at the time `at` names.
//
// Limits: concurrency 4, queue 50, no rate limit by default. The queue's length counts both kinds, and those
// whose deadline has passed until a `release` reports them. A target that leaves the config takes no new
// calls; those that run or wait there are still served. An id is free again once it is settled. Shapes:
// Ticket, Admission, Release, Released of js/core-types.ts.
#pragma once

#include <cstddef>
#include <limits>
#include <list>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace tierwise::route {

inline constexpr double kRateWindowMs = 60'000;
inline constexpr std::size_t kDefaultConcurrency = 4;
inline constexpr std::size_t kDefaultQueueLength = 50;

struct QuotaLoad {
  std::size_t running = 0;
  std::size_t queued = 0;
};

class QuotaBook {
 public:
  // Reads config.targets[].quota. Error code "invalid-config" naming the field; nothing has changed then.
  Result<Done> configure(const json& config);

  // An Admission, a Released as JSON text, and whether a call starts by it.
  struct Turn {
    std::string answer;
    bool starts = false;
  };

  // Error code "invalid-input" when the id is already running or waiting, "unknown-target" for a target that
  // is not configured.
  Result<Turn> admit(const json& ticket);

  // A target or an id unknown here is no error: a call may end after its target left the config.
  Result<Turn> release(const json& release);

  QuotaLoad load(std::string_view target) const;

 private:
  struct Waiting {
    std::string id;
    double deadline = 0;
  };

  using Queue = std::list<Waiting>;

  struct Lane {
    std::string target;
    bool configured = true;
    std::size_t concurrency = kDefaultConcurrency;
    std::size_t per_minute = std::numeric_limits<std::size_t>::max();
    std::size_t queue_length = kDefaultQueueLength;
    std::list<std::string> running = {};  // ids
    Queue interactive = {};
    Queue background = {};
    std::list<double> starts = {};  // of the last 60 s, only when there is a rate limit

    bool limited() const { return per_minute != std::numeric_limits<std::size_t>::max(); }
    bool waits() const { return !interactive.empty() || !background.empty(); }
    bool idle() const { return running.empty() && !waits(); }
  };

  const Lane* find(std::string_view target) const;
  Lane* find(std::string_view target);
  bool in_use(std::string_view id) const;
  static void forget_old_starts(Lane& lane, double now);
  static bool may_start(const Lane& lane);
  static void start(Lane& lane, std::string_view id, double now);
  static bool holds(const Queue& queue, std::string_view id);
  // How many of them have time left.
  static std::size_t live(const Queue& queue, double now);
  // When something can change without a call ending; infinity when nothing can.
  static double next_change(const Lane& lane);

  std::list<Lane> lanes_;
};

}  // namespace tierwise::route
