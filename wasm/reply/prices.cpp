#include "reply/prices.h"

#include <cmath>
#include <utility>

#include "base/text.h"

namespace tierwise::reply {
namespace {

OwnedError invalid(std::string_view field, std::string_view what_to_change) {
  return refusal("invalid-config", field, what_to_change);
}

// The part of a bill for `amount` units: nothing used costs nothing, even where the price is unknown.
std::optional<double> charge(std::optional<double> price, double amount) {
  if (amount == 0) return 0;
  return price ? std::optional(*price * amount) : std::nullopt;
}

// The object member of that name; nullptr and no error when there is none.
Result<const json*> object_member(const json& object, std::string_view field, std::string_view path) {
  const json* member = find_member(object, field);
  if (member != nullptr && !member->is_object()) return invalid(path, "must be an object.");
  return member;
}

}  // namespace

Result<Prices::Price> Prices::read_price(const json& value, std::string_view path) {
  if (!value.is_object())
    return invalid(path, "must be an object with prices (inputPer1K, outputPer1K, perImage, perSecond).");
  Price price;
  bool priced = false;
  for (const auto& [field, slot] :
       {std::pair<std::string_view, std::optional<double>*>{"inputPer1K", &price.input_per_1k},
        {"outputPer1K", &price.output_per_1k},
        {"perImage", &price.per_image},
        {"perSecond", &price.per_second}}) {
    const json* member = find_member(value, field);
    if (member == nullptr) continue;
    const double amount = member->is_number() ? member->get<double>() : -1;
    if (!std::isfinite(amount) || amount < 0) {
      return invalid(fill("{}.{}", {path, field}), "must be a number of US dollars, 0 or more.");
    }
    *slot = amount;
    priced = true;
  }
  if (!priced) return invalid(path, "has no price. Give inputPer1K and outputPer1K, perImage or perSecond.");
  return price;
}

Result<Done> Prices::configure(const json& config) {
  std::list<Entry> entries;
  auto prices = object_member(config, "prices", "prices");
  if (!prices) return prices.take_error();
  if (prices.value() != nullptr) {
    auto providers = object_member(*prices.value(), "providers", "prices.providers");
    if (!providers) return providers.take_error();
    if (providers.value() != nullptr) {
      for (const auto& [provider, table] : members_of(*providers.value())) {
        if (auto done = read_table(provider, table, entries); !done) return done.take_error();
      }
    }
  }
  entries_ = std::move(entries);
  return Done{};
}

Result<Done> Prices::read_table(const std::string& provider, const json& table, std::list<Entry>& entries) {
  const std::string path = fill("prices.providers.{}", {provider});
  if (!table.is_object()) return invalid(path, "must be an object {models, default}.");
  auto models = object_member(table, "models", fill("{}.models", {path}));
  if (!models) return models.take_error();
  const auto add = [&](std::string_view model, bool prefix, const json& value, std::string_view of) -> Result<Done> {
    auto price = read_price(value, of);
    if (!price) return price.take_error();
    entries.push_front({provider, std::string(model), prefix, price.value()});
    return Done{};
  };
  if (models.value() != nullptr) {
    for (const auto& [model, value] : members_of(*models.value())) {
      const std::string model_path = fill("{}.models[\"{}\"]", {path, model});
      const std::string_view name = model;
      const std::size_t star = name.find('*');
      const bool prefix = star != std::string_view::npos;
      if (prefix && star + 1 != name.size()) return invalid(model_path, "may hold * only at its end.");
      if (auto done = add(name.substr(0, star), prefix, value, model_path); !done) return done;
    }
  }
  const json* fallback = find_member(table, "default");
  return fallback == nullptr ? Result<Done>(Done{}) : add("", true, *fallback, fill("{}.default", {path}));
}

const Prices::Price* Prices::find(std::string_view provider, std::string_view model) const {
  const auto look_up = [&](std::string_view id) {
    const Entry* best = nullptr;
    for (const Entry& entry : entries_) {
      if (entry.provider != provider) continue;
      if (!entry.prefix && entry.model == id) return &entry;
      const bool longer = best == nullptr || entry.model.size() > best->model.size();
      if (entry.prefix && longer && id.starts_with(entry.model)) best = &entry;
    }
    return best;
  };
  const Entry* found = look_up(model);
  const std::size_t suffix = model.rfind(':');
  if (provider == "router" && suffix != std::string_view::npos && (found == nullptr || found->prefix)) {
    const Entry* bare = look_up(model.substr(0, suffix));
    if (bare != nullptr && (found == nullptr || !bare->prefix)) found = bare;
  }
  return found == nullptr ? nullptr : &found->price;
}

std::optional<double> Prices::estimate(std::string_view provider, std::string_view model, double input_tokens,
                                       double output_tokens) const {
  const Price* price = find(provider, model);
  if (price == nullptr || price->per_second) return std::nullopt;
  return cost(provider, model, input_tokens, output_tokens, 0, 0);
}

std::optional<double> Prices::cost(std::string_view provider, std::string_view model, double input_tokens,
                                   double output_tokens, double images, double seconds) const {
  const Price* price = find(provider, model);
  if (price == nullptr) return std::nullopt;
  const bool by_token = price->input_per_1k || price->output_per_1k;
  const bool by_image = price->per_image.has_value();
  // A model charged by image alone whose images nobody counted.
  if (!by_token && !price->per_second && by_image && images == 0) return std::nullopt;
  const auto input = by_token ? charge(price->input_per_1k, input_tokens / 1000) : 0;
  const auto output = by_token ? charge(price->output_per_1k, output_tokens / 1000) : 0;
  // By the second means by the second, whatever came of it.
  const auto image = !by_image && price->per_second ? 0 : charge(price->per_image, images);
  if (!input || !output || !image) return std::nullopt;
  const double total = *input + *output + *image + price->per_second.value_or(0) * seconds;
  return std::isfinite(total) ? std::optional(total) : std::nullopt;
}

}  // namespace tierwise::reply
