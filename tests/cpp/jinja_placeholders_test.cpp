// Texts that stay with the caller: they come out where they belong, stripped where a template strips them; what looks
// into one ends with "needs-content".
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "prompt/code_points.h"
#include "prompt/render.h"

namespace tierwise::prompt {
namespace {

const std::vector<std::string> kTexts = {
    "  A first text that is longer than thirty-two bytes.\n",
    "A second text, as long as that, without white space around it.",
    "\t\u3000Ein dritter Text, in dem Zeichen wie ü und 日本 stehen.\u00a0 ",
};

// U+FDD0 to U+FDD3 by the sides to strip, the number, U+FDD4.
std::string placeholder(std::size_t number, unsigned sides = 0) {
  std::string text(kPlaceholder);
  text[2] = static_cast<char>(static_cast<unsigned char>(text[2]) | sides);
  return text + std::to_string(number) + "\xEF\xB7" + kPlaceholderEnd;
}

json variables(bool left) {
  const auto text = [&](std::size_t i) { return left ? placeholder(i) : kTexts[i]; };
  return {{"a", text(0)},
          {"b", text(1)},
          {"c", text(2)},
          {"s", " short "},
          {"messages", {{{"role", "user"}, {"content", text(0)}}, {{"role", "assistant"}, {"content", text(1)}}}}};
}

Result<std::string> rendered(std::string_view source, bool left) {
  Renderer renderer;
  auto number = renderer.add(source);
  if (!number) return number.take_error();
  RenderRequest request;
  request.placeholders = left;
  return renderer.render(number.value(), variables(left), request);
}

std::string put_in(std::string_view output) {
  std::string whole;
  for (std::size_t at = 0; at < output.size();) {
    const std::string_view here = output.substr(at, 3);
    const auto kind = here.size() == 3 && here.substr(0, 2) == "\xEF\xB7" ? static_cast<unsigned char>(here[2]) : 0U;
    if (kind < 0x90 || kind > 0x93) {
      whole += output[at++];
      continue;
    }
    const std::size_t end = output.find("\xEF\xB7\x94", at);
    const std::string number(output.substr(at + 3, end - at - 3));
    whole += strip(kTexts.at(static_cast<std::size_t>(std::stoi(number))), kind & 3);
    at = end + 3;
  }
  return whole;
}

TEST(JinjaPlaceholders, StandWhereTheTextsBelong) {
  const struct {
    std::string_view source;
    std::string output;
  } kCases[] = {
      {"{{ a }}", placeholder(0)},
      {"{{ a | trim }}", placeholder(0, kBoth)},
      {"{{ a.strip() }}|{{ a.lstrip() }}|{{ a.rstrip() }}", placeholder(0, kBoth) + "|" + placeholder(0, kLeft) + "|" + placeholder(0, kRight)},
      {"{{ a.lstrip().rstrip() }}", placeholder(0, kBoth)},
      {"{{ (' ' ~ a ~ b ~ ' ')|trim }}", placeholder(0, kLeft) + placeholder(1, kRight)},
      {"{{ (' x' ~ a ~ 'y ')|trim }}", "x" + placeholder(0) + "y"},
      {"{{ (s ~ a)|trim }}", "short " + placeholder(0, kRight)},
      {"{{ a + b }}{{ [a, b]|join('+') }}", placeholder(0) + placeholder(1) + placeholder(0) + "+" + placeholder(1)},
      {"{% set x = a %}{% set y %} {{ x }} {% endset %}[{{ y|trim }}]", "[" + placeholder(0, kBoth) + "]"},
      {"{% macro m(x) %} {{ x }} {% endmacro %}[{{ m(a)|trim }}]", "[" + placeholder(0, kBoth) + "]"},
      {"{% filter trim %} {{ b }} {% endfilter %}", placeholder(1, kBoth)},
      {"{% set ns = namespace(x='') %}{% for m in messages %}{% set ns.x = ns.x ~ m.content %}{% endfor %}{{ ns.x }}", placeholder(0) + placeholder(1)},
      {"{% for m in messages %}{{ m['role'] }}: {{ m['content'] }};{% endfor %}", "user: " + placeholder(0) + ";assistant: " + placeholder(1) + ";"},
      {"{{ a if a else 'x' }}{{ a or 'x' }}{{ a|default('x', true) }}", placeholder(0) + placeholder(0) + placeholder(0)},
      {"{{ a == 'x' }}{{ a == '' }}{{ a is none }}{{ a is string }}{{ a is defined }}{{ a == a }}{{ a in ['x'] }}", "FalseFalseFalseTrueTrueTrueFalse"},
      {"{{ a * 2 }}{{ a|string }}", placeholder(0) + placeholder(0) + placeholder(0)},
      {"{{ messages|map(attribute='content')|join }}", placeholder(0) + placeholder(1)},
      {"{{ messages|selectattr('role', 'equalto', 'user')|list|length }}", "1"},
  };
  for (const auto& [source, expected] : kCases) {
    const auto output = rendered(source, true);
    ASSERT_TRUE(output) << source << ": " << output.error().message;
    EXPECT_EQ(output.value(), expected) << source;
    EXPECT_EQ(put_in(output.value()), rendered(source, false).value()) << source;
  }
}

TEST(JinjaPlaceholders, WhatLooksIntoOneNeedsTheContent) {
  for (const std::string_view source :
       {"{{ a|length }}", "{{ 'x' in a }}", "{{ a in b }}", "{{ a[0] }}", "{{ a[1:] }}", "{{ a|upper }}", "{{ a|tojson }}",
        "{{ messages|tojson }}", "{{ [a] }}", "{{ '%s' % a }}", "{{ a % 1 }}", "{{ a|replace('x', 'y') }}", "{{ 'x'|replace('x', a) }}",
        "{{ a.split('x') }}", "{{ a.startswith('x') }}", "{{ 'x'.startswith(a) }}", "{{ a == b }}"}) {
    const auto output = rendered(source, true);
    ASSERT_FALSE(output) << source << " gives " << output.value();
    EXPECT_EQ(output.error().code, "needs-content") << source << ": " << output.error().message;
  }
  for (const std::string_view source :
       {"{{ a == 'a text of at least thirty-two bytes, made to be compared' }}", "{{ a < b }}", "{{ [a, b]|sort }}", "{{ {a: 1} }}",
        "{{ {}[a] }}", "{{ {'x': 1}.get(a) }}", "{{ a in {'x': 1} }}", "{{ [a, b]|unique|list }}", "{% for c in a %}{% endfor %}",
        "{{ a|list }}", "{{ a|first }}", "{{ a|trim('x') }}", "{{ a.strip('x') }}", "{{ a|int }}", "{{ a|wordcount }}", "{{ a|indent }}",
        "{{ raise_exception(a) }}", "{{ strftime_now(a) }}", "{{ a is lower }}", "{{ ('<'|safe) + a }}", "{{ a|urlencode }}",
        "{{ namespace(x=a) }}", "{{ {'x': a} }}", "{{ messages|groupby('content')|list }}", "{{ 'x'.join([a])|length }}",
        "{{ dict([(a, 1)]) }}", "{{ {'x': 1}[a] }}", "{{ messages|map(attribute='content')|unique|list }}",
        "{{ messages|unique(attribute='content')|list }}", "{{ (a,) in {(1,): 2} }}", "{{ {(a, 1): 2} }}", "{{ [a].index(b) }}",
        "{{ [a].count(b) }}", "{{ {'k': a} == {'k': b} }}", "{{ [a] == [b] }}", "{{ (a ~ 'x') == (b ~ 'x') }}", "{{ a is eq b }}",
        "{{ a is sameas b }}", "{{ [a, b]|max }}", "{% set d = {'x': 1} %}{{ d[a|trim] }}", "{{ messages|dictsort if false else {'k': a, 'j': b}|dictsort(by='value') }}",
        "{% for m in messages %}{{ loop.changed(m.content) }}{% endfor %}", "{{ messages|selectattr('content', 'equalto', b)|list|length }}"}) {
    const auto output = rendered(source, true);
    ASSERT_FALSE(output) << source << " gives " << output.value();
    EXPECT_EQ(output.error().code, "needs-content") << source << ": " << output.error().message;
  }
}

// Random templates of what lets texts through.
class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {}

  std::string body(int depth) {
    std::string all;
    for (unsigned n = pick(3) + 1; n > 0; --n) all += statement(depth);
    return all;
  }

 private:
  unsigned pick(unsigned most) { return static_cast<unsigned>(random_() % most); }
  std::string expression(int depth) {
    static constexpr std::string_view kNames[] = {"a", "b", "c", "s", "x", "' '", "'y '", "' z'", "''", "messages[0].content", "messages[1]['content']"};
    if (depth <= 0) return std::string(kNames[pick(11)]);
    const std::string inner = "(" + expression(depth - 1) + ")";
    switch (pick(9)) {
      case 0: return inner + "|trim";
      case 1: return inner + ".strip()";
      case 2: return inner + ".lstrip()";
      case 3: return inner + ".rstrip()";
      case 4: return inner + " ~ (" + expression(depth - 1) + ")";
      case 5: return "[" + inner + ", " + expression(depth - 1) + "]|join(" + expression(0) + ")";
      case 6: return inner + " if " + expression(0) + " else " + expression(depth - 1);
      case 7: return inner + "|default('d', true)";
      default: return inner + " or " + expression(0);
    }
  }
  std::string statement(int depth) {
    if (depth <= 0) return "{{ " + expression(2) + " }}";
    switch (pick(8)) {
      case 0: return "{% set x = " + expression(2) + " %}";
      case 1: return "{% set x %}" + body(depth - 1) + "{% endset %}";
      case 2: return "{% filter trim %}" + body(depth - 1) + "{% endfilter %}";
      case 3: return "{% for m in messages %}{% set x = m.content %}" + body(depth - 1) + "{% endfor %}";
      case 4: return "{% macro f(x) %}" + body(depth - 1) + "{% endmacro %}{{ f(" + expression(1) + ")|trim }}";
      case 5: return "{% if (" + expression(1) + ") %}" + body(depth - 1) + "{% else %}e{% endif %}";
      case 6: return " \n" + body(depth - 1) + " ";
      default: return "{{ " + expression(3) + " }}";
    }
  }
  std::mt19937 random_;
};

TEST(JinjaPlaceholders, PutInAfterwardsGivesWhatTheTextsGive) {
  int count = 0;
  for (unsigned seed = 0; seed < 3000; ++seed) {
    const std::string source = "{% set x = '' %}" + Maker(seed).body(3);
    const auto whole = rendered(source, false);
    const auto left = rendered(source, true);
    // A name that is read before its scope sets it has no methods.
    if (!whole) {
      ASSERT_FALSE(left) << source;
      ASSERT_EQ(left.error().message, whole.error().message) << source;
      continue;
    }
    ++count;
    ASSERT_TRUE(left) << source << "\n" << left.error().message;
    ASSERT_EQ(put_in(left.value()), whole.value()) << source;
  }
  EXPECT_GT(count, 2000);
}

}  // namespace
}  // namespace tierwise::prompt
