// Verdicts after a failure, and the breaker of each target: cooldown, extension, half-open probe, closing.
#include "route/health.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "route/quota.h"

namespace tierwise::route {
namespace {

constexpr double kT = 1'794'000'000'000;
constexpr const char* kSpace = "space:company";

json config() {
  return {{"targets",
           {{{"id", "space:base"}, {"provider", "space"}, {"tier", "base"}},
            {{"id", kSpace}, {"provider", "space"}, {"tier", "company"}},
            {{"id", "openai"}, {"provider", "openai"}}}}};
}

const json kServerError = {{"kind", "http"}, {"status", 500}};
const json kBusy = {{"kind", "http"}, {"status", 503}};
const json kRateLimit = {{"kind", "http"}, {"status", 429}};
json later(int seconds) { return {{"kind", "http"}, {"status", 429}, {"headers", {{"retry-after", std::to_string(seconds)}}}}; }
const json kQuotaText = {{"kind", "app"}, {"message", "You have exceeded your free ZeroGPU quota (60s requested vs. 56s left). Try again in 1:00:00."}};

class Health : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(bool(book.configure(config()))); }

  json fail(const json& facts, double now, json more = json::object()) {
    json report = {{"target", kSpace},  {"facts", facts},          {"attempt", 1},       {"attempts", 1},
                   {"shown", false},    {"more", true},            {"startedAt", now},   {"deadline", now + 120'000},
                   {"now", now},        {"random", 0.5}};
    report.update(more);
    auto verdict = book.failed(report);
    EXPECT_TRUE(bool(verdict)) << (verdict ? "" : verdict.error().message);
    return verdict ? json::parse(verdict.value()) : json();
  }
  void succeed(double now, double total = 100, double first = 20) {
    ASSERT_TRUE(bool(book.succeeded({{"target", kSpace}, {"totalMs", total}, {"firstPartMs", first}, {"now", now}})));
  }
  json stage(const char* name, double now, double polls = 1, double started = kT) {
    return json::parse(book.stage({{"target", kSpace}, {"stage", name}, {"polls", polls}, {"startedAt", started}, {"now", now}}).value());
  }
  Availability at(double now) { return book.view(kSpace, now).availability; }
  double until(double now) { return book.view(kSpace, now).cooling_until; }

  HealthBook book;
};

// ---- verdicts

struct Row {
  const char* name;
  const char* facts;
  const char* more;  // merged into the report
  const char* action;
  double delay = 0;
  const char* reason = "";
};

TEST(Verdict, Table) {
  const char* error500 = R"({"kind":"http","status":500})";
  const char* error429 = R"({"kind":"http","status":429})";
  const char* after5 = R"({"kind":"http","status":429,"headers":{"retry-after":"5"}})";
  const char* after60 = R"({"kind":"http","status":429,"headers":{"retry-after":"60"}})";
  for (const Row& row : std::vector<Row>{
           {"abort", R"({"kind":"abort"})", R"({})", "give-up", 0, "cancelled"},
           {"abort with retries left and no other target", R"({"kind":"abort"})", R"({"more":false})", "give-up"},
           {"shown", error500, R"({"shown":true})", "give-up", 0, "already shown"},
           {"shown and asleep", R"({"kind":"cut","stage":"SLEEPING"})", R"({"shown":true})", "give-up", 0, "already shown"},
           {"content", R"({"kind":"http","status":400,"body":"{\"error\":{\"code\":\"content_filter\"}}"})", R"({})", "give-up", 0, "refused"},
           {"deadline", error500, R"({"deadline":1794000000000})", "give-up", 0, "time of the request"},
           {"attempts", error500, R"({"attempts":6})", "give-up", 0, "6 attempts"},
           {"asleep", R"({"kind":"network","stage":"SLEEPING"})", R"({})", "wake"},
           {"building", R"({"kind":"network","stage":"BUILDING"})", R"({"more":false})", "wake"},
           {"starting", R"({"kind":"http","status":503,"stage":"APP_STARTING"})", R"({})", "wake"},
           {"paused", R"({"kind":"network","stage":"PAUSED"})", R"({})", "next"},
           {"paused, last", R"({"kind":"network","stage":"PAUSED"})", R"({"more":false})", "give-up", 0, "No other target"},
           {"first retry", error500, R"({})", "retry", 250, "Retry 1 of 2 after 250 ms."},
           {"second retry", error500, R"({"attempt":2,"attempts":2})", "retry", 500, "Retry 2 of 2"},
           {"no third", error500, R"({"attempt":3,"attempts":3})", "next", 0, "tried 3 times"},
           {"no third, last", error500, R"({"attempt":3,"attempts":3,"more":false})", "give-up"},
           {"no jitter", error500, R"({"random":0})", "retry", 0},
           {"network", R"({"kind":"network"})", R"({})", "retry", 250},
           {"cut", R"({"kind":"cut"})", R"({})", "retry", 250},
           {"busy", R"({"kind":"http","status":503})", R"({})", "retry", 250},
           {"loading", R"({"kind":"http","status":503,"body":"{\"error\":{\"message\":\"Loading model\"}}"})", R"({})", "retry", 250},
           {"408", R"({"kind":"http","status":408})", R"({"more":false})", "retry", 250},
           {"409", R"({"kind":"http","status":409})", R"({})", "retry", 250},
           {"425", R"({"kind":"http","status":425})", R"({})", "retry", 250},
           {"400", R"({"kind":"http","status":400})", R"({})", "next", 0, "fail again"},
           {"401", R"({"kind":"http","status":401})", R"({})", "next"},
           {"404, last", R"({"kind":"http","status":404})", R"({"more":false})", "give-up"},
           {"context", R"({"kind":"app","type":"context_length_exceeded"})", R"({})", "next"},
           {"redirect", R"({"kind":"redirect"})", R"({})", "next"},
           {"protocol", R"({"kind":"protocol"})", R"({})", "next"},
           {"timeout goes on", R"({"kind":"timeout","phase":"first-chunk"})", R"({})", "next", 0, "slow"},
           {"timeout, last", R"({"kind":"timeout","phase":"stall"})", R"({"more":false})", "retry", 250},
           {"429 without a time", error429, R"({})", "next", 0, "names no time"},
           {"429 without a time, last", error429, R"({"more":false})", "retry", 250},
           {"Retry-After fits", after5, R"({})", "retry", 5000, "asked"},
           {"Retry-After past the deadline", after5, R"({"deadline":1794000004000})", "next", 0, "deadline"},
           {"Retry-After past the deadline, last", after5, R"({"deadline":1794000004000,"more":false})", "give-up", 0, "deadline"},
           {"Retry-After too long with another target", after60, R"({})", "next", 0, "60 s"},
           {"Retry-After long, last", after60, R"({"more":false})", "retry", 60'000},
           {"Retry-After 0", R"({"kind":"http","status":429,"headers":{"retry-after":"0"}})", R"({})", "retry", 250},
           {"backoff past the deadline", error500, R"({"deadline":1794000000250})", "next", 0, "deadline"},
           {"quota", R"({"kind":"http","status":402})", R"({})", "next"},
           {"quota, last", R"({"kind":"http","status":402})", R"({"more":false})", "give-up"},
           {"quota, soon", R"({"kind":"app","message":"You have exceeded your ZeroGPU quota. Try again in 0:00:10"})", R"({})", "next"},
           {"quota, soon, last", R"({"kind":"app","message":"You have exceeded your ZeroGPU quota. Try again in 0:00:10"})", R"({"more":false})", "retry", 10'000},
           {"own limits", R"({"kind":"quota"})", R"({})", "next"},
           {"own limits, last", R"({"kind":"quota"})", R"({"more":false})", "give-up"}}) {
    HealthBook book;
    ASSERT_TRUE(bool(book.configure(config())));
    json report = {{"target", kSpace}, {"facts", json::parse(row.facts)}, {"attempt", 1}, {"attempts", 1},
                   {"shown", false}, {"more", true}, {"startedAt", kT}, {"deadline", kT + 120'000}, {"now", kT},
                   {"random", 0.5}};
    report.update(json::parse(row.more));
    auto verdict = book.failed(report);
    ASSERT_TRUE(bool(verdict)) << row.name;
    const json given = json::parse(verdict.value());
    EXPECT_EQ(given["action"], row.action) << row.name << ": " << given.dump();
    EXPECT_EQ(given["delayMs"], row.delay) << row.name << ": " << given.dump();
    EXPECT_NE(given["reason"].get<std::string>().find(row.reason), std::string::npos) << row.name << ": " << given.dump();
    EXPECT_FALSE(given["message"].get<std::string>().empty());
  }
}

TEST_F(Health, EveryRequestEndsWithinItsAttemptsAndItsDeadline) {
  const std::vector<json> facts = {kServerError, kBusy, kRateLimit, later(3), {{"kind", "network"}}, {{"kind", "timeout"}, {"phase", "stall"}}};
  unsigned state = 7;
  for (int request = 0; request < 300; ++request) {
    double now = kT + request * 1000.0;
    const double deadline = now + 30'000;
    int attempts = 0;
    int targets = 3;
    int attempt = 0;
    for (;;) {
      ++attempts;
      ++attempt;
      ASSERT_LE(attempts, kMaxAttempts);
      ASSERT_LE(attempt, kMaxRetries + 1);
      state = state * 1103515245U + 12345U;
      const json verdict = fail(facts[(state >> 16U) % facts.size()], now,
                                {{"attempt", attempt}, {"attempts", attempts}, {"more", targets > 1},
                                 {"deadline", deadline}, {"random", (state >> 8U) % 100 / 100.0}});
      const std::string action = verdict["action"].get<std::string>();
      if (action == "give-up") break;
      if (action == "next") {
        ASSERT_GT(targets--, 1);
        attempt = 0;
        continue;
      }
      ASSERT_EQ(action, "retry");
      now += verdict["delayMs"].get<double>();
      ASSERT_LT(now, deadline);
    }
  }
}

TEST_F(Health, BackoffGrowsIsJitteredAndCapped) {
  for (const double random : {0.0, 0.25, 0.999}) {
    HealthBook fresh;
    ASSERT_TRUE(bool(fresh.configure(config())));
    std::swap(book, fresh);
    EXPECT_DOUBLE_EQ(fail(kServerError, kT, {{"random", random}})["delayMs"].get<double>(), random * 500);
    EXPECT_DOUBLE_EQ(fail(kServerError, kT, {{"random", random}, {"attempt", 2}})["delayMs"].get<double>(), random * 1000);
  }
  EXPECT_LE(fail(kServerError, kT, {{"random", 1e9}, {"attempt", -50}, {"more", false}})["delayMs"].get<double>(), kBackoffCapMs);
}

TEST_F(Health, MessagesAndTimesOfAQuota) {
  const json verdict = fail(kQuotaText, kT);
  EXPECT_EQ(verdict["class"], "quota");
  EXPECT_EQ(verdict["action"], "next");
  EXPECT_EQ(verdict["resetAt"], kT + 3'600'000);
  EXPECT_EQ(verdict["coolingUntil"], kT + 3'600'000);
  EXPECT_EQ(at(kT + 3'599'999), Availability::kCooling);
  EXPECT_EQ(book.view(kSpace, kT).message, "company Space is left alone for another 60 min: its quota is used up.");
  EXPECT_EQ(at(kT + 3'600'000), Availability::kProbing);
}

TEST_F(Health, AQuotaIsNeverBelievedForMoreThanADay) {
  fail({{"kind", "http"}, {"status", 402}, {"headers", {{"retry-after", "999999999"}}}}, kT);
  EXPECT_EQ(until(kT), kT + 86'400'000);
}

// ---- breaker

TEST_F(Health, OneFailureIsNoCooldownThreeInARowAre) {
  EXPECT_FALSE(fail(kServerError, kT).contains("coolingUntil"));
  fail(kServerError, kT + 1);
  EXPECT_EQ(at(kT + 2), Availability::kReady);
  const json third = fail(kServerError, kT + 2);
  EXPECT_EQ(third["coolingUntil"], kT + 2 + kFailureCooldownMs);
  EXPECT_EQ(third["action"], "next") << "a target in trouble is not retried while another is left";
  EXPECT_EQ(at(kT + 3), Availability::kCooling);
}

TEST_F(Health, ASuccessBetweenStartsTheRowAnew) {
  for (int i = 0; i < 6; ++i) {
    fail(kServerError, kT + i * 100'000);
    fail(kServerError, kT + i * 100'000 + 1);
    succeed(kT + i * 100'000 + 2, 1);
  }
  EXPECT_EQ(at(kT + 600'000), Availability::kReady);
}

TEST_F(Health, MoreThanHalfOfTheLastMinuteCools) {
  // s f f s f: 3 of 5 failed, never three in a row.
  succeed(kT, 1);
  fail(kServerError, kT + 1);
  fail(kServerError, kT + 2);
  succeed(kT + 3, 1);
  EXPECT_EQ(at(kT + 4), Availability::kReady);
  fail(kServerError, kT + 4);
  EXPECT_EQ(at(kT + 5), Availability::kCooling);
}

TEST_F(Health, HalfOfTheLastMinuteDoesNotAndOldOnesDoNotCount) {
  succeed(kT, 1);
  fail(kServerError, kT + 1);
  fail(kServerError, kT + 2);
  succeed(kT + 3, 1);
  succeed(kT + 4, 1);
  fail(kServerError, kT + 5);
  EXPECT_EQ(at(kT + 6), Availability::kReady) << "3 of 6 is not more than half";
  // The first six are out of the window by now.
  fail(kServerError, kT + 70'000);
  EXPECT_EQ(at(kT + 70'001), Availability::kReady);
}

struct Cool {
  const char* name;
  json facts;
  double length;
};

TEST_F(Health, ClassesThatCoolAtOnce) {
  for (const Cool& row : std::vector<Cool>{{"rate limit", kRateLimit, kRateLimitCooldownMs},
                                           {"rate limit with a time", later(12), 12'000},
                                           {"a long time", later(4000), 4'000'000},
                                           {"busy", kBusy, kFailureCooldownMs},
                                           {"busy with a time", {{"kind", "http"}, {"status", 503}, {"headers", {{"retry-after", "9"}}}}, 9000},
                                           {"credits", {{"kind", "http"}, {"status", 402}}, kMaxCooldownMs},
                                           {"loading", {{"kind", "app"}, {"message", "Loading model"}}, kLoadingCooldownMs}}) {
    HealthBook fresh;
    ASSERT_TRUE(bool(fresh.configure(config())));
    std::swap(book, fresh);
    EXPECT_EQ(fail(row.facts, kT)["coolingUntil"], kT + row.length) << row.name;
    EXPECT_EQ(at(kT + row.length - 1), Availability::kCooling) << row.name;
    EXPECT_EQ(at(kT + row.length), Availability::kProbing) << row.name;
    EXPECT_EQ(book.view("space:base", kT).availability, Availability::kUnknown) << "others are not concerned";
  }
}

TEST_F(Health, WhatTheCallerDidIsNoFailureOfTheTarget) {
  for (int i = 0; i < 10; ++i) {
    fail({{"kind", "abort"}}, kT + i);
    fail({{"kind", "quota"}}, kT + i);
    fail({{"kind", "http"}, {"status", 400}}, kT + i);
    fail({{"kind", "too-large"}}, kT + i);
    fail({{"kind", "app"}, {"type", "context_length_exceeded"}}, kT + i);
    fail({{"kind", "app"}, {"message", "content_policy"}}, kT + i);
  }
  EXPECT_EQ(at(kT + 20), Availability::kUnknown);
  EXPECT_EQ(book.view(kSpace, kT + 20).failure_share, 0);
}

TEST_F(Health, ALaterFailureExtendsACooldownButDoesNotDoubleIt) {
  fail(kRateLimit, kT);
  fail(kRateLimit, kT + 10'000);
  EXPECT_EQ(until(kT + 10'001), kT + 40'000);
  // A shorter one does not shorten it, nor take its reason.
  fail(kBusy, kT + 11'000);
  EXPECT_EQ(until(kT + 11'001), kT + 40'000);
  EXPECT_NE(book.view(kSpace, kT + 11'001).message.find("more requests than it allows"), std::string::npos);
}

TEST_F(Health, FailedProbesDoubleItUpToFiveMinutes) {
  double now = kT;
  fail(kBusy, now);
  double expected = 5000;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(until(now), now + expected) << i;
    now += expected;
    ASSERT_EQ(at(now), Availability::kProbing);
    book.started(kSpace, now);
    fail(kBusy, now);
    expected = std::min(expected * 2, kMaxCooldownMs);
  }
  // A success closes it, and the next cooldown is a first one.
  now += expected;
  book.started(kSpace, now);
  succeed(now + 10, 5);
  EXPECT_EQ(at(now + 10), Availability::kReady);
  fail(kBusy, now + 100);
  EXPECT_EQ(until(now + 100), now + 100 + 5000);
}

TEST_F(Health, AnyFailureOfAProbeCoolsAgain) {
  fail(kBusy, kT);
  book.started(kSpace, kT + 5000);
  fail(kServerError, kT + 5001);
  EXPECT_EQ(until(kT + 5001), kT + 5001 + 10'000);
}

TEST_F(Health, OneProbeAtATime) {
  fail(kBusy, kT);
  const double over = kT + 5000;
  book.started(kSpace, over - 1);  // a call that started before is no probe
  EXPECT_EQ(at(over), Availability::kProbing);
  EXPECT_EQ(at(over), Availability::kProbing) << "looking takes nothing";
  book.started(kSpace, over);
  EXPECT_EQ(at(over + 1), Availability::kCooling);
  EXPECT_NE(book.view(kSpace, over + 1).message.find("finding out"), std::string::npos);
  book.started(kSpace, over + 50'000);  // planned before, admitted late: does not prolong the lease
  EXPECT_EQ(until(over + 50'001), over + kProbeLeaseMs);
  EXPECT_EQ(at(over + kProbeLeaseMs), Availability::kProbing) << "a probe nobody settles is given up";
}

TEST_F(Health, AClockThatWasSetBackKeepsNobodyShut) {
  constexpr double kAhead = kT + 365.0 * 86'400'000;
  fail(kBusy, kAhead);
  stage("SLEEPING", kAhead);
  EXPECT_EQ(at(kAhead + 3'600'000), Availability::kProbing);
  EXPECT_EQ(at(kT), Availability::kProbing);
  book.started(kSpace, kT);
  EXPECT_EQ(at(kT), Availability::kCooling);  // one probe, for its lease
  const json verdict = fail(kBusy, kT + 10);
  EXPECT_LE(verdict["coolingUntil"].get<double>(), kT + 10 + kMaxCooldownMs);
  EXPECT_EQ(at(kT + 10 + kMaxCooldownMs), Availability::kProbing);

  fail(kBusy, kAhead);
  succeed(kT + 1000);
  EXPECT_EQ(at(kT + 1000), Availability::kReady);
}

TEST_F(Health, AnAbortGivesTheProbeBack) {
  fail(kBusy, kT);
  book.started(kSpace, kT + 5000);
  fail({{"kind", "abort"}}, kT + 5100);
  EXPECT_EQ(at(kT + 5100), Availability::kProbing);
}

TEST_F(Health, AnAnsweredBadRequestProvesThatItIsBack) {
  fail(kBusy, kT);
  book.started(kSpace, kT + 5000);
  fail({{"kind", "http"}, {"status", 400}}, kT + 5100);
  EXPECT_EQ(at(kT + 5100), Availability::kReady);
}

TEST_F(Health, ASuccessThatBeganBeforeTheCooldownProvesNothing) {
  fail(kRateLimit, kT);
  succeed(kT + 1000, 9000);
  EXPECT_EQ(at(kT + 1000), Availability::kCooling);
  succeed(kT + 2000, 500);
  EXPECT_EQ(at(kT + 2000), Availability::kReady);
}

TEST_F(Health, ARequestsOwnRetriesAreNotCutShortByItsOwnCooldown) {
  EXPECT_EQ(fail(kBusy, kT)["action"], "retry");
  EXPECT_EQ(fail(kBusy, kT + 300, {{"attempt", 2}, {"attempts", 2}})["action"], "retry");
  EXPECT_EQ(fail(kBusy, kT + 900, {{"attempt", 3}, {"attempts", 3}})["action"], "next");
}

TEST_F(Health, AnotherRequestDoesNotRetryATargetThatCools) {
  fail(kBusy, kT);
  EXPECT_EQ(fail(kBusy, kT + 10)["action"], "next");
  EXPECT_EQ(fail({{"kind", "network"}}, kT + 20, {{"more", false}})["action"], "retry") << "nothing else is left";
}

// ---- stages

TEST_F(Health, StagesAreRememberedAndEnd) {
  struct Seen {
    const char* stage;
    Availability availability;
  };
  for (const Seen& row : std::vector<Seen>{{"SLEEPING", Availability::kAsleep},
                                           {"STOPPED", Availability::kAsleep},
                                           {"BUILDING", Availability::kStarting},
                                           {"APP_STARTING", Availability::kStarting},
                                           {"PAUSED", Availability::kUnavailable},
                                           {"RUNTIME_ERROR", Availability::kUnavailable},
                                           {"MISSING", Availability::kUnavailable}}) {
    const json verdict = stage(row.stage, kT);
    EXPECT_EQ(at(kT), row.availability) << row.stage;
    EXPECT_EQ(book.view(kSpace, kT).message, verdict["message"].get<std::string>()) << row.stage;
    EXPECT_EQ(at(kT + kStageMemoryMs), Availability::kUnknown) << "old news is no news";
    stage("SOMETHING_NEW", kT + 1);
    EXPECT_EQ(at(kT + 1), row.availability) << "an unknown stage tells nothing";
    stage("RUNNING", kT + 2);
    EXPECT_EQ(at(kT + 2), Availability::kUnknown);
  }
}

TEST_F(Health, VerdictOfAStage) {
  const json asleep = stage("SLEEPING", kT);
  EXPECT_EQ(asleep["state"], "sleeping");
  EXPECT_EQ(asleep["fatal"], false);
  EXPECT_EQ(asleep["pollAfterMs"], 1000);
  EXPECT_EQ(asleep["message"], "company Space is waking up, usually under a minute.");
  const json paused = stage("PAUSED", kT);
  EXPECT_EQ(paused["state"], "paused");
  EXPECT_EQ(paused["fatal"], true);
  EXPECT_EQ(stage("RUNNING", kT)["pollAfterMs"], 0);
}

TEST_F(Health, TheTimeOfAWakeIsLearned) {
  stage("SLEEPING", kT, 1);
  stage("APP_STARTING", kT + 20'000, 5);
  stage("RUNNING", kT + 38'000, 9);
  EXPECT_EQ(stage("SLEEPING", kT + 9e6, 1, kT + 9e6)["message"], "company Space is waking up, about 38 s.");
}

TEST_F(Health, AFailureWithAStageRemembersIt) {
  EXPECT_EQ(fail({{"kind", "network"}, {"stage", "SLEEPING"}}, kT)["class"], "asleep");
  EXPECT_EQ(at(kT + 1), Availability::kAsleep);
  EXPECT_EQ(book.view(kSpace, kT + 1).failure_share, 0);
  succeed(kT + 40'000);
  EXPECT_EQ(at(kT + 40'000), Availability::kReady);
  fail({{"kind", "network"}, {"stage", "PAUSED"}}, kT + 50'000);
  EXPECT_EQ(at(kT + 50'000), Availability::kUnavailable);
  fail({{"kind", "network"}, {"stage", "RUNNING"}}, kT + 60'000);
  EXPECT_EQ(at(kT + 60'000), Availability::kReady);
}

// ---- numbers

TEST_F(Health, PercentilesOverTheLast64AndShareOverFiveMinutes) {
  for (int i = 1; i <= 100; ++i) succeed(kT + i, i, i / 2.0);
  // 37 to 100 are kept: nearest rank 32 and 61 of 64.
  const HealthView view = book.view(kSpace, kT + 200);
  EXPECT_EQ(view.p50_ms, 68.0);
  EXPECT_EQ(view.first_part_p50_ms, 34.0);
  EXPECT_EQ(view.failure_share, 0);
  const json report = json::parse(book.report(kT + 200, QuotaBook()).value());
  EXPECT_EQ(report["targets"][1]["p95Ms"], 97);

  fail(kServerError, kT + 300'050);
  EXPECT_NEAR(book.view(kSpace, kT + 300'050).failure_share, 1.0 / 52, 1e-9) << "51 successes are within 5 minutes";
  EXPECT_EQ(book.view(kSpace, kT + 9e6).failure_share, 0);
}

TEST_F(Health, FirstPartMayBeUnknown) {
  ASSERT_TRUE(bool(book.succeeded({{"target", kSpace}, {"totalMs", 5}, {"now", kT}})));
  EXPECT_EQ(book.view(kSpace, kT).p50_ms, 5.0);
  EXPECT_FALSE(book.view(kSpace, kT).first_part_p50_ms.has_value());
}

TEST_F(Health, Report) {
  QuotaBook quota;
  ASSERT_TRUE(bool(quota.configure(config())));
  ASSERT_TRUE(bool(quota.admit({{"target", kSpace}, {"id", "x"}, {"mode", "interactive"}, {"deadline", kT}, {"now", 1}})));
  succeed(kT);
  fail(later(30), kT + 1000);
  stage("SLEEPING", kT + 400'000);
  const json cooling = json::parse(book.report(kT + 2000, quota).value())["targets"];
  ASSERT_EQ(cooling.size(), 3U);
  EXPECT_EQ(cooling[0]["target"], "space:base");
  EXPECT_EQ(cooling[0]["state"], "unknown");
  EXPECT_FALSE(cooling[0].contains("p50Ms"));
  EXPECT_FALSE(cooling[0].contains("lastError"));
  EXPECT_FALSE(cooling[2].contains("tier")) << "providers have none";
  const json now = json::parse(book.report(kT + 400'001, quota).value())["targets"][1];
  EXPECT_EQ(now["state"], "sleeping");
  EXPECT_EQ(now["tier"], "company");
  EXPECT_EQ(now["successes"], 1);
  EXPECT_EQ(now["failures"], 1);
  EXPECT_EQ(now["lastError"], "rate-limit");
  EXPECT_EQ(now["running"], 1);
  EXPECT_EQ(now["queued"], 0);

  const std::vector<std::pair<const char*, const char*>> states = {{"PAUSED", "paused"}, {"BUILD_ERROR", "broken"},
                                                                   {"MISSING", "missing"}, {"BUILDING", "building"}};
  for (const auto& [name, state] : states) {
    stage(name, kT + 500'000);
    EXPECT_EQ(json::parse(book.report(kT + 500'001, quota).value())["targets"][1]["state"], state);
  }
  stage("RUNNING", kT + 500'002);
  EXPECT_EQ(json::parse(book.report(kT + 10'000, quota).value())["targets"][1]["state"], "cooling-down");
  EXPECT_EQ(json::parse(book.report(kT + 10'000, quota).value())["targets"][1]["coolingUntil"], kT + 31'000);
  EXPECT_EQ(json::parse(book.report(kT + 500'003, quota).value())["targets"][1]["state"], "probing");
  succeed(kT + 500'100, 10);
  EXPECT_EQ(json::parse(book.report(kT + 500'101, quota).value())["targets"][1]["state"], "ready");
}

TEST_F(Health, ReconfiguringKeepsWhatIsKnownOfKeptIds) {
  fail(kRateLimit, kT);
  json kept = config();
  kept["targets"].erase(0);
  ASSERT_TRUE(bool(book.configure(kept)));
  EXPECT_EQ(at(kT + 1), Availability::kCooling);
  EXPECT_EQ(json::parse(book.report(kT, QuotaBook()).value())["targets"].size(), 2U);
  ASSERT_TRUE(bool(book.configure({{"targets", json::array()}})));
  ASSERT_TRUE(bool(book.configure(config())));
  EXPECT_EQ(at(kT + 1), Availability::kUnknown) << "dropped ids are forgotten";
  auto refused = book.configure({{"targets", 5}});
  ASSERT_FALSE(bool(refused));
  EXPECT_EQ(refused.error().code, "invalid-config");
}

TEST_F(Health, UnknownTargetsGetVerdictsAndLeaveNoTrace) {
  EXPECT_EQ(fail(kServerError, kT, {{"target", "space:gone"}})["action"], "retry");
  EXPECT_TRUE(bool(book.succeeded({{"target", "space:gone"}, {"totalMs", 5}, {"now", kT}})));
  book.started("space:gone", kT);
  EXPECT_EQ(book.view("space:gone", kT).availability, Availability::kUnknown);
  EXPECT_EQ(json::parse(book.report(kT, QuotaBook()).value())["targets"].size(), 3U);
}

TEST_F(Health, MalformedReportsNameTheField) {
  const json good = {{"target", kSpace}, {"facts", {{"kind", "network"}}}, {"attempt", 1}, {"attempts", 1},
                     {"deadline", kT}, {"now", kT}, {"random", 0.5}};
  EXPECT_TRUE(bool(book.failed(good)));
  for (const char* field : {"target", "facts", "attempt", "attempts", "deadline", "now", "random"}) {
    json bad = good;
    bad.erase(field);
    auto verdict = book.failed(bad);
    ASSERT_FALSE(bool(verdict)) << field;
    EXPECT_EQ(verdict.error().code, "invalid-input");
    EXPECT_EQ(verdict.error().field, field);
  }
  EXPECT_EQ(book.succeeded({{"target", kSpace}, {"now", kT}}).error().field, "totalMs");
  EXPECT_EQ(book.stage({{"target", kSpace}}).error().field, "stage");
  EXPECT_FALSE(bool(book.failed(json("text"))));
}

}  // namespace
}  // namespace tierwise::route
