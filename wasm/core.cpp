#include "core.h"

#include "reply/body.h"
#include "reply/frame.h"
#include "reply/protocol.h"
#include "reply/request.h"
#include "reply/settle.h"
#include "route/failure.h"

namespace tierwise {

Result<json> Core::configure(const json& config) {
  // Each part reads its own section; the first that refuses names the field, and nothing has changed then.
  route::Tiers tiers;
  if (auto done = tiers.configure(config); !done) return done.error();
  reply::Prices prices;
  if (auto done = prices.configure(config); !done) return done.error();
  if (auto done = health_.configure(config); !done) return done.error();
  if (auto done = quota_.configure(config); !done) return done.error();
  auto evicted = cache_.configure(config);
  if (!evicted) return evicted.error();
  tiers_ = std::move(tiers);
  prices_ = std::move(prices);
  return evicted;
}

Result<json> Core::check(const json& request) const { return reply::check_request(request); }

Result<json> Core::plan(const json& request) const { return tiers_.plan(request, health_, prices_); }

Result<json> Core::partition(const json& description) { return cache_.partition(description); }

Result<std::string> Core::look_up(double partition, std::string_view input, double now, double max_age,
                                  bool allow_stale) {
  return cache_.look_up(static_cast<std::uint32_t>(partition), input, now, max_age, allow_stale);
}

Result<json> Core::storable(const json& outcome) const { return cache_.storable(outcome); }
Result<json> Core::store(const json& record) { return cache_.store(record); }
Result<json> Core::forget(const json& selector) { return cache_.forget(selector); }
Result<json> Core::entries(const json& query) const { return cache_.entries(query); }

// A call that starts may be the probe of a target that had failed: health hears of it.
Result<json> Core::admit(const json& ticket) {
  auto admission = quota_.admit(ticket);
  if (admission && admission.value()["state"] == "go") {
    health_.started(ticket["target"].get<std::string>(), ticket["now"].get<double>());
  }
  return admission;
}

Result<json> Core::release(const json& ticket) {
  auto released = quota_.release(ticket);
  if (released && !released.value()["start"].empty()) {
    health_.started(ticket["target"].get<std::string>(), ticket["now"].get<double>());
  }
  return released;
}

Result<json> Core::succeeded(const json& outcome) { return health_.succeeded(outcome); }
Result<json> Core::failed(const json& facts) { return health_.failed(facts); }
Result<json> Core::stage(const json& observation) { return health_.stage(observation); }
Result<json> Core::health(double now) const { return health_.report(now, quota_); }

Result<std::string> Core::frame(double protocol, std::string_view input) const {
  return reply::read_frame(static_cast<reply::Protocol>(static_cast<int>(protocol)), input);
}

Result<json> Core::body(double protocol, std::string_view input) const {
  return reply::read_body(static_cast<reply::Protocol>(static_cast<int>(protocol)), input);
}

Result<json> Core::settle(const json& outcome) const { return reply::settle(outcome, prices_); }

}  // namespace tierwise
