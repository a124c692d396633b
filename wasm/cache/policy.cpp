#include "cache/policy.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "cache/read_field.h"

namespace tierwise::cache {
namespace {

constexpr std::string_view kProviders[] = {"space", "router", "openai", "mock"};
constexpr std::string_view kFinishReasons[] = {"stop", "length", "tool-calls", "content-filter", "unknown"};
constexpr double kHighestTemperature = 1e6;
constexpr double kMostBytes = 9007199254740991.0;  // 2^53 - 1

template <std::size_t kCount>
Result<std::string> read_word(const json& object, std::string_view field, const std::string_view (&words)[kCount]) {
  std::string list;
  const auto given = object.find(std::string(field));
  for (const std::string_view word : words) {
    if (given != object.end() && given->is_string() && given->get_ref<const std::string&>() == word) {
      return std::string(word);
    }
    list += (list.empty() ? "one of " : ", ") + std::string(word);
  }
  return bad_field(field, list);
}

json refuse(std::string reason) { return {{"store", false}, {"reason", std::move(reason)}}; }

}  // namespace

Result<json> storable(const json& outcome, double largest) {
  if (!outcome.is_object()) return bad_field("outcome", "an object");
  const auto complete = read_flag(outcome, "complete");
  if (!complete) return complete.error();
  const auto filtered = read_flag(outcome, "filtered");
  if (!filtered) return filtered.error();
  const auto variety = read_flag(outcome, "variety");
  if (!variety) return variety.error();
  const auto no_store = read_flag(outcome, "noStore");
  if (!no_store) return no_store.error();
  const auto provider = read_word(outcome, "provider", kProviders);
  if (!provider) return provider.error();
  const auto finish = read_word(outcome, "finishReason", kFinishReasons);
  if (!finish) return finish.error();
  const auto temperature = read_number(outcome, "temperature", 0, kHighestTemperature);
  if (!temperature) return temperature.error();
  const auto bytes = read_whole(outcome, "bytes", 0, kMostBytes);
  if (!bytes) return bytes.error();

  if (no_store.value()) return refuse("Not stored: the request said noStore.");
  if (variety.value()) return refuse("Not stored: the request asked for variety.");
  if (provider.value() == "mock") return refuse("Not stored: replies of the mock are never stored.");
  if (!complete.value()) return refuse("Not stored: the reply ended before it was complete.");
  if (filtered.value()) return refuse("Not stored: a filter changed or withheld the reply.");
  if (finish.value() == "length") return refuse("Not stored: the reply was cut off at its token limit.");
  if (finish.value() == "tool-calls") return refuse("Not stored: the reply asks for a tool call, which is for now only.");
  if (finish.value() == "content-filter") return refuse("Not stored: the server's content filter stopped the reply.");
  if (bytes.value() == 0) return refuse("Not stored: the reply is empty.");
  if (largest <= 0) return refuse("Not stored: the cache is configured to hold nothing.");
  if (bytes.value() > largest) {
    return refuse("Not stored: the reply is larger than one entry may be (" +
                  std::to_string(static_cast<std::int64_t>(largest)) + " bytes, a quarter of the cache).");
  }
  if (temperature.value() > kMaxStoredTemperature) {
    return refuse("Not stored: a temperature above 1.0 asks for a different reply each time.");
  }
  return json{{"store", true}, {"reason", "Stored: the reply is complete and its request may be answered from cache."}};
}

}  // namespace tierwise::cache
