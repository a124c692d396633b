#include "cache/policy.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace tierwise::cache {
namespace {

json outcome(const json& changes = json::object()) {
  json good = {{"complete", true}, {"filtered", false},    {"finishReason", "stop"}, {"provider", "space"},
               {"temperature", 0.7}, {"variety", false}, {"noStore", false},       {"bytes", 100}};
  good.update(changes);
  return good;
}

TEST(CachePolicy, WhatMayBeStored) {
  struct {
    json changes;
    bool stored;
    const char* reason;  // part of it
  } const cases[] = {
      {json::object(), true, "complete"},
      {{{"temperature", 0}}, true, "complete"},
      {{{"temperature", 1}}, true, "complete"},
      {{{"temperature", 1.01}}, false, "temperature"},
      {{{"temperature", 2}}, false, "temperature"},
      {{{"provider", "openai"}}, true, "complete"},
      {{{"provider", "router"}}, true, "complete"},
      {{{"provider", "mock"}}, false, "mock"},
      {{{"noStore", true}}, false, "noStore"},
      {{{"variety", true}}, false, "variety"},
      {{{"variety", true}, {"temperature", 0}}, false, "variety"},
      {{{"complete", false}}, false, "complete"},
      {{{"filtered", true}}, false, "filter"},
      {{{"finishReason", "length"}}, false, "token limit"},
      {{{"finishReason", "tool-calls"}}, false, "tool call"},
      {{{"finishReason", "content-filter"}}, false, "content filter"},
      {{{"finishReason", "other"}}, false, "reason of its own"},
      {{{"finishReason", "unknown"}}, true, "complete"},
      {{{"finishReason", "unknown"}, {"complete", false}}, false, "complete"},
      {{{"bytes", 0}}, false, "empty"},
      {{{"bytes", 1000}}, true, "complete"},
      {{{"bytes", 1001}}, false, "1000 bytes"},
  };
  for (const auto& c : cases) {
    const auto answer = storable(outcome(c.changes), 1000);
    ASSERT_TRUE(answer) << c.changes.dump();
    EXPECT_EQ(json::parse(answer.value())["store"], c.stored) << c.changes.dump();
    const auto reason = json::parse(answer.value())["reason"].get<std::string>();
    EXPECT_NE(reason.find(c.reason), std::string::npos) << reason;
    EXPECT_EQ(reason.back(), '.') << reason;
  }
}

TEST(CachePolicy, ACacheThatHoldsNothingStoresNothing) {
  EXPECT_EQ(json::parse(storable(outcome(), 0).value())["store"], false);
}

TEST(CachePolicy, RefusesWrongInputByName) {
  const json good = outcome();
  for (const auto& [field, value] : good.items()) {
    json missing = outcome();
    missing.erase(field);
    for (const json& bad : {missing, outcome({{field, nullptr}}), outcome({{field, "nonsense"}}),
                            outcome({{field, json::array()}})}) {
      const auto answer = storable(bad, 1000);
      ASSERT_FALSE(answer) << bad.dump();
      EXPECT_EQ(answer.error().code, "invalid-input");
      EXPECT_EQ(answer.error().field, field);
    }
  }
  for (const double bad : {-0.1, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_FALSE(storable(outcome({{"temperature", bad}}), 1000));
    EXPECT_FALSE(storable(outcome({{"bytes", bad}}), 1000));
  }
  EXPECT_FALSE(storable(outcome({{"bytes", 1.5}}), 1000));
  EXPECT_FALSE(storable(json::array(), 1000));
}

}  // namespace
}  // namespace tierwise::cache
