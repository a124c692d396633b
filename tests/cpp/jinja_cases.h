// Templates and what Jinja2 makes of them with these variables: for the tables of jinja_*_test.cpp.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "prompt/render.h"

namespace tierwise::prompt {

struct Case {
  std::string_view source;
  std::string_view output;
};

inline constexpr std::string_view kVariables = R"j({"s": "Hello, Wörld!", "e": "", "n": 7, "m": -7, "r": 2.5, "t": true, "none": null,
    "l": [3, 1, 2], "w": ["b", "A", "a"], "d": {"b": 1, "a": [1, 2], "c": {"x": "y"}},
    "rows": [{"k": "b", "v": 2}, {"k": "a", "v": 1}, {"k": "b", "v": 3}],
    "tree": [{"n": "a", "kids": [{"n": "b", "kids": []}]}, {"n": "c", "kids": []}], "lines": "one\ntwo\r\n\nfour", "u": "日本語😀é"})j";

inline constexpr double kNow = 1'753'531'200'000;

inline std::string rendered(std::string_view source) {
  Renderer renderer;
  const auto number = renderer.add(source);
  if (!number) return number.error().field + ": " + number.error().message;
  RenderRequest request;
  request.now = kNow;
  const auto output = renderer.render(number.value(), kVariables, request);
  return output ? output.value() : output.error().field + ": " + output.error().message;
}

template <std::size_t kSize>
void check(const Case (&cases)[kSize]) {
  for (const auto& [source, output] : cases) EXPECT_EQ(rendered(source), output) << source;
}

}  // namespace tierwise::prompt
