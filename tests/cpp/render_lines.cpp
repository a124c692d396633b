// Renders templates for the tests of tests/jinja: one JSON object a line, {"template","variables","now"}, gives one,
// {"output"} or {"error":{"code","message","field"}}.
#include <iostream>
#include <string>

#include "base/json.h"
#include "base/json_writer.h"
#include "prompt/render.h"

int main() {
  std::ios::sync_with_stdio(false);
  tierwise::prompt::Renderer renderer;
  for (std::string line; std::getline(std::cin, line);) {
    tierwise::JsonWriter answer;
    answer.open('{');
    const auto fail = [&](const tierwise::Error& error) {
      answer.name("error").open('{').text("code", error.code).text("message", error.message).text("field", error.field).close('}');
    };
    const auto parsed = tierwise::parse_json(line);
    if (!parsed) {
      fail(parsed.error());
    } else {
      const auto& job = parsed.value();
      tierwise::prompt::RenderRequest request;
      request.now = tierwise::optional_number(job, "now").value_or(0);
      const auto number = renderer.add(tierwise::string_or_empty(job, "template"));
      const auto* variables = tierwise::find_any_member(job, "variables");
      if (!number) {
        fail(number.error());
      } else {
        const auto output =
            renderer.render(number.value(), variables == nullptr ? tierwise::json::object() : *variables, request);
        if (output) {
          answer.text("output", output.value());
        } else {
          fail(output.error());
        }
      }
    }
    std::cout << answer.close('}').take() << '\n' << std::flush;
  }
}
