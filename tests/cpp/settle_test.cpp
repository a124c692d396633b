#include "reply/settle.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "reply/tokens.h"

namespace tierwise::reply {
namespace {

struct Row {
  const char* what;
  std::string outcome;  // merged over a plain one
  double input;
  double output;
  bool estimated;
  double cost;  // -1: unknown
};

TEST(Settle, Rows) {
  Prices prices;
  ASSERT_TRUE(prices.configure(json::parse(R"({"prices": {"providers": {
    "openai": {"models": {"m": {"inputPer1K": 1, "outputPer1K": 2}, "draw": {"perImage": 0.5}}},
    "space": {"models": {"timed": {"perSecond": 0.001}}},
    "mock": {"default": {"inputPer1K": 0, "outputPer1K": 0}}}}})")));
  const json plain = {{"provider", "openai"}, {"protocol", "openai"}, {"model", "m"},
                      {"inputTokens", 100},   {"content", "Hello there, reader"}, {"totalMs", 2000}};
  const double words = estimate_tokens("Hello there, reader");
  const std::vector<Row> rows = {
      {"counts given", R"({"usage": {"input": 500, "output": 250}})", 500, 250, false, 1.0},
      {"no counts", "{}", 100, words, true, 0.1 + words * 0.002},
      {"usage null", R"({"usage": null})", 100, words, true, 0.1 + words * 0.002},
      {"only input given", R"({"usage": {"input": 500}})", 500, words, true, 0.5 + words * 0.002},
      {"only output given", R"({"usage": {"output": 250}})", 100, 250, true, 0.6},
      {"counts that cannot be", R"({"usage": {"input": -5, "output": 1e300}})", 100, words, true, 0.1 + words * 0.002},
      {"half a token", R"({"usage": {"input": 1.5, "output": 2.5}})", 100, words, true, 0.1 + words * 0.002},
      {"counts that are no numbers", R"({"usage": {"input": "5", "output": null}})", 100, words, true, 0.1 + words * 0.002},
      {"a server that counts nothing", R"({"usage": {"input": 0, "output": 0}})", 100, words, true, 0.1 + words * 0.002},
      {"an empty reply", R"({"usage": {"input": 500, "output": 0}, "content": ""})", 500, 0, false, 0.5},
      {"unknown price", R"({"model": "other", "usage": {"input": 5, "output": 5}})", 5, 5, false, -1},
      {"no model", R"({"model": null, "usage": {"input": 5, "output": 5}})", 5, 5, false, -1},
      {"the mock is free", R"({"provider": "mock", "model": null, "usage": {"input": 5, "output": 5}})", 5, 5, false, 0},
      {"an image", R"({"model": "draw", "usage": {"input": 5, "output": 5}, "images": 2})", 5, 5, false, 1.0},
      {"by time", R"({"provider": "space", "model": "timed", "usage": {"input": 5, "output": 5}})", 5, 5, false, 0.002},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    json outcome = plain;
    outcome.update(json::parse(row.outcome));
    const auto answer = settle(outcome, prices);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(json::parse(answer.value())["inputTokens"], row.input);
    EXPECT_EQ(json::parse(answer.value())["outputTokens"], row.output);
    EXPECT_EQ(json::parse(answer.value())["estimated"], row.estimated);
    ASSERT_EQ(json::parse(answer.value()).contains("cost"), row.cost != -1) << answer.value();
    if (row.cost != -1) {
      EXPECT_NEAR(json::parse(answer.value())["cost"].get<double>(), row.cost, 1e-12);
    }
  }
}

TEST(Settle, MissingFieldsAreNamed) {
  const json whole = {{"provider", "mock"}, {"inputTokens", 1}, {"content", "x"}};
  ASSERT_TRUE(settle(whole, Prices()));
  for (const char* field : {"provider", "inputTokens", "content"}) {
    json outcome = whole;
    outcome.erase(field);
    const auto answer = settle(outcome, Prices());
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().field, field);
  }
}

}  // namespace
}  // namespace tierwise::reply
