#include "reply/request.h"

#include <cmath>
#include <optional>
#include <string>

#include "reply/tokens.h"

namespace tierwise::reply {
namespace {

Error invalid(std::string field, std::string_view what_to_change) {
  std::string message = field + ' ' + std::string(what_to_change);
  return Error{"invalid-input", std::move(message), std::move(field)};
}

std::string size_for_people(double bytes) {
  if (bytes < 1000) return std::to_string(static_cast<int>(bytes)) + " bytes";
  const bool kilo = bytes < 1e6;
  const auto tenths = static_cast<long long>(std::floor(bytes / (kilo ? 1e2 : 1e5)));
  return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + (kilo ? " kB" : " MB");
}

Error too_large(double bytes, double limit) {
  std::string size = size_for_people(bytes);
  std::string most = size_for_people(limit);
  if (size == most) {
    size = std::to_string(static_cast<long long>(bytes)) + " bytes";
    most = std::to_string(static_cast<long long>(limit)) + " bytes";
  }
  return Error{"too-large",
               "The messages are " + size + "; at most " + most +
                   " are allowed. Shorten the prompt, the context or the history.",
               "messages"};
}

bool is_blank(const std::string& text) { return text.find_first_not_of(" \t\r\n") == std::string::npos; }

struct Size {
  double tokens = 0;
  double bytes = 0;
};

Result<Size> check_messages(const json& request) {
  const json* messages = find_member(request, "messages");
  if (messages == nullptr || !messages->is_array() || messages->empty()) {
    return invalid("messages", "must be a list with at least one message. Give a prompt.");
  }
  Size size;
  bool asked = false;
  for (std::size_t i = 0; i < messages->size(); ++i) {
    const std::string path = "messages[" + std::to_string(i) + "]";
    const json& message = (*messages)[i];
    if (!message.is_object()) return invalid(path, "must be an object {role, content}.");
    const std::string role = optional_string(message, "role").value_or("");
    if (role != "system" && role != "user" && role != "assistant" && role != "tool") {
      return invalid(path + ".role", "must be \"system\", \"user\", \"assistant\" or \"tool\".");
    }
    const json* content = find_member(message, "content");
    if (content == nullptr || !content->is_string()) return invalid(path + ".content", "must be a string.");
    const auto& text = content->get_ref<const std::string&>();
    const bool last = i + 1 == messages->size();
    if (last && role != "user" && role != "tool") {
      return invalid(path + ".role",
                     "must be \"user\" or \"tool\": the last message is the one to be answered.");
    }
    if (last && is_blank(text)) return invalid(path + ".content", "is empty. Give a prompt.");
    asked = asked || (role == "user" && !is_blank(text));
    size.tokens += estimate_tokens(text) + kTokensPerMessage;
    size.bytes += static_cast<double>(text.size());
  }
  if (!asked)
    return invalid("messages",
                   "must hold at least one message of the user that is not empty. Give a prompt.");
  return size;
}

struct Range {
  std::string_view name;
  double least;
  double most;
  bool whole;
  std::string_view what_to_change;
};

constexpr Range kRanges[] = {
    {"temperature", 0, kMaxTemperature, false, "must be a number from 0 to 2."},
    {"maxTokens", 1, kMaxReplyTokens, true, "must be a whole number from 1 to 1,000,000."},
    {"topP", 0, 1, false, "must be a number from 0 to 1."},
    {"seed", -9007199254740991.0, 9007199254740991.0, true, "must be a whole number (at most 2^53 - 1)."},
};

std::optional<Error> check_parameters(const json& request) {
  const json* parameters = find_member(request, "parameters");
  if (parameters == nullptr) return std::nullopt;
  if (!parameters->is_object()) return invalid("parameters", "must be an object.");
  for (const Range& range : kRanges) {
    // JSON has no NaN: JavaScript writes null for it, which must not pass for "not given".
    const auto found = parameters->find(std::string(range.name));
    if (found == parameters->end()) continue;
    const double value = found->is_number() ? found->get<double>() : NAN;
    const bool fits =
        value >= range.least && value <= range.most && (!range.whole || value == std::floor(value));
    if (!fits) return invalid("parameters." + std::string(range.name), range.what_to_change);
  }
  const json* stop = find_member(*parameters, "stop");
  if (stop == nullptr) return std::nullopt;
  constexpr std::string_view kStops = "must be a list of at most 16 strings, none of them empty.";
  if (!stop->is_array() || stop->size() > kMaxStops) return invalid("parameters.stop", kStops);
  for (std::size_t i = 0; i < stop->size(); ++i) {
    const json& text = (*stop)[i];
    if (!text.is_string() || text.get_ref<const std::string&>().empty()) {
      return invalid("parameters.stop[" + std::to_string(i) + "]", "must be a string that is not empty.");
    }
  }
  return std::nullopt;
}

}  // namespace

Result<json> check_request(const json& request) {
  const auto limit = require_number(request, "maxBytes", "maxBytes");
  if (!limit) return limit.error();
  if (!(limit.value() >= 1 && limit.value() <= kMaxRequestBytes)) {
    return invalid("maxBytes", "must be a number from 1 to 1,073,741,824.");
  }
  const auto size = check_messages(request);
  if (!size) return size.error();
  const double bytes = size.value().bytes;
  if (bytes > limit.value()) return too_large(bytes, limit.value());
  if (auto error = check_parameters(request)) return *error;
  return json{{"inputTokens", size.value().tokens}, {"bytes", bytes}};
}

}  // namespace tierwise::reply
