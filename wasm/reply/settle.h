// The books of a finished reply: SettleRequest -> Settled (js/core-types.ts) as JSON text.
//
// A server's counts are taken when they are sane (above 0, at most kMaxCount; servers that count nothing
// write 0); a count that is missing is estimated (tokens.h), and one estimated count marks both. Cost is
// absent when the price is unknown (prices.h).
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "reply/prices.h"

namespace tierwise::reply {

inline constexpr double kMaxCount = 1e9;

Result<std::string> settle(const json& outcome, const Prices& prices);

}  // namespace tierwise::reply
