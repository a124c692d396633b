#include "reply/settle.h"

#include <cmath>
#include <optional>
#include <string>

#include "base/field_reader.h"
#include "base/json_writer.h"
#include "reply/tokens.h"

namespace tierwise::reply {
namespace {

double sane(std::optional<double> number) {
  const double value = number.value_or(-1);
  return std::isfinite(value) && value >= 0 && value <= kMaxCount ? value : 0;
}

// The server's count. 0 when it gave none, or none that can be: every request and every text has tokens.
double given_count(const json& outcome, std::string_view field) {
  const json* usage = find_member(outcome, "usage");
  const double count = usage == nullptr ? 0 : sane(optional_number(*usage, field));
  return count == std::floor(count) ? count : 0;
}

}  // namespace

Result<std::string> settle(const json& outcome, const Prices& prices) {
  FieldReader reader(outcome);
  const std::string_view provider = reader.string("provider");
  const std::string_view content = reader.string("content");
  const double estimated_input = reader.number("inputTokens");
  if (reader.failed()) return reader.take_problem();
  const double given_input = given_count(outcome, "input");
  const double given_output = given_count(outcome, "output");
  const bool no_output = content.empty() && given_output == 0;
  const double input = given_input > 0 ? given_input : sane(estimated_input);
  const double output = given_output > 0 ? given_output : estimate_tokens(content);
  const double images = sane(optional_number(outcome, "images"));
  const double seconds = sane(optional_number(outcome, "totalMs")) / 1000;
  JsonWriter answer;
  answer.open('{').number("inputTokens", input).number("outputTokens", output);
  answer.flag("estimated", given_input == 0 || (given_output == 0 && !no_output));
  answer.number("cost", prices.cost(provider, string_or_empty(outcome, "model"), input, output, images, seconds));
  return answer.close('}').take();
}

}  // namespace tierwise::reply
