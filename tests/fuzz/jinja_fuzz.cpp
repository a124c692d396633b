// The template engine: a template, a NUL, and JSON variables (none: an empty object). No crash and no hang; limits
// hold; what comes out is valid UTF-8, and so is what errors say, which point into the template. Variables give the same
// as JSON text and as its tree. Where every longer
// text of the variables is left with the caller (placeholders), the output with the texts put in is the same.
//
// For longer runs: build/fuzz/jinja_fuzz build/fuzz/corpus/jinja_fuzz tests/fuzz/corpus/jinja -max_len=4096
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "prompt/code_points.h"
#include "prompt/render.h"

namespace {

using tierwise::json;
namespace prompt = tierwise::prompt;

constexpr std::size_t kMostOutput = 1 << 20;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_error(const tierwise::Error& error) {
  require(!error.message.empty() && error.message.size() < 4096 && tierwise::valid_utf8(error.message));
  if (error.code != "template-error") return;
  const std::size_t colon = error.field.find(':');
  require(colon != std::string::npos && std::atoi(error.field.c_str()) > 0 && std::atoi(error.field.c_str() + colon + 1) > 0);
}

bool names_a_limit(std::string_view message) {
  for (const std::string_view word : {"too many steps", "too much memory", "too large"}) {
    if (message.find(word) != std::string_view::npos) return true;
  }
  return false;
}

// Texts that can stay with the caller are taken out of `value`.
void leave(json& value, std::vector<std::string>& texts) {
  if (value.is_structured()) {
    for (json& part : value) leave(part, texts);
  } else if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (prompt::strip(text, prompt::kBoth).size() < prompt::kLeastOpaqueBytes) return;
    std::size_t number = 0;
    while (number < texts.size() && texts[number] != text) ++number;
    if (number == texts.size()) texts.push_back(text);
    value = std::string(prompt::kPlaceholder) + std::to_string(number) + "\xEF\xB7" + prompt::kPlaceholderEnd;
  }
}

std::string put_in(std::string_view output, const std::vector<std::string>& texts) {
  std::string whole;
  for (std::size_t at = 0; at < output.size();) {
    const bool opens = output.substr(at, 2) == "\xEF\xB7" && at + 2 < output.size() &&
                       static_cast<unsigned char>(output[at + 2]) >= 0x90 && static_cast<unsigned char>(output[at + 2]) <= 0x93;
    if (!opens) {
      whole += output[at++];
      continue;
    }
    const unsigned sides = static_cast<unsigned char>(output[at + 2]) & 3;
    const std::size_t end = output.find("\xEF\xB7\x94", at);
    require(end != std::string_view::npos);
    const auto number = static_cast<std::size_t>(std::atoi(std::string(output.substr(at + 3, end - at - 3)).c_str()));
    require(number < texts.size());
    whole += prompt::strip(texts[number], sides);
    at = end + 3;
  }
  return whole;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = input.find('\0');
  const std::string_view source = input.substr(0, end);
  std::string_view text = end == std::string_view::npos ? "{}" : input.substr(end + 1);
  auto read = tierwise::parse_json(text);
  const bool is_json = static_cast<bool>(read);
  if (!is_json) read = json::object();
  json& variables = read.value();

  prompt::Renderer renderer;
  const auto number = renderer.add(source);
  if (!number) {
    check_error(number.error());
    return 0;
  }
  prompt::RenderRequest request;
  request.now = 1'753'531'200'000;
  request.limits.steps = 20'000;
  request.limits.output_bytes = kMostOutput;
  const auto output = renderer.render(number.value(), variables, request);
  if (output) {
    require(output.value().size() <= kMostOutput && tierwise::valid_utf8(output.value()));
    const auto again = renderer.render(number.value(), variables, request);
    require(again && again.value() == output.value());
  } else {
    check_error(output.error());
  }

  const auto from_text = renderer.render(number.value(), text, request);
  if (!is_json) {
    require(!from_text);
  } else if (names_a_limit(output ? "" : output.error().message) || names_a_limit(from_text ? "" : from_text.error().message)) {
    // They do not take the same room.
  } else if (output) {
    require(from_text && from_text.value() == output.value());
  } else {
    require(!from_text && from_text.error().message == output.error().message && from_text.error().field == output.error().field);
  }

  // Noncharacters of the input's own, or made by escapes, would be taken for placeholders.
  std::vector<std::string> texts;
  leave(variables, texts);
  if (texts.empty() || input.find("\xEF\xB7") != std::string_view::npos || input.find('\\') != std::string_view::npos) return 0;
  request.placeholders = true;
  const auto placed = renderer.render(number.value(), variables, request);
  if (placed) {
    if (output) {
      const bool makes_its_own = output.value().find("\xEF\xB7") != std::string::npos;
      require(makes_its_own || put_in(placed.value(), texts) == output.value());
    } else {
      // The texts count for the limits.
      require(names_a_limit(output.error().message));
    }
  } else {
    check_error(placed.error());
  }
  return 0;
}
