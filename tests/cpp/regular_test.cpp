// Which templates are taken to write message by message, what they are said to read, and renders that leave messages out.
#include "prompt/regular.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "prompt/parser.h"
#include "prompt/render.h"

namespace tierwise::prompt {
namespace {

// "list: members; names; places", empty for what is not regular.
std::string described(std::string_view source) {
  const auto made = parse(source);
  if (!made) return made.error().message;
  const Regular regular = regular_form(*made.value());
  if (regular.loop == nullptr) return "";
  std::string text(regular.list);
  text += ":";
  for (const std::string_view member : regular.members) text += " " + std::string(member);
  text += ";";
  for (const std::string_view name : regular.names) text += " " + std::string(name);
  return text + "; " + std::to_string(regular.places);
}

// The body of a loop over messages.
std::string looped(std::string_view body) { return "{% for m in messages %}" + std::string(body) + "{% endfor %}"; }

TEST(Regular, IsSaidWithWhatIsRead) {
  constexpr unsigned kFirst = Regular::kFirst;
  constexpr unsigned kLast = Regular::kLast;
  const struct {
    std::string source;
    std::string text;
  } kCases[] = {
      {looped("{{ m.role ~ m['content'] | trim }}"), "messages: role content;; 0"},
      {"{{ bos }}" + looped("{{ m.role }}{{ eos }}") + "{% if more %}{{ m }}{% endif %}", "messages: role; bos m eos more; 0"},
      {looped("{% set x = m.a + m.b %}{% if y %}{% set x = x ~ '.' %}{% endif %}{{ x }}"), "messages: a b; x y; 0"},
      {looped("{% if loop.first %}{{ m.a }}{% endif %}"), "messages: a;; " + std::to_string(kFirst)},
      {looped("{{ m.a if not loop.last }}"), "messages: a;; " + std::to_string(kLast)},
      {looped("{{ m.a if loop['last'] }}"), "messages: a;; " + std::to_string(kLast)},
      {looped("{{ m.a if loop.index0 == 0 or loop.index > 1 or loop.index != 1 }}"), "messages: a;; " + std::to_string(kFirst)},
      {looped("{{ m.a if loop.index0 % 2 == 0 }}{{ loop.index % 2 }}"), "messages: a;; " + std::to_string(Regular::kOdd)},
      {"{{ messages[0].role }}" + looped("{{ m.a }}"), "messages: role a;; " + std::to_string(kFirst | Regular::kReadsFirst)},
      {looped("{{ m.a ~ messages[-1]['b'] }}"), "messages: a b;; " + std::to_string(kLast | Regular::kReadsLast)},
      {looped("{% for c in m.calls %}{{ c }}{{ loop.index }}{% break %}{% endfor %}"), "messages: calls; loop c; 0"},
      {looped("{% for c in m.calls if c.x %}{% for d in c %}{{ loop.last }}{% else %}{{ loop.first }}{% endfor %}{% endfor %}"),
       "messages: calls; loop c d; 0"},
      {looped("{% with x = m.a %}{{ x }}{% endwith %}{% generation %}{{ m.b }}{% endgeneration %}"), "messages: a b; x; 0"},
      {"{% if a %}{% if b %}{% else %}" + looped("{{ m.x }}") + "{% endif %}{% endif %}", "messages: x; a b; 0"},
      {"{% for t in tools %}{{ t | tojson }}{% endfor %}" + looped("{{ m.x }}"), "messages: x; t tools; 0"},
      {"{% set head = a | default('x') | trim %}{% set tail = 'y' if b else c %}" + looped("{{ head ~ m.x ~ tail }}"),
       "messages: x; head a tail b c; 0"},
      {"{% set rows = tools | map('upper') %}" + looped("{{ m.x }}"), "messages: x; rows tools; 0"},
      {looped("{{ raise_exception('no ' ~ m.x) if m.y is not string and m.z in [1, 2] }}"), "messages: y z x; raise_exception; 0"},
      {"{% for message in history %}{{ message.text }}{% endfor %}", "history: text;; 0"},
  };
  for (const auto& [source, text] : kCases) EXPECT_EQ(described(source), text) << source;
}

TEST(Regular, IsNotWhatMayDependOnMore) {
  const std::string kCases[] = {
      "",
      "{{ messages[0].role }}",
      // The whole of a message.
      looped("{{ m }}"),
      looped("{{ m | tojson }}"),
      looped("{{ 'x' in m }}"),
      looped("{{ m.items() }}"),
      looped("{{ m['keys'] }}"),
      looped("{{ m.get('x') }}"),
      looped("{% for k in m %}{{ k }}{% endfor %}"),
      looped("{% set x = m %}{{ x.a }}"),
      looped("{{ (m or n).a }}"),
      looped("{{ m[key] }}"),
      looped("{{ m[0] }}"),
      looped("{{ m.a if m == n }}"),
      looped("{{ m | attr('a') }}"),
      looped("{% set m = 1 %}{{ m.a }}"),
      looped("{% for m in m.a %}{{ m.b }}{% endfor %}"),
      looped("{% with m = 1 %}{% endwith %}"),
      "{% for a, b in messages %}{{ a }}{% endfor %}",
      "{% for messages in messages %}{{ messages.a }}{% endfor %}",
      // The list.
      looped("{{ m.a }}{{ messages | length }}"),
      looped("{{ messages[1].a }}"),
      looped("{{ messages[loop.index0 - 1].a }}"),
      "{{ messages[0] }}" + looped("{{ m.a }}"),
      "{{ messages[-2].a }}" + looped("{{ m.a }}"),
      "{{ messages[true].a }}" + looped("{{ m.a }}"),
      "{{ messages[0].values() }}" + looped("{{ m.a }}"),
      "{{ messages[0][x] }}" + looped("{{ m.a }}"),
      "{% set messages = messages[1:] %}" + looped("{{ m.a }}"),
      "{% if messages %}" + looped("{{ m.a }}") + "{% endif %}",
      looped("{{ m.a }}") + looped("{{ m.b }}"),
      looped("{{ m.a }}") + "{% for t in tools %}{{ t }}{% endfor %}",
      "{% for t in tools %}{{ t.a }}{% endfor %}{% for m in messages[1:] %}{{ m.a }}{% endfor %}",
      looped("same for all"),
      "{% for m in messages[1:] %}{{ m.a }}{% endfor %}",
      "{% for m in messages | reverse %}{{ m.a }}{% endfor %}",
      // Of the loop.
      looped("{{ loop.index }}"),
      looped("{{ loop.index0 == 1 }}"),
      looped("{{ loop.index0 >= 0 }}"),
      looped("{{ 0 < loop.index0 < 3 }}"),
      looped("{{ loop.index0 == 0 == x }}"),
      looped("{{ loop.index % 3 }}"),
      looped("{{ loop.length }}"),
      looped("{{ loop.revindex0 == 0 }}"),
      looped("{{ (loop.previtem or {}).a }}"),
      looped("{{ loop.nextitem.a }}"),
      looped("{{ loop.cycle('a', 'b') }}"),
      looped("{{ loop.changed(m.a) }}"),
      looped("{% set l = loop %}{{ l.index }}"),
      looped("{% set loop = 1 %}"),
      looped("{% for x in m.a if loop.index > 2 %}{% endfor %}"),
      looped("{% for x in m.a %}{% else %}{{ loop.index }}{% endfor %}"),
      looped("{% if m.a %}{% break %}{% endif %}"),
      looped("{% if m.a %}{% continue %}{% endif %}"),
      "{% for m in messages if m.a %}{{ m.b }}{% endfor %}",
      "{% for m in messages %}{{ m.b }}{% else %}none{% endfor %}",
      "{% for m in messages recursive %}{{ m.b }}{% endfor %}",
      "{% for x in y %}" + looped("{{ m.a }}") + "{% endfor %}",
      "{% with x = y %}" + looped("{{ m.a }}") + "{% endwith %}",
      // What remembers.
      "{% set n = namespace(i=0) %}" + looped("{{ n.i }}"),
      "{% set c = cycler('a', 'b') %}" + looped("{{ m.a }}"),
      "{% set j = joiner(',') %}" + looped("{{ j() }}"),
      "{% set rows = tools | map('upper') %}" + looped("{% for r in rows %}{{ r }}{% endfor %}"),
      "{% set a, b = tools | map('upper'), 1 %}" + looped("{{ b }}"),
      "{% set rows = tools | map('upper') %}{% set more = rows %}" + looped("{{ more | list }}"),
      "{% set f = d.items %}{% set g = f() %}" + looped("{{ g }}"),
      looped("{{ x }}") + "{% set x = dict(a=1) %}",
      "{% macro f(x) %}{{ x }}{% endmacro %}" + looped("{{ f(m.a) }}"),
      "{% macro f(x) %}{{ messages }}{% endmacro %}" + looped("{{ m.a }}"),
      // What is taken back.
      looped("{% set x %}{{ m.a }}{% endset %}{{ x }}"),
      looped("{% filter upper %}{{ m.a }}{% endfilter %}"),
      "{% set x %}a{% endset %}" + looped("{{ m.a }}"),
      // What could pass for a mark.
      looped("{{ m.a }}\xEF\xB7\x95"),
      looped("{{ '\\ufdd5' ~ m.a }}"),
  };
  for (const std::string& source : kCases) EXPECT_EQ(described(source), "") << source;
}

TEST(Regular, ManyNamesAndDeepOnesAreNot) {
  std::string members;
  std::string names;
  std::string sum = "m.a";
  for (int i = 0; i < 70; ++i) {
    members += "{{ m.a" + std::to_string(i) + " }}";
    names += "{{ b" + std::to_string(i) + " }}";
  }
  for (int i = 0; i < 300; ++i) sum += " + m.a";
  EXPECT_EQ(described(looped(members)), "");
  EXPECT_EQ(described(names + looped("{{ m.a }}")), "");
  EXPECT_EQ(described(looped("{{ " + sum + " }}")), "");
  std::string deep = looped("{{ m.a }}");
  for (int i = 0; i < 150; ++i) deep = "{% if x %}" + deep + "{% endif %}";
  EXPECT_NE(described(deep), "");
  for (int i = 0; i < 150; ++i) deep = "{% if x %}" + deep + "{% endif %}";
  EXPECT_EQ(described(deep), "");
}

// With each mark as "#", without its steps.
std::string marked(std::string_view source, std::string_view variables, RenderRequest request = {}) {
  Renderer renderer;
  const auto number = renderer.add(source);
  if (!number) return number.error().message;
  request.placeholders = request.regular = true;
  const auto output = renderer.render(number.value(), variables, request);
  if (!output) return std::string(output.error().code);
  std::string text;
  for (std::string_view rest = output.value(); !rest.empty();) {
    if (rest.substr(0, kMark.size()) != kMark) {
      text += rest[0];
      rest.remove_prefix(1);
      continue;
    }
    rest.remove_prefix(rest.find(kPlaceholderEnd) + 1);
    text += '#';
  }
  return text;
}

TEST(Regular, LeavesMessagesOutAndMarksTheOthers) {
  const std::string source = "<{{ b }}" + looped("{{ m.a }}{{ loop.first }}{{ loop.last }};") + ">";
  EXPECT_EQ(marked(source, R"({"b": 1, "messages": [{"a": 1}, null, {"a": 2}, null]})"), "<1#1TrueFalse;#2FalseFalse;#>#");
  EXPECT_EQ(marked(source, R"({"b": 1, "messages": [null, {"a": 2}]})"), "<1#2FalseTrue;#>#");
  EXPECT_EQ(marked(source, R"({"messages": [null]})"), "<#>#");
  EXPECT_EQ(marked(source, R"({"messages": []})"), "<#>#");
  // Without a loop there is nothing to mark, and none is a value.
  EXPECT_EQ(marked("{{ a }}", R"({"a": 1})"), "1");
  EXPECT_EQ(marked("{% for m in messages[0:] %}{{ m }}{% endfor %}", R"({"messages": [null]})"), "None");
  RenderRequest request;
  request.limits.output_bytes = 8;
  EXPECT_EQ(marked(source, R"({"messages": [{"a": 1}]})", request), "template-error");
}

TEST(Regular, StepsOfTheMarksAreThoseOfTheWhole) {
  // As many as a render of all may take: one step less is too few.
  const std::string source = "<{{ b }}" + looped("{{ m.a ~ m.a }}") + ">";
  constexpr std::string_view kVariables = R"({"messages": [{"a": 1}, {"a": 2}]})";
  Renderer renderer;
  const auto number = renderer.add(source);
  RenderRequest request;
  request.regular = true;
  const auto output = renderer.render(number.value(), kVariables, request);
  const std::string& text = output.value();
  const std::size_t last = text.rfind(kMark) + kMark.size();
  request = {};
  request.limits.steps = static_cast<std::uint64_t>(std::stoi(text.substr(last)));
  EXPECT_TRUE(renderer.render(number.value(), kVariables, request));
  --request.limits.steps;
  EXPECT_FALSE(renderer.render(number.value(), kVariables, request));
}

TEST(Regular, ShortTextsAreNotTakenForLongOnes) {
  const std::string_view kVariables = "{\"a\": \"\xEF\xB7\x90" "0\xEF\xB7\x94\", \"b\": \"short\"}";
  const struct {
    std::string_view source;
    std::string_view text;
  } kCases[] = {
      {"{{ a == '' }}{{ not a }}{{ a == 1 }}{{ a is string }}", "FalseFalseFalseTrue"},
      {"{{ a == b }}", "needs-content"},
      {"{{ b in [a] }}", "needs-content"},
      {"{{ [a, b] == [b, b] }}", "needs-content"},
  };
  for (const auto& [source, text] : kCases) {
    Renderer renderer;
    const auto number = renderer.add(source);
    RenderRequest request;
    request.placeholders = request.short_texts = true;
    const auto output = renderer.render(number.value(), kVariables, request);
    EXPECT_EQ(output ? output.value() : std::string(output.error().code), text) << source;
  }
}

}  // namespace
}  // namespace tierwise::prompt
