#include "reply/request.h"

#include <cmath>
#include <cstdint>
#include <string>

#include "base/field_reader.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "base/words.h"
#include "reply/tokens.h"

namespace tierwise::reply {
namespace {

OwnedError invalid(std::string_view field, std::string_view what_to_change) {
  return refusal("invalid-input", field, what_to_change);
}

std::string bytes_for_people(double bytes) { return fill("{} bytes", {digits(static_cast<std::int64_t>(bytes))}); }

std::string size_for_people(double bytes) {
  if (bytes < 1000) return bytes_for_people(bytes);
  const bool kilo = bytes < 1e6;
  const auto tenths = static_cast<std::int64_t>(bytes / (kilo ? 1e2 : 1e5));
  return fill(kilo ? "{}.{} kB" : "{}.{} MB", {digits(tenths / 10), digits(tenths % 10)});
}

OwnedError too_large(double bytes, double limit) {
  std::string size = size_for_people(bytes);
  std::string most = size_for_people(limit);
  if (size == most) {
    size = bytes_for_people(bytes);
    most = bytes_for_people(limit);
  }
  return make_error("too-large",
                    fill("The messages are {}; at most {} are allowed. Shorten the prompt, the context or the history.",
                         {size, most}),
                    "messages");
}

struct Size {
  double tokens = 0;
  double bytes = 0;
};

Result<Size> check_messages(const json& request) {
  const json* messages = find_member(request, "messages");
  if (messages == nullptr || !messages->is_array() || messages->empty()) {
    return invalid("messages", "must be a list with at least one message. Give a prompt.");
  }
  if (messages->size() > kMaxMessages) {
    return invalid("messages", "must be at most 10,000. Shorten the history.");
  }
  Size size;
  bool asked = false;
  std::int64_t left = static_cast<std::int64_t>(messages->size());
  for (const json& message : elements_of(*messages)) {
    const bool last = --left == 0;
    const auto invalid_here = [&](std::string_view field, std::string_view what_to_change) {
      const auto place = digits(static_cast<std::int64_t>(messages->size()) - 1 - left);
      return invalid(fill("messages[{}]{}", {place, field}), what_to_change);
    };
    if (!message.is_object()) return invalid_here("", "must be an object {role, content}.");
    const std::string_view role = string_or_empty(message, "role");
    if (!has_word("system user assistant tool", role)) {
      return invalid_here(".role", "must be \"system\", \"user\", \"assistant\" or \"tool\".");
    }
    const json* content = find_member(message, "content");
    const std::string* text = content == nullptr ? nullptr : string_in(*content);
    if (text == nullptr) return invalid_here(".content", "must be a string.");
    if (last && role != "user" && role != "tool") {
      return invalid_here(".role", "must be \"user\" or \"tool\": the last message is the one to be answered.");
    }
    if (last && trim(*text).empty()) return invalid_here(".content", "is empty. Give a prompt.");
    asked = asked || (role == "user" && !trim(*text).empty());
    size.tokens += estimate_tokens(*text) + kTokensPerMessage;
    size.bytes += static_cast<double>(text->size());
  }
  if (!asked)
    return invalid("messages", "must hold at least one message of the user that is not empty. Give a prompt.");
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

OwnedError check_parameters(const json& request) {
  const json* parameters = find_member(request, "parameters");
  if (parameters == nullptr) return nullptr;
  if (!parameters->is_object()) return invalid("parameters", "must be an object.");
  for (const Range& range : kRanges) {
    // JSON has no NaN: JavaScript writes null for it, which must not pass for "not given".
    const json* found = find_any_member(*parameters, range.name);
    if (found == nullptr) continue;
    const double value = found->is_number() ? found->get<double>() : NAN;
    const bool fits = value >= range.least && value <= range.most && (!range.whole || value == std::floor(value));
    if (!fits) return invalid(fill("parameters.{}", {range.name}), range.what_to_change);
  }
  const json* stop = find_member(*parameters, "stop");
  if (stop == nullptr) return nullptr;
  constexpr std::string_view kStops = "must be a list of at most 16 strings, none of them empty.";
  if (!stop->is_array() || stop->size() > kMaxStops) return invalid("parameters.stop", kStops);
  std::int64_t place = 0;
  for (const json& element : elements_of(*stop)) {
    const std::string* text = string_in(element);
    if (text == nullptr || text->empty()) {
      return invalid(fill("parameters.stop[{}]", {digits(place)}), "must be a string that is not empty.");
    }
    ++place;
  }
  return nullptr;
}

}  // namespace

Result<std::string> check_request(const json& request) {
  FieldReader reader(request);
  const double limit = reader.number("maxBytes");
  if (reader.failed()) return reader.take_problem();
  if (!(limit >= 1 && limit <= kMaxRequestBytes)) {
    return invalid("maxBytes", "must be a number from 1 to 1,073,741,824.");
  }
  auto size = check_messages(request);
  if (!size) return size.take_error();
  const double bytes = size.value().bytes;
  if (bytes > limit) return too_large(bytes, limit);
  if (auto error = check_parameters(request)) return error;
  JsonWriter answer;
  return answer.open('{').number("inputTokens", size.value().tokens).number("bytes", bytes).close('}').take();
}

}  // namespace tierwise::reply
