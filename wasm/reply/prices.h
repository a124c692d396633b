// What a call costs, from a price table (models/prices.json, the caller's own merged over it).
//
// Units: US dollars per 1,000 tokens (inputPer1K, outputPer1K), per image (perImage), per second of the call
// (perSecond).
// {"providers": {"<provider>": {"models": {"<id or prefix*>": price}, "default": price}}}
// The exact id wins, then the longest prefix, then the default. Of router models a suffix (":fastest",
// ":<provider>") is ignored. Unknown is nullopt, never 0: also when something was used that the entry has no
// price for. Dates in the table are for people; validity in time is the backend's part, which has the last
// word on cost.
#pragma once

#include <list>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace tierwise::reply {

class Prices {
 public:
  // Reads config.prices; none given is an empty table. Error "invalid-config" naming the field: prices must
  // be finite and not negative, a name may hold * only at its end. Nothing changes when it fails.
  Result<Done> configure(const json& config);

  // Of a call to come: what its tokens cost. nullopt also for models charged by image or by second.
  std::optional<double> estimate(std::string_view provider, std::string_view model, double input_tokens,
                                 double output_tokens) const;

  // Of a call made. Counts and seconds must be finite and not negative.
  std::optional<double> cost(std::string_view provider, std::string_view model, double input_tokens,
                             double output_tokens, double images, double seconds) const;

 private:
  struct Price {
    std::optional<double> input_per_1k;
    std::optional<double> output_per_1k;
    std::optional<double> per_image;
    std::optional<double> per_second;
  };
  struct Entry {
    std::string provider;
    std::string model;  // without the *
    bool prefix;
    Price price;
  };

  static Result<Price> read_price(const json& value, std::string_view path);
  static Result<Done> read_table(const std::string& provider, const json& table, std::list<Entry>& entries);
  const Price* find(std::string_view provider, std::string_view model) const;

  std::list<Entry> entries_;
};

}  // namespace tierwise::reply
