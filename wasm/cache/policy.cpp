#include "cache/policy.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "base/field_reader.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "base/words.h"

namespace tierwise::cache {
namespace {

constexpr std::string_view kProviders = "space router openai mock";
constexpr std::string_view kFinishReasons = "stop length tool-calls content-filter other unknown";
constexpr double kHighestTemperature = 1e6;
constexpr double kMostBytes = 9007199254740991.0;  // 2^53 - 1

struct Outcome {
  bool complete;
  bool filtered;
  bool variety;
  bool no_store;
  std::string_view provider;
  std::string_view finish;
  double temperature;
  double bytes;
};

std::string_view read_word(FieldReader& reader, std::string_view field, std::string_view words) {
  const std::string_view given = reader.string(field);
  if (!has_word(words, given)) reader.complain(field, fill("one of {}", {joined_words(words, ", ")}));
  return given;
}

// Empty when it may be stored.
std::string refusal(const Outcome& outcome, double largest) {
  if (outcome.no_store) return "the request said noStore";
  if (outcome.variety) return "the request asked for variety";
  if (outcome.provider == "mock") return "replies of the mock are never stored";
  if (!outcome.complete) return "the reply ended before it was complete";
  if (outcome.filtered) return "a filter changed or withheld the reply";
  if (outcome.finish == "length") return "the reply was cut off at its token limit";
  if (outcome.finish == "tool-calls") return "the reply asks for a tool call, which is for now only";
  if (outcome.finish == "content-filter") return "the server's content filter stopped the reply";
  if (outcome.finish == "other") return "the server ended the reply for a reason of its own";
  if (outcome.bytes == 0) return "the reply is empty";
  if (largest <= 0) return "the cache is configured to hold nothing";
  if (outcome.bytes > largest) {
    return fill("the reply is larger than one entry may be ({} bytes, a quarter of the cache)",
                {digits(static_cast<std::int64_t>(largest))});
  }
  if (outcome.temperature > kMaxStoredTemperature) {
    return "a temperature above 1.0 asks for a different reply each time";
  }
  return {};
}

}  // namespace

Result<std::string> storable(const json& outcome, double largest) {
  FieldReader reader(outcome);
  reader.require_object("outcome");
  const Outcome read = {reader.flag("complete"),
                        reader.flag("filtered"),
                        reader.flag("variety"),
                        reader.flag("noStore"),
                        read_word(reader, "provider", kProviders),
                        read_word(reader, "finishReason", kFinishReasons),
                        reader.number("temperature", 0, kHighestTemperature),
                        reader.whole("bytes", 0, kMostBytes)};
  if (reader.failed()) return reader.take_problem();
  const std::string why_not = refusal(read, largest);
  JsonWriter answer;
  answer.open('{').flag("store", why_not.empty());
  answer.text("reason", why_not.empty() ? "Stored: the reply is complete and its request may be answered from cache."
                                        : fill("Not stored: {}.", {why_not}));
  return answer.close('}').take();
}

}  // namespace tierwise::cache
