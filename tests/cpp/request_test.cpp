#include "reply/request.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tierwise::reply {
namespace {

json request(const std::string& messages, const std::string& parameters = "{}") {
  return json::parse(R"({"messages":)" + messages + R"(,"parameters":)" + parameters + R"(,"maxBytes":1000})");
}

constexpr const char* kHello = R"([{"role":"user","content":"Hello"}])";

TEST(Request, GoodOnesAreSized) {
  const std::vector<std::pair<std::string, double>> rows = {
      {kHello, 5},
      {R"([{"role":"system","content":"Be brief."},{"role":"user","content":"日本"}])", 15},
      {R"([{"role":"user","content":"a"},{"role":"assistant","content":""},{"role":"tool","content":"42"}])", 3},
  };
  for (const auto& [messages, bytes] : rows) {
    const auto answer = check_request(request(messages));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(json::parse(answer.value())["bytes"], bytes);
    EXPECT_GE(json::parse(answer.value())["inputTokens"].get<double>(), 1 + kTokensPerMessage);
  }
}

TEST(Request, MessagesAreBoundedInNumber) {
  json many = request(kHello);
  many["messages"] = json::array();
  for (std::size_t i = 0; i < kMaxMessages; ++i) many["messages"].push_back({{"role", "user"}, {"content", "a"}});
  many["maxBytes"] = 1e6;
  EXPECT_TRUE(check_request(many));
  many["messages"].push_back({{"role", "user"}, {"content", "a"}});
  const auto answer = check_request(many);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "messages must be at most 10,000. Shorten the history.");
}

TEST(Request, GoodParameters) {
  for (const char* parameters :
       {"{}", R"({"temperature":0})", R"({"temperature":2,"maxTokens":1,"topP":1,"seed":-3,"stop":["\n"]})",
        R"({"maxTokens":1000000,"seed":9007199254740991,"stop":[],"top_k":"any","topP":0.5})"}) {
    const auto answer = check_request(request(kHello, parameters));
    EXPECT_TRUE(answer) << parameters << ' ' << answer.error().message;
  }
}

struct Row {
  std::string messages;
  std::string parameters;
  std::string field;
  std::string says;
};

TEST(Request, BadOnesNameTheFieldAndSayWhatToChange) {
  const std::string stops17 = R"({"stop":["a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a"]})";
  const std::vector<Row> rows = {
      {"[]", "{}", "messages", "at least one message"},
      {"null", "{}", "messages", "must be a list"},
      {R"("Hello")", "{}", "messages", "must be a list"},
      {R"(["Hello"])", "{}", "messages[0]", "{role, content}"},
      {R"([{"role":"boss","content":"x"}])", "{}", "messages[0].role", "\"system\", \"user\", \"assistant\" or \"tool\""},
      {R"([{"content":"x"}])", "{}", "messages[0].role", "must be"},
      {R"([{"role":7,"content":"x"}])", "{}", "messages[0].role", "must be"},
      {R"([{"role":"user"}])", "{}", "messages[0].content", "must be a string"},
      {R"([{"role":"user","content":["x"]}])", "{}", "messages[0].content", "must be a string"},
      {R"([{"role":"user","content":""}])", "{}", "messages[0].content", "Give a prompt"},
      {R"([{"role":"user","content":" \n\t"}])", "{}", "messages[0].content", "Give a prompt"},
      {R"([{"role":"user","content":"x"},{"role":"assistant","content":"y"}])", "{}", "messages[1].role", "last message"},
      {R"([{"role":"system","content":"x"}])", "{}", "messages[0].role", "last message"},
      {R"([{"role":"tool","content":"x"}])", "{}", "messages", "message of the user"},
      {R"([{"role":"user","content":"  "},{"role":"tool","content":"x"}])", "{}", "messages", "message of the user"},
      {kHello, "[]", "parameters", "object"},
      {kHello, R"({"temperature":2.1})", "parameters.temperature", "from 0 to 2"},
      {kHello, R"({"temperature":-0.1})", "parameters.temperature", "from 0 to 2"},
      {kHello, R"({"temperature":"hot"})", "parameters.temperature", "number"},
      {kHello, R"({"temperature":null})", "parameters.temperature", "number"},
      {kHello, R"({"maxTokens":0})", "parameters.maxTokens", "1 to 1,000,000"},
      {kHello, R"({"maxTokens":1.5})", "parameters.maxTokens", "whole number"},
      {kHello, R"({"maxTokens":1000001})", "parameters.maxTokens", "1 to 1,000,000"},
      {kHello, R"({"topP":1.01})", "parameters.topP", "from 0 to 1"},
      {kHello, R"({"seed":0.5})", "parameters.seed", "whole number"},
      {kHello, R"({"stop":"\n"})", "parameters.stop", "list"},
      {kHello, stops17, "parameters.stop", "at most 16"},
      {kHello, R"({"stop":["a",1]})", "parameters.stop[1]", "string"},
      {kHello, R"({"stop":[""]})", "parameters.stop[0]", "not empty"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.messages + row.parameters);
    const auto answer = check_request(request(row.messages, row.parameters));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, "invalid-input");
    EXPECT_EQ(answer.error().field, row.field);
    EXPECT_EQ(answer.error().message.find(row.field), 0U) << answer.error().message;
    EXPECT_NE(answer.error().message.find(row.says), std::string::npos) << answer.error().message;
  }
}

TEST(Request, SizeAndLimitAreNamed) {
  struct SizeRow {
    std::size_t bytes;
    double limit;
    std::string says;
  };
  for (const SizeRow& row : std::vector<SizeRow>{{10000000, 1048576, "are 10.0 MB; at most 1.0 MB"},
                                                 {1500, 1000, "are 1.5 kB; at most 1.0 kB"},
                                                 {11, 10, "are 11 bytes; at most 10 bytes"},
                                                 {1048577, 1048576, "are 1048577 bytes; at most 1048576 bytes"}}) {
    const json big = {{"messages", {{{"role", "user"}, {"content", std::string(row.bytes, 'a')}}}},
                      {"parameters", json::object()},
                      {"maxBytes", row.limit}};
    const auto answer = check_request(big);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, "too-large");
    EXPECT_EQ(answer.error().field, "messages");
    EXPECT_NE(answer.error().message.find(row.says), std::string::npos) << answer.error().message;
  }
}

TEST(Request, LimitItselfIsChecked) {
  for (const char* limit : {"null", "0", "-1", "\"x\"", "1e300"}) {
    json bad = request(kHello);
    bad["maxBytes"] = json::parse(limit);
    const auto answer = check_request(bad);
    ASSERT_FALSE(answer) << limit;
    EXPECT_EQ(answer.error().field, "maxBytes");
  }
  EXPECT_FALSE(check_request(json::array()));
  EXPECT_FALSE(check_request(json()));
}

}  // namespace
}  // namespace tierwise::reply
