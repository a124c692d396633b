// The runtime stages of a Space: every one the Hub's own libraries know, unknown ones, and when to look again.
#include "route/stage.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tierwise::route {
namespace {

struct Row {
  const char* stage;
  const char* state;
  bool fatal;
  const char* said;
};

TEST(Stage, EveryOne) {
  for (const Row& row : std::vector<Row>{
           {"RUNNING", "running", false, "is running"},
           {"RUNNING_BUILDING", "running", false, "is running"},
           {"RUNNING_APP_STARTING", "running", false, "is running"},
           {"SLEEPING", "sleeping", false, "company Space is waking up, usually under a minute."},
           {"STOPPED", "sleeping", false, "waking up"},
           {"BUILDING", "building", false, "is being built"},
           {"APP_STARTING", "starting", false, "is starting its app"},
           {"PAUSED", "paused", true,
            "company Space is paused: only its owner can restart it (Hugging Face → Space → Settings)."},
           {"NO_APP_FILE", "broken", true, "app.py"},
           {"CONFIG_ERROR", "broken", true, "README.md"},
           {"BUILD_ERROR", "broken", true, "build logs"},
           {"RUNTIME_ERROR", "broken", true, "crashed"},
           {"DELETING", "missing", true, "being deleted"},
           {"MISSING", "missing", true, "private"},
           {"sleeping", "sleeping", false, "waking up"},
           {"", "unknown", false, "unknown to this version"},
           {"QUANTUM_STATE", "unknown", false, "QUANTUM_STATE"}}) {
    const StageState state = stage_state(row.stage);
    EXPECT_EQ(stage_state_name(state), row.state) << row.stage;
    EXPECT_EQ(stage_is_fatal(state), row.fatal) << row.stage;
    const std::string message = stage_message("space:company", row.stage, "", std::nullopt);
    EXPECT_NE(message.find(row.said), std::string::npos) << message;
    EXPECT_EQ(message.rfind("company Space ", 0), 0U) << message;
  }
}

TEST(Stage, MessageSaysWhatIsKnown) {
  EXPECT_EQ(stage_message("space:company", "SLEEPING", "", 40'000), "company Space is waking up, about 40 s.");
  EXPECT_NE(stage_message("space:user", "RUNTIME_ERROR", "exit code 1\nhf_AAAABBBBCCCC", std::nullopt)
                .find("The Hub says: \"exit code 1 [redacted]\""),
            std::string::npos);
  const std::string strange = stage_message("space:base", std::string(5000, 'X'), "", std::nullopt);
  EXPECT_LT(strange.size(), 200U);
}

// Follows the verdicts as the page does; each look itself takes `latency`.
std::vector<double> looks(const std::string& stage, double until, double latency, bool counts = true) {
  std::vector<double> at;
  double now = 0;
  while (now < until) {
    at.push_back(now);
    now += latency;
    StageSighting seen{stage, counts ? static_cast<double>(at.size()) : 1, 0, now};
    now += stage_poll_after(seen);
  }
  return at;
}

TEST(Stage, AtMost30LooksInTheFirstMinute) {
  for (const char* stage : {"SLEEPING", "STOPPED", "BUILDING", "APP_STARTING", "ODD"}) {
    for (const double latency : {0.0, 5.0, 150.0, 2000.0}) {
      EXPECT_LE(looks(stage, 60'000, latency).size(), 16U) << stage << latency;
      EXPECT_LE(looks(stage, 60'000, latency, false).size(), 30U) << "miscounted " << stage << latency;
    }
  }
  EXPECT_LE(looks("BUILDING", 30 * 60'000, 0).size(), 100U);
}

TEST(Stage, Schedule) {
  struct Poll {
    double polls;
    double elapsed;
    double after;
  };
  for (const Poll& row : std::vector<Poll>{{1, 0, 1000},
                                           {2, 1000, 1500},
                                           {3, 2500, 2000},
                                           {9, 22'000, 5000},
                                           {100, 50'000, 5000},
                                           {16, 60'000, 10'000},
                                           {30, 299'000, 10'000},
                                           {40, 300'000, 30'000},
                                           {400, 1e9, 30'000},
                                           {0, -5000, 1000}}) {
    EXPECT_EQ(stage_poll_after({"SLEEPING", row.polls, 1e12, 1e12 + row.elapsed}), row.after)
        << row.polls << " " << row.elapsed;
  }
  EXPECT_EQ(stage_poll_after({"RUNNING", 5, 0, 100}), 0);
  EXPECT_EQ(stage_poll_after({"PAUSED", 1, 0, 0}), 60'000);
}

TEST(Stage, StretchedByTheHubsRateLimit) {
  struct Rate {
    double remaining;
    std::optional<double> reset;
    double after;
  };
  for (const Rate& row : std::vector<Rate>{{500, 300, 1200},
                                           {480, 10, 1000},
                                           {10, 300, 60'000},
                                           {1, 45, 45'000},
                                           {0, 55, 55'000},
                                           {-3, 55, 55'000},
                                           {0, 1e12, 300'000},   // nonsense: a window is 300 s
                                           {0, -8, 1000},
                                           {0, std::nullopt, 300'000}}) {
    EXPECT_EQ(stage_poll_after({"SLEEPING", 1, 0, 0, row.remaining, row.reset}), row.after) << row.remaining;
  }
}

TEST(Stage, MalformedSightingsNameTheField) {
  const json good = {{"stage", "RUNNING"}, {"polls", 1}, {"startedAt", 0}, {"now", 5}};
  EXPECT_TRUE(bool(read_stage_sighting(good)));
  for (const char* field : {"stage", "polls", "startedAt", "now"}) {
    json bad = good;
    bad.erase(field);
    auto read = read_stage_sighting(bad);
    ASSERT_FALSE(bool(read)) << field;
    EXPECT_EQ(read.error().code, "invalid-input");
    EXPECT_EQ(read.error().field, field);
  }
}

}  // namespace
}  // namespace tierwise::route
