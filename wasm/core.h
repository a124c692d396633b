// Core: every decision of the gateway, one method per step of a request (docs/DESIGN.md, section 3).
//
// Pure: the clock and random numbers are arguments, ids are hashes of what they stand for. Times are milliseconds since
// the epoch, durations milliseconds, sizes bytes, prices US dollars. Text is UTF-8. Each method answers JSON text,
// written front to back without a tree (base/json_writer.h), and takes a JSON value unless its comment says otherwise;
// the shapes stand in js/core-types.ts. Errors come back as values; nothing here throws for bad input.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "cache/index.h"
#include "prompt/render.h"
#include "reply/prices.h"
#include "route/health.h"
#include "route/quota.h"
#include "safety/mark_texts.h"
#include "route/tiers.h"

namespace tierwise {

class Core {
 public:
  // Rules, flags, targets, prices, cache and retry settings. May be called again: what was learned of a target with the
  // same id (health, quota, cached entries) stays. A core that refused its configuration may know a part of it:
  // configure it again, or give it up.
  Result<std::string> configure(const json& config);

  // Step 1. Refuses a malformed request with the field named; sizes it (tokens, estimated).
  Result<std::string> check(const json& request) const;

  // Step 2. The ordered targets and, for each one taken or passed over, the reason in a sentence.
  Result<std::string> plan(const json& request) const;

  // Steps 3 and 9: the exact cache. See cache/index.h.
  // `input` of look_up is not JSON but the canonical request text (js/cache-key.ts), or an entry's id.
  Result<std::string> partition(const json& description);
  Result<std::string> look_up(double partition, std::string_view input, double now, double max_age, bool allow_stale,
                              bool by_id = false);
  Result<std::string> storable(const json& outcome) const;
  Result<std::string> store(const json& record);
  Result<std::string> forget(const json& selector);
  Result<std::string> entries(const json& query) const;

  // Step 6: prompts. `source` is the text of a chat template; the answer {"number", "regular"?: {"list",
  // "places", "members", "names"}} is what it is rendered by, until it is forgotten (error "unknown-template"), and how
  // it writes messages (prompt/regular.h). render takes the variables as JSON text and answers the rendered text,
  // which is no JSON. format_chat: see prompt/chat.h.
  Result<std::string> add_template(std::string_view source);
  Result<std::string> render(double number, std::string_view variables, const prompt::RenderRequest& request);
  Result<std::string> format_chat(std::string_view request);
  // {"text"}: the block of prompt/context_block.h, empty when there is nothing to tell.
  Result<std::string> context_block(const json& facts) const;
  // What texts look as if they were meant for the model and not for people (safety/marks.h). `phrases` as models/injection.json,
  // before the first call of mark. {"texts": [{"field", "text"}], "policy"} -> {"texts": [text], "marks": [{"field",
  // "kind", "reason", "count"}]}; error "marked-text" with the field when the policy is "refuse".
  Result<std::string> phrases(const json& config);
  Result<std::string> mark(const json& request) const;
  // {"tokens", "atMost"} of prompt/tokens.h; `family` is a TokenizerFamily, anything else is kUnknown.
  Result<std::string> count_tokens(double family, std::string_view text) const;

  // Step 7. Whether a call may start now, and what to do when one failed. See route/quota.h, route/health.h.
  Result<std::string> admit(const json& ticket);
  Result<std::string> release(const json& ticket);
  Result<std::string> succeeded(const json& outcome);
  Result<std::string> failed(const json& facts);
  Result<std::string> stage(const json& observation);
  Result<std::string> health(double now) const;

  // Step 8. One frame of a stream, or one whole body, in a server's own words -> the one reply shape.
  // `input` is what the server sent; `protocol` is one of reply/protocol.h ("invalid-input" otherwise). frame runs
  // once per streamed token.
  Result<std::string> frame(double protocol, std::string_view input) const;
  Result<std::string> body(double protocol, std::string_view input) const;
  // Token counts (given or estimated, marked which) and cost of a finished reply.
  Result<std::string> settle(const json& outcome) const;

 private:
  // A call that starts may be the probe of a target that had failed: health hears of it.
  Result<std::string> hear_of(Result<route::QuotaBook::Turn> turn, const json& ticket);

  route::Tiers tiers_;
  route::HealthBook health_;
  route::QuotaBook quota_;
  cache::Index cache_;
  reply::Prices prices_;
  prompt::Renderer templates_;
  safety::Phrases phrases_;
};

}  // namespace tierwise
