#include "core.h"

#include <cstdint>
#include <utility>

#include "base/field_reader.h"
#include "base/json_writer.h"
#include "prompt/chat.h"
#include "prompt/context_block.h"
#include "prompt/tokens.h"
#include "reply/body.h"
#include "reply/frame.h"
#include "reply/protocol.h"
#include "reply/request.h"
#include "reply/settle.h"
#include "route/failure.h"

namespace tierwise {
namespace {

using ReplyReader = Result<std::string> (*)(reply::Protocol, std::string_view);

Result<std::string> read_reply(ReplyReader read, double protocol, std::string_view input) {
  // False for NaN.
  if (!(protocol >= 0 && protocol < 4)) return bad_field("protocol", "a number of reply/protocol.h, 0 to 3");
  return read(static_cast<reply::Protocol>(static_cast<int>(protocol)), input);
}

}  // namespace

Result<std::string> Core::configure(const json& config) {
  // Each part reads its own section; the first that refuses names the field.
  route::Tiers tiers;
  if (auto done = tiers.configure(config); !done) return done.take_error();
  reply::Prices prices;
  if (auto done = prices.configure(config); !done) return done.take_error();
  if (auto done = health_.configure(config); !done) return done.take_error();
  if (auto done = quota_.configure(config); !done) return done.take_error();
  auto evicted = cache_.configure(config);
  if (!evicted) return evicted.take_error();
  tiers_ = std::move(tiers);
  prices_ = std::move(prices);
  return evicted;
}

Result<std::string> Core::check(const json& request) const { return reply::check_request(request); }

Result<std::string> Core::plan(const json& request) const { return tiers_.plan(request, health_, prices_); }

Result<std::string> Core::partition(const json& description) { return cache_.partition(description); }

Result<std::string> Core::look_up(double partition, std::string_view input, double now, double max_age,
                                  bool allow_stale, bool by_id) {
  // What is no handle becomes one that was never given out.
  const bool handle = partition >= 0 && partition < 4294967295.0;
  return cache_.look_up(handle ? static_cast<std::uint32_t>(partition) : UINT32_MAX, input, now, max_age, allow_stale,
                        by_id);
}

Result<std::string> Core::storable(const json& outcome) const { return cache_.storable(outcome); }
Result<std::string> Core::store(const json& record) { return cache_.store(record); }
Result<std::string> Core::forget(const json& selector) { return cache_.forget(selector); }
Result<std::string> Core::entries(const json& query) const { return cache_.entries(query); }

Result<std::string> Core::add_template(std::string_view source) {
  auto number = templates_.add(source);
  if (!number) return number.take_error();
  JsonWriter answer;
  answer.open('{').number("number", number.value());
  const prompt::Regular& regular = templates_.regular(number.value());
  if (regular.loop != nullptr) {
    answer.name("regular").open('{').text("list", regular.list).number("places", regular.places).name("members").open('[');
    for (const std::string_view name : regular.members) answer.text(name);
    answer.close(']').name("names").open('[');
    for (const std::string_view name : regular.names) answer.text(name);
    answer.close(']').close('}');
  }
  return answer.close('}').take();
}

Result<std::string> Core::render(double number, std::string_view variables, const prompt::RenderRequest& request) {
  // What is no number becomes one that was never given out.
  return templates_.render(number >= 1 && number < 4294967295.0 ? static_cast<std::uint32_t>(number) : 0, variables,
                           request);
}

Result<std::string> Core::format_chat(std::string_view request) { return prompt::format_chat(templates_, request); }

Result<std::string> Core::context_block(const json& facts) const {
  return JsonWriter().open('{').text("text", prompt::context_block(facts)).close('}').take();
}

Result<std::string> Core::phrases(const json& config) {
  if (auto done = phrases_.configure(config); !done) return done.take_error();
  return std::string("{}");
}

Result<std::string> Core::mark(const json& request) const { return safety::mark_texts(request, phrases_); }

Result<std::string> Core::count_tokens(double family, std::string_view text) const {
  const prompt::TokenEstimate estimate = prompt::estimate_tokens(text, prompt::tokenizer_family(family));
  return JsonWriter().open('{').number("tokens", estimate.tokens).number("atMost", estimate.at_most).close('}').take();
}

Result<std::string> Core::admit(const json& ticket) { return hear_of(quota_.admit(ticket), ticket); }

Result<std::string> Core::release(const json& ticket) { return hear_of(quota_.release(ticket), ticket); }

Result<std::string> Core::hear_of(Result<route::QuotaBook::Turn> turn, const json& ticket) {
  if (!turn) return turn.take_error();
  if (turn.value().starts) {
    health_.started(string_or_empty(ticket, "target"), optional_number(ticket, "now").value_or(0));
  }
  return std::move(turn).value().answer;
}

Result<std::string> Core::succeeded(const json& outcome) { return health_.succeeded(outcome); }
Result<std::string> Core::failed(const json& facts) { return health_.failed(facts); }
Result<std::string> Core::stage(const json& observation) { return health_.stage(observation); }
Result<std::string> Core::health(double now) const { return health_.report(now, quota_); }

Result<std::string> Core::frame(double protocol, std::string_view input) const {
  return read_reply(reply::read_frame, protocol, input);
}

Result<std::string> Core::body(double protocol, std::string_view input) const {
  return read_reply(reply::read_body, protocol, input);
}

Result<std::string> Core::settle(const json& outcome) const { return reply::settle(outcome, prices_); }

}  // namespace tierwise
