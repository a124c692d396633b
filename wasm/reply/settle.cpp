#include "reply/settle.h"

#include <cmath>
#include <optional>
#include <string>

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
  return usage == nullptr ? 0 : sane(optional_number(*usage, field));
}

}  // namespace

Result<json> settle(const json& outcome, const Prices& prices) {
  const auto provider = require_string(outcome, "provider", "provider");
  if (!provider) return provider.error();
  const auto content = require_string(outcome, "content", "content");
  if (!content) return content.error();
  const auto estimated_input = require_number(outcome, "inputTokens", "inputTokens");
  if (!estimated_input) return estimated_input.error();
  const double given_input = given_count(outcome, "input");
  const double given_output = given_count(outcome, "output");
  const bool no_output = content.value().empty() && given_output == 0;
  const double input = given_input > 0 ? given_input : sane(estimated_input.value());
  const double output = given_output > 0 ? given_output : estimate_tokens(content.value());
  const bool estimated = given_input == 0 || (given_output == 0 && !no_output);
  json settled = {{"inputTokens", input}, {"outputTokens", output}, {"estimated", estimated}};
  const double images = sane(optional_number(outcome, "images"));
  const double total_ms = sane(optional_number(outcome, "totalMs"));
  const std::string model = optional_string(outcome, "model").value_or("");
  if (const auto cost = prices.cost(provider.value(), model, input, output, images, total_ms / 1000)) {
    settled["cost"] = *cost;
  }
  return settled;
}

}  // namespace tierwise::reply
