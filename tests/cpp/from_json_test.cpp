// The variables of a template as JSON text: what parse_json and its tree give, errors too.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "prompt/render.h"

namespace tierwise::prompt {
namespace {

struct Outcome {
  std::string output;
  std::string error;
  bool operator==(const Outcome&) const = default;
};

Outcome outcome(const Result<std::string>& result) {
  if (result) return {result.value(), {}};
  return {{}, std::string(result.error().code) + ": " + result.error().message};
}

std::string nested(std::size_t depth) {
  return R"({"v":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
}

TEST(FromJson, TextGivesWhatTheTreeGives) {
  std::vector<std::string> texts = {
      R"({"v":null})", R"({"v":[true,false,null,0,-0,1.5,-1e3,1E+2,123456789012345678,1234567890123456789,1e308]})",
      R"( { "v" : { "a" : [ ] , "b" : { } , "" : "" } } )", R"({"v":"plain"})", R"({"v":"ä日😀"})",
      R"({"v":"\"\\\/\b\f\n\r\t\u0041\u00e9\u65e5\ud83d\ude00 end"})", R"({"v":["\n","a\n","\nb","long enough to be read in words of eight\n"]})",
      R"({"\u0076":{"a\nb":1}})", R"({"v":{"a":1,"b":2,"a":3}})", R"({"v":1,"v":[2]})", "\xEF\xBB\xBF{\"v\":1}", nested(98), nested(99), nested(100), nested(5000),
      "", " ", "{", R"({"v")", R"({"v":)", R"({"v":1)", R"({"v":1,)", R"({"v":1,})", R"({"v":[1,]})", R"({"v":[1 2]})", R"({v:1})", R"({"v":tru})", R"({"v":nul})",
      R"({"v":01})", R"({"v":1.})", R"({"v":.5})", R"({"v":+1})", R"({"v":1e})", R"({"v":-})", R"({"v":1e400})", R"({"v":"a)", R"({"v":"\)", R"({"v":"\x"})",
      R"({"v":"\u12"})", R"({"v":"\ud800"})", R"({"v":"\udc00"})", R"({"v":"\ud800\u0041"})", "{\"v\":\"a\nb\"}", "{\"v\":\"\x01\"}", "{\"v\":\"\xff\"}",
      "{\"v\":\"\xed\xa0\x80\"}", "{\"v\":\"12345678\xc3\"}", R"({"v":1} x)", R"([1])", R"("v")", "7",
  };
  // One that stands there often, behind the first members too.
  std::string many = R"({"v":{)";
  for (int i = 0; i < 100; ++i) many += "\"k" + std::to_string(i % 60) + "\":" + std::to_string(i) + ",";
  texts.push_back(many + R"("z":"\t"}})");
  // Every length before what ends a stretch of plain characters.
  for (std::size_t size = 0; size < 20; ++size) {
    for (const std::string_view tail : {R"(\n)", "\xC3\xA9", "\x7F", R"(\")", R"(\\)"}) {
      texts.push_back("{\"v\":\"" + std::string(size, 'x') + std::string(tail) + "yz\"}");
    }
  }
  Renderer renderer;
  const auto number = renderer.add("{{ v|tojson }}{{ v }}").value();
  for (const std::string& text : texts) {
    const auto tree = parse_json(text);
    const Outcome expected =
        tree ? outcome(renderer.render(number, tree.value(), {})) : Outcome{{}, std::string(tree.error().code) + ": " + tree.error().message};
    const Outcome found = outcome(renderer.render(number, std::string_view(text), {}));
    EXPECT_EQ(found.output, expected.output) << text.substr(0, 200);
    EXPECT_EQ(found.error, expected.error) << text.substr(0, 200);
  }
}

TEST(FromJson, TooManyValuesAreRefused) {
  std::string text = "[0";
  for (std::size_t i = 0; i < kMaxJsonValues; ++i) text += ",0";
  Renderer renderer;
  const auto number = renderer.add("x").value();
  EXPECT_EQ(renderer.render(number, std::string_view(text + "]"), {}).error().code, "too-large");
  EXPECT_EQ(renderer.render(number, std::string_view("{}"), {}).value(), "x");
}

TEST(Renderer, KeepsTemplatesByTheirBytes) {
  Renderer renderer;
  const auto first = renderer.add("first").value();
  const auto large = [](char c) { return std::string(900'000, c); };
  const auto a = renderer.add(large('a')).value();
  EXPECT_EQ(renderer.add("first").value(), first);
  const auto b = renderer.add(large('b')).value();
  // No more than 4 MiB: what was used longest ago goes.
  const auto c = renderer.add(large('c')).value();
  EXPECT_EQ(renderer.render(a, std::string_view("{}"), {}).error().code, "unknown-template");
  EXPECT_TRUE(renderer.render(b, std::string_view("{}"), {}));
  EXPECT_TRUE(renderer.render(c, std::string_view("{}"), {}));
  EXPECT_EQ(renderer.render(first, std::string_view("{}"), {}).value(), "first");
  // One that alone is more than that is rendered all the same.
  std::string giant;
  for (int i = 0; i < 20'000; ++i) giant += "{{ a.b.c }}";
  const auto alone = renderer.add("{% if false %}" + giant + "{% endif %}x");
  ASSERT_TRUE(alone) << alone.error().message;
  EXPECT_EQ(renderer.render(alone.value(), std::string_view("{}"), {}).value(), "x");
  EXPECT_EQ(renderer.render(first, std::string_view("{}"), {}).error().code, "unknown-template");
}

}  // namespace
}  // namespace tierwise::prompt
