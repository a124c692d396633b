#include "reply/prices.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace tierwise::reply {
namespace {

json table(const std::string& providers) { return json{{"prices", {{"providers", json::parse(providers)}}}}; }

json published() {
  std::ifstream file(TIERWISE_MODELS_DIR "/prices.json");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return json{{"prices", json::parse(text)}};
}

constexpr double kUnknown = -1;

void expect_near(std::optional<double> cost, double expected) {
  ASSERT_EQ(cost.has_value(), expected != kUnknown);
  if (cost) {
    EXPECT_NEAR(*cost, expected, 1e-12);
  }
}

struct Call {
  const char* provider;
  const char* model;
  double input;
  double output;
  double images;
  double seconds;
  double cost;
};

TEST(Prices, PublishedTable) {
  Prices prices;
  ASSERT_TRUE(prices.configure(published()));
  const std::vector<Call> rows = {
      {"router", "meta-llama/Llama-3.2-3B-Instruct", 500, 500, 0, 1, 0.0001},
      {"router", "meta-llama/Llama-3.2-3B-Instruct:fastest", 1000, 0, 0, 1, 0.0001},
      {"router", "meta-llama/Llama-3.2-3B-Instruct:together", 0, 1000, 0, 1, 0.0001},
      {"router", "mistralai/Mistral-7B-Instruct-v0.2", 1000, 1000, 0, 1, 0.0004},
      {"router", "sentence-transformers/all-MiniLM-L6-v2", 1000, 0, 0, 1, 0.00005},
      {"router", "stabilityai/stable-diffusion-xl-base-1.0", 9, 0, 2, 1, 0.01},
      {"router", "stabilityai/stable-diffusion-xl-base-1.0", 9, 0, 0, 1, kUnknown},
      {"router", "runwayml/stable-diffusion-v1-5", 9, 0, 1, 1, 0.001},
      {"router", "meta-llama/Llama-3.2-3B", 1000, 0, 0, 1, kUnknown},
      {"openai", "gpt-4", 1000, 0, 0, 1, 0.03},
      {"openai", "gpt-4o", 1000, 0, 0, 1, kUnknown},
      {"space", "meta-llama/Llama-3.2-3B-Instruct", 1000, 0, 0, 1, kUnknown},
      {"space", "", 1000, 0, 0, 1, kUnknown},
      {"mock", "", 1000, 1000, 1, 1, 0},
  };
  for (const Call& row : rows) {
    SCOPED_TRACE(std::string(row.provider) + ' ' + row.model);
    expect_near(prices.cost(row.provider, row.model, row.input, row.output, row.images, row.seconds), row.cost);
  }
  const json config = published();
  for (const auto& [provider, models] : config["prices"]["providers"].items()) {
    if (!models.contains("models")) continue;
    for (const auto& [model, price] : models["models"].items()) {
      EXPECT_TRUE(price.contains("source") && price.contains("asOf")) << provider << ' ' << model;
    }
  }
}

TEST(Prices, WhichEntryCounts) {
  Prices prices;
  ASSERT_TRUE(prices.configure(table(R"({
    "openai": {"models": {"gpt-4o*": {"inputPer1K": 2, "outputPer1K": 2}, "gpt-4o-mini*": {"inputPer1K": 3, "outputPer1K": 3},
                          "gpt-4o-mini-x": {"inputPer1K": 4, "outputPer1K": 4}, "ft:gpt:a": {"inputPer1K": 5, "outputPer1K": 5}}},
    "router": {"models": {"a/b*": {"inputPer1K": 6, "outputPer1K": 6}, "a/b": {"inputPer1K": 7, "outputPer1K": 7},
                          "a/b:groq": {"inputPer1K": 8, "outputPer1K": 8}},
               "default": {"inputPer1K": 9, "outputPer1K": 9}},
    "space": {"models": {"my/model": {"perSecond": 0.5}}}
  })")));
  const std::vector<Call> rows = {
      {"openai", "gpt-4o", 1000, 0, 0, 0, 2},
      {"openai", "gpt-4o-2024-08-06", 1000, 0, 0, 0, 2},
      {"openai", "gpt-4o-mini-2024", 1000, 0, 0, 0, 3},
      {"openai", "gpt-4o-mini-x", 1000, 0, 0, 0, 4},
      {"openai", "ft:gpt:a", 1000, 0, 0, 0, 5},
      {"openai", "ft:gpt:b", 1000, 0, 0, 0, kUnknown},
      {"openai", "gpt-4", 1000, 0, 0, 0, kUnknown},
      {"openai", "", 1000, 0, 0, 0, kUnknown},
      {"router", "a/b", 1000, 0, 0, 0, 7},
      {"router", "a/b:fastest", 1000, 0, 0, 0, 7},
      {"router", "a/b:groq", 1000, 0, 0, 0, 8},
      {"router", "a/bc", 1000, 0, 0, 0, 6},
      {"router", "c/d:fastest", 1000, 0, 0, 0, 9},
      {"router", "", 1000, 0, 0, 0, 9},
      {"space", "my/model", 1000, 500, 0, 3, 1.5},
      {"space", "my/other", 1000, 500, 0, 3, kUnknown},
      {"none", "gpt-4o", 1000, 0, 0, 0, kUnknown},
  };
  for (const Call& row : rows) {
    SCOPED_TRACE(std::string(row.provider) + ' ' + row.model);
    expect_near(prices.cost(row.provider, row.model, row.input, row.output, row.images, row.seconds), row.cost);
  }
}

TEST(Prices, UnknownIsNeverZero) {
  Prices prices;
  ASSERT_TRUE(prices.configure(table(R"({"p": {"models": {
    "input-only": {"inputPer1K": 1}, "image": {"perImage": 0.5}, "both": {"inputPer1K": 1, "outputPer1K": 1, "perImage": 2},
    "second": {"perSecond": 0.1}, "mixed": {"inputPer1K": 1, "outputPer1K": 1, "perSecond": 0.1}, "free": {"inputPer1K": 0, "outputPer1K": 0}}}})")));
  const std::vector<Call> rows = {
      {"p", "input-only", 1000, 0, 0, 1, 1},       {"p", "input-only", 1000, 1, 0, 1, kUnknown},
      {"p", "image", 1000, 5, 3, 1, 1.5},          {"p", "image", 1000, 5, 0, 1, kUnknown},
      {"p", "both", 1000, 1000, 1, 1, 4},          {"p", "both", 1000, 1000, 0, 1, 2},
      {"p", "free", 1000, 1000, 0, 1, 0},          {"p", "free", 1000, 1000, 1, 1, kUnknown},
      {"p", "second", 1000, 1000, 1, 2, 0.2},      {"p", "mixed", 1000, 0, 0, 2, 1.2},
      {"p", "free", INFINITY, 0, 0, 1, kUnknown},
  };
  for (const Call& row : rows) {
    SCOPED_TRACE(row.model);
    expect_near(prices.cost(row.provider, row.model, row.input, row.output, row.images, row.seconds), row.cost);
  }
  expect_near(prices.estimate("p", "both", 1000, 1000), 2);
  expect_near(prices.estimate("p", "free", 1000, 1000), 0);
  expect_near(prices.estimate("p", "image", 1000, 1000), kUnknown);
  expect_near(prices.estimate("p", "second", 1000, 1000), kUnknown);
  expect_near(prices.estimate("p", "mixed", 1000, 1000), kUnknown);
  expect_near(Prices().estimate("p", "both", 1, 1), kUnknown);
}

TEST(Prices, BadTablesNameTheField) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {R"({"prices": 3})", "prices"},
      {R"({"prices": {"providers": []}})", "prices.providers"},
      {R"({"prices": {"providers": {"p": 1}}})", "prices.providers.p"},
      {R"({"prices": {"providers": {"p": {"models": [1]}}}})", "prices.providers.p.models"},
      {R"({"prices": {"providers": {"p": {"models": {"m": 1}}}}})", R"(prices.providers.p.models["m"])"},
      {R"({"prices": {"providers": {"p": {"models": {"m": {"source": "x"}}}}}})", R"(prices.providers.p.models["m"])"},
      {R"({"prices": {"providers": {"p": {"models": {"a*b": {"perImage": 1}}}}}})", R"(prices.providers.p.models["a*b"])"},
      {R"({"prices": {"providers": {"p": {"models": {"m": {"perImage": -1}}}}}})", R"(prices.providers.p.models["m"].perImage)"},
      {R"({"prices": {"providers": {"p": {"models": {"m": {"inputPer1K": "1"}}}}}})", R"(prices.providers.p.models["m"].inputPer1K)"},
      {R"({"prices": {"providers": {"p": {"default": {"perSecond": true}}}}})", "prices.providers.p.default.perSecond"},
  };
  Prices prices;
  ASSERT_TRUE(prices.configure(published()));
  for (const auto& [config, field] : rows) {
    const auto answer = prices.configure(json::parse(config));
    ASSERT_FALSE(answer) << config;
    EXPECT_EQ(answer.error().code, "invalid-config");
    EXPECT_EQ(answer.error().field, field);
  }
  expect_near(prices.estimate("openai", "gpt-4", 1000, 0), 0.03);  // what was there stays
  ASSERT_TRUE(prices.configure(json::object()));
  expect_near(prices.estimate("openai", "gpt-4", 1000, 0), kUnknown);
}

}  // namespace
}  // namespace tierwise::reply
